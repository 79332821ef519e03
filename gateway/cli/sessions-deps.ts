import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError } from '../contract/errors.ts';
import { exportBundle, verifyBundle } from '../recording/bundle.ts';
import * as recordings from '../recording/reader.ts';
import { verifySession } from '../recording/verify.ts';
import { createStore } from '../store/store.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { terminalShape } from './terminal/style.ts';

/** A protected gateway's recordings are its own: there they are seen in the console, or as root. */
function assertMayRead(home: string): void {
  if (!existsSync(home)) return;
  try {
    accessSync(home, constants.R_OK | constants.X_OK);
  } catch (cause) {
    throw new CountersignError(
      'HOME_NOT_OURS',
      `${home} belongs to the protected gateway; look at its sessions in the console, or run this with sudo`,
      { cause },
    );
  }
}

/** What `countersign sessions` works on when it runs for real: the folders of the home, gateway or not. */
export function sessionDeps(cli: Cli): SessionDeps {
  const recordingsDir = () => {
    assertMayRead(cli.home());
    return join(cli.home(), 'recordings');
  };
  return {
    recordingsDir,
    openStore: (mode) =>
      createStore({
        file: join(cli.home(), 'index.db'),
        recordingsDir: recordingsDir(),
        readOnly: mode === 'read',
      }),
    recordings,
    verify: async (target, { headFile }) => {
      const head = headFile === undefined ? undefined : new Uint8Array(readFileSync(headFile));
      const options = head === undefined ? {} : { head };
      return statSync(target).isDirectory() ? verifySession(target, options) : verifyBundle(target, options);
    },
    exportBundle,
    terminal: terminalShape(process.stdout, cli.env),
    now: Date.now,
    sleep: async (milliseconds, signal) => {
      // Being stopped is no failure: the caller looks at the signal.
      await delay(milliseconds, undefined, { signal }).catch(() => {});
    },
  };
}
