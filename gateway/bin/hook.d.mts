import type { FileFact, FileWish } from '../protocols/agent/events.ts';

/** @param args what follows `hook`: the agent, then options. Never rejects. */
export function runHook(
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<{ stdout: string; stderr: string; code: number }>;
export function defaultSocket(home: string | null, env: NodeJS.ProcessEnv): Promise<string>;
export function lookAt(wishes: readonly FileWish[]): Promise<FileFact[]>;
