import { CommanderError } from 'commander';
import { isCountersignError } from '../contract/errors.ts';

function portTaken(error: unknown): string | null {
  const { code, port } = (error ?? {}) as { code?: string; port?: number };
  if (code !== 'EADDRINUSE') return null;
  return `port ${port ?? ''} is taken by another program; choose others with --port and --console-port (0: any that is free)`;
}

/**
 * What a person is told when a command fails: one sentence that says what to do. A stack trace is for
 * whoever asks for it with --debug.
 *
 * @returns the exit code.
 */
export function tellFailure(error: unknown, debug: boolean, note: (line: string) => void): number {
  // commander has said it already.
  if (error instanceof CommanderError) return error.exitCode;
  const taken = portTaken(error) ?? portTaken((error as Error | null)?.cause);
  if (taken !== null) {
    note(`countersign: ${taken}`);
  } else if (isCountersignError(error)) {
    note(`countersign: ${error.message}`);
  } else {
    note(
      `countersign: something went wrong that should not: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (!debug) note('Run the command again with --debug to see where.');
  }
  if (debug && error instanceof Error) note(String(error.stack));
  return isCountersignError(error, 'USAGE') ? 2 : 1;
}
