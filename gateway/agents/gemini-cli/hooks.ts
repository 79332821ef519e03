import { join } from 'node:path';
import { groupedHooks } from '../claude-code/hooks.ts';
import type { AgentInstaller } from '../installer.ts';

const MANAGED: Partial<Record<NodeJS.Platform, string>> = {
  darwin: '/Library/Application Support/GeminiCli/settings.json',
  win32: 'C:\\ProgramData\\gemini-cli\\settings.json',
};

export const geminiCliInstaller: AgentInstaller = {
  name: 'gemini-cli',
  title: 'Gemini CLI',
  file(level, { home, project, platform }) {
    if (level === 'managed') return MANAGED[platform] ?? '/etc/gemini-cli/settings.json';
    return join(level === 'user' ? home : project, '.gemini', 'settings.json');
  },
  hooks: (home) => ({
    ...groupedHooks('gemini-cli', home, {
      asking: ['BeforeTool', 'BeforeAgent'],
      telling: ['AfterTool', 'AfterAgent', 'SessionStart', 'SessionEnd'],
      // Gemini CLI counts in milliseconds.
      unit: 1000,
    }),
    settings: ['enabled', 'disabled', 'notifications'],
  }),
  note: null,
};
