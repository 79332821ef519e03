import type { HookAnswer } from '../protocols/agent/events.ts';

export const AGENTS: readonly string[];
export function eventNameOf(option: string | null, event: Record<string, unknown> | null): string;
export function isGating(agent: string, option: string | null, event: Record<string, unknown> | null): boolean;
export function render(
  agent: string,
  option: string | null,
  event: Record<string, unknown> | null,
  answer: HookAnswer,
): { stdout: string; stderr: string; code: number };
