import type { ControlClient } from '../control/client.ts';
import type { Prompt } from './prompt.ts';

/** What a command is given: nothing reaches for the process by itself, so tests see what it says and asks. */
export interface Cli {
  /** One line to standard output: the answer. */
  out(line: string): void;
  /** One line to standard error: everything else. */
  note(line: string): void;
  env: NodeJS.ProcessEnv;
  /** The folder after --home, $COUNTERSIGN_HOME and the platform's default. */
  home(): string;
  /** The running gateway of that home. */
  control(): ControlClient;
  prompt: Prompt;
  /** Aborted by ^C. */
  signal: AbortSignal;
  /** A program's exit code becomes ours (`connect --exec`, `verify`). */
  exitWith(code: number): void;
}

/** Padded columns; the last one runs free. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join('  '),
  );
}

/** "3 minutes", "1 second": for sentences. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const [count, unit] = seconds < 90 ? [seconds, 'second'] : [Math.round(seconds / 60), 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}
