/**
 * What is to be looked at before a command runs, by what runs as the developer: in protected mode the gateway cannot
 * see the developer's files. It is told to the agent's hook and to `countersign exec`, so it is plain JSON.
 */

/** A path as the program gets it, or a pattern that the shell replaces by what it finds. */
export interface PathWord {
  text: string;
  glob: boolean;
}

/** `names`: patterns for the last part of the path; `paths`: for all of it as find prints it. */
export interface FindTests {
  names: { pattern: string; fold: boolean }[];
  paths: string[];
  /** As find has it: f, d, l. */
  types: string;
  min: number;
  max: number;
  empty: boolean;
}

export type Wish =
  | { kind: 'remove'; cwd: string; paths: PathWord[]; deep: boolean; empty: boolean }
  | { kind: 'find'; cwd: string; roots: PathWord[]; tests: FindTests; deep: boolean }
  | { kind: 'write'; cwd: string; paths: PathWord[]; how: 'replaced' | 'added to' | 'changed' }
  | {
      kind: 'transfer';
      cwd: string;
      moves: boolean;
      sources: PathWord[];
      target: PathWord;
      /** -t: it is a folder; -T: it is none; null: whatever it is. */
      folder: boolean | null;
      /** `rest`: what would be replaced is kept: not written, or moved aside. */
      replaces: 'all' | 'rest';
      deep: boolean;
    }
  | { kind: 'mode'; cwd: string; to: string; paths: PathWord[]; deep: boolean }
  | { kind: 'git'; cwd: string; command: string; options: { name: string; value: string | null }[]; operands: string[] }
  /** `does`: a program that is not followed, which may do anything. */
  | { kind: 'mention'; cwd: string; paths: PathWord[]; does: string | null }
  | { kind: 'unknown'; sentence: string };

export const MAX_WISHES = 24;
export const MAX_WORDS = 200;
