import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError } from '../contract/errors.ts';
import * as recordings from '../recording/reader.ts';
import { verifySession } from '../recording/verify.ts';
import { createStore } from '../store/store.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { terminalShape } from './terminal/style.ts';

/** What `countersign sessions` works on when it runs for real: the folders of the home, gateway or not. */
export function sessionDeps(cli: Cli): SessionDeps {
  const recordingsDir = () => join(cli.home(), 'recordings');
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
      if (!statSync(target).isDirectory()) {
        throw new CountersignError('NOT_A_RECORDING', 'this file is no folder of a session; unpack the bundle first');
      }
      const head = headFile === undefined ? undefined : new Uint8Array(readFileSync(headFile));
      return verifySession(target, head === undefined ? {} : { head });
    },
    exportBundle: async () => {
      throw new CountersignError('NOT_BUILT', 'bundles cannot be made yet');
    },
    terminal: terminalShape(process.stdout, cli.env),
    now: Date.now,
    sleep: async (milliseconds, signal) => {
      // Being stopped is no failure: the caller looks at the signal.
      await delay(milliseconds, undefined, { signal }).catch(() => {});
    },
  };
}
