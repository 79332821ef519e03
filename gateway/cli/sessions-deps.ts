import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError } from '../contract/errors.ts';
import { deviceFolder } from '../evidence/device/device-file.ts';
import { localEvidence } from '../evidence/local-evidence.ts';
import { exportBundle, verifyBundle } from '../recording/bundle.ts';
import * as recordings from '../recording/reader.ts';
import { verifySession } from '../recording/verify.ts';
import { createStore } from '../store/store.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { gatewaySessions } from './sessions-gateway.ts';
import { terminalShape } from './terminal/style.ts';

/** A protected gateway's recordings are its own: it shows them itself, or root reads them. */
function mayRead(home: string): boolean {
  const recordings = join(home, 'recordings');
  try {
    for (const folder of [home, recordings])
      if (existsSync(folder)) accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What `countersign sessions` works on when it runs for real: the folders of the home, gateway or not. */
export function sessionDeps(cli: Cli): SessionDeps {
  const recordingsDir = () => {
    const home = cli.home();
    if (mayRead(home)) return join(home, 'recordings');
    throw new CountersignError(
      'HOME_NOT_OURS',
      `${home} belongs to the protected gateway; look at its sessions with sessions list, show and replay or in the console, or run this with sudo`,
    );
  };
  return {
    recordingsDir,
    openStore: (mode) =>
      createStore({
        file: join(cli.home(), 'index.db'),
        recordingsDir: recordingsDir(),
        readOnly: mode === 'read',
      }),
    gateway: () => (mayRead(cli.home()) ? null : gatewaySessions(cli.control(), cli.home())),
    remover: () =>
      existsSync(deviceFolder(cli.home()))
        ? async (id, why, pin) => {
            await cli.control().call('removeRecording', { id, why, pin });
          }
        : null,
    recordings,
    verify: async (target, { headFile }) => {
      const head = headFile === undefined ? undefined : new Uint8Array(readFileSync(headFile));
      const options = head === undefined ? {} : { head };
      return statSync(target).isDirectory() ? verifySession(target, options) : verifyBundle(target, options);
    },
    exportBundle: async (folder, out) => exportBundle(folder, out, await localEvidence(cli.home(), basename(folder))),
    terminal: terminalShape(process.stdout, cli.env),
    now: Date.now,
    sleep: async (milliseconds, signal) => {
      // Being stopped is no failure: the caller looks at the signal.
      await delay(milliseconds, undefined, { signal }).catch(() => {});
    },
  };
}
