import type { AgentAdapter } from '../adapter.ts';
import { readClaude } from '../claude-code/adapter.ts';

/** Codex tells its events as Claude Code does. */
export const codex: AgentAdapter = { read: (given, eventName) => readClaude(given, eventName, 'approved') };
