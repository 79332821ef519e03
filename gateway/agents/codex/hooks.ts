import { join } from 'node:path';
import { groupedHooks } from '../claude-code/hooks.ts';
import type { AgentInstaller } from '../installer.ts';

export const codexInstaller: AgentInstaller = {
  name: 'codex',
  title: 'Codex',
  file(level, { home, project }) {
    return level === 'managed' ? null : join(level === 'user' ? home : project, '.codex', 'hooks.json');
  },
  hooks: (home, plain) =>
    groupedHooks('codex', home, {
      plain: plain ?? false,
      asking: ['PreToolUse', 'UserPromptSubmit'],
      telling: ['PostToolUse', 'SessionStart', 'Stop'],
    }),
  note: 'Versions of Codex that have hooks as an experiment need them switched on in config.toml; managed hooks go into requirements.toml by hand.',
};
