import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { IPty } from '@lydell/node-pty';
import * as recordings from '../../gateway/recording/reader.ts';
import { COUNTERSIGN } from './gateway.ts';

export interface TerminalPlay {
  code: number;
  /** Everything that appeared; empty where only `hash` was wanted. */
  shown: string;
  bytes: number;
  sha256: string;
}

export interface TerminalScript {
  env: NodeJS.ProcessEnv;
  cwd: string;
  cols?: number;
  rows?: number;
  /** What is done when its text has appeared behind the last one's; in order. */
  steps?: readonly (readonly [string, (terminal: IPty) => void])[];
  /** For much output: only its length and digest are kept. */
  hash?: boolean;
}

/** Runs a program on a pseudo-terminal, as a person's terminal would. */
export async function playTerminal(argv: readonly string[], script: TerminalScript): Promise<TerminalPlay> {
  const { spawn } = await import('@lydell/node-pty');
  const { env, cwd, cols = 80, rows = 24, steps = [], hash = false } = script;
  const [program = '', ...args] = argv;
  const terminal = spawn(program, args, { cols, rows, cwd, env: { ...env, TERM: 'xterm-256color' }, encoding: null });
  const digest = createHash('sha256');
  const left = [...steps];
  let shown = '';
  let mark = 0;
  let bytes = 0;
  terminal.onData((chunk) => {
    const data = chunk as unknown as Buffer;
    digest.update(data);
    bytes += data.length;
    if (hash) return;
    shown += data.toString('latin1');
    for (let step = left[0]; step !== undefined && shown.includes(step[0], mark); step = left[0]) {
      mark = shown.indexOf(step[0], mark) + step[0].length;
      left.shift();
      step[1](terminal);
    }
  });
  return new Promise((resolve) => {
    terminal.onExit(({ exitCode, signal }) =>
      resolve({
        code: signal ? 128 + signal : exitCode,
        shown: Buffer.from(shown, 'latin1').toString('utf8'),
        bytes,
        sha256: digest.digest('hex'),
      }),
    );
  });
}

/** `countersign exec` in front of a command. */
export const recorded = (argv: readonly string[], ...options: string[]): string[] => [
  ...COUNTERSIGN,
  'exec',
  ...options,
  '--',
  ...argv,
];

/** Folder of the newest session's recording, once it is closed. */
export async function lastTerminal(home: string): Promise<string> {
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const folders: string[] = [];
    for await (const folder of recordings.sessionFolders(join(home, 'recordings'))) folders.push(folder);
    const last = folders.sort((a, b) => basename(a).localeCompare(basename(b))).at(-1);
    if (last !== undefined && (await recordings.readSession(last)).state === 'closed') return last;
    await delay(50);
  }
  throw new Error('the newest session does not close');
}
