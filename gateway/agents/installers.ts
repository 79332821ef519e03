import type { AgentName } from '../contract/hooks.ts';
import { claudeCodeInstaller } from './claude-code/hooks.ts';
import { codexInstaller } from './codex/hooks.ts';
import { copilotInstaller } from './copilot/hooks.ts';
import { cursorInstaller } from './cursor/hooks.ts';
import { geminiCliInstaller } from './gemini-cli/hooks.ts';
import type { AgentInstaller } from './installer.ts';
import { windsurfInstaller } from './windsurf/hooks.ts';

export const installers: Readonly<Record<AgentName, AgentInstaller>> = {
  cursor: cursorInstaller,
  'claude-code': claudeCodeInstaller,
  codex: codexInstaller,
  copilot: copilotInstaller,
  'gemini-cli': geminiCliInstaller,
  windsurf: windsurfInstaller,
};
