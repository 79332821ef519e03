import { createControlClient } from '../control/client.ts';
import type { Cli } from './cli.ts';
import { clientSocketPath, homeFolder } from './home.ts';
import { terminalPrompt } from './prompt.ts';

/** What a person, a service manager or a closed terminal sends. The second of a kind ends the process at once. */
const ENDINGS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The commands' surroundings when they run for real. A reader that went away (`| head`) is not a failure. */
export function processCli(homeOption: () => string | undefined): Cli {
  const quiet = (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  };
  process.stdout.on('error', quiet);
  process.stderr.on('error', quiet);
  const interrupted = new AbortController();
  const home = () => homeFolder(homeOption(), process.env);
  return {
    out: (line) => process.stdout.write(`${line}\n`),
    note: (line) => process.stderr.write(`${line}\n`),
    env: process.env,
    home,
    control: () => createControlClient({ socketPath: clientSocketPath(homeOption(), process.env) }),
    prompt: terminalPrompt,
    // Only what listens to it changes what ^C does: without a listener the process ends, as it should.
    get signal() {
      for (const ending of ENDINGS) {
        if (process.listenerCount(ending) === 0) process.once(ending, () => interrupted.abort());
      }
      return interrupted.signal;
    },
    exitWith: (code) => {
      process.exitCode = code;
    },
  };
}
