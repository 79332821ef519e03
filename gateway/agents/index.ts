import type { AgentName } from '../contract/hooks.ts';
import type { AgentAdapter } from './adapter.ts';
import { claudeCode } from './claude-code/adapter.ts';
import { codex } from './codex/adapter.ts';
import { copilot } from './copilot/adapter.ts';
import { cursor } from './cursor/adapter.ts';
import { geminiCli } from './gemini-cli/adapter.ts';
import { windsurf } from './windsurf/adapter.ts';

export const adapters: Readonly<Record<AgentName, AgentAdapter>> = {
  cursor,
  'claude-code': claudeCode,
  codex,
  copilot,
  'gemini-cli': geminiCli,
  windsurf,
};
