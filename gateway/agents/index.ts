import type { AgentName } from '../contract/hooks.ts';
import type { AgentAdapter } from './adapter.ts';
import { cursor } from './cursor/adapter.ts';

export const adapters: Readonly<Record<AgentName, AgentAdapter>> = {
  cursor,
  'claude-code': cursor,
  codex: cursor,
  copilot: cursor,
  'gemini-cli': cursor,
  windsurf: cursor,
};
