import { join } from 'node:path';
import { hookCommand, isOwnCommand } from '../install/command.ts';
import type { AgentInstaller } from '../installer.ts';

/** Windsurf says no time limit of its hooks and takes none: a minute is what others allow at least. */
const SECONDS = 60;

const EVENTS = [
  'pre_user_prompt',
  'pre_read_code',
  'pre_write_code',
  'pre_run_command',
  'pre_mcp_tool_use',
  'post_read_code',
  'post_write_code',
  'post_run_command',
  'post_mcp_tool_use',
  'post_cascade_response',
];

const MANAGED: Partial<Record<NodeJS.Platform, string>> = {
  darwin: '/Library/Application Support/Windsurf/hooks.json',
  win32: 'C:\\ProgramData\\Windsurf\\hooks.json',
};

export const windsurfInstaller: AgentInstaller = {
  name: 'windsurf',
  title: 'Windsurf',
  file(level, { home, project, platform }) {
    if (level === 'managed') return MANAGED[platform] ?? '/etc/windsurf/hooks.json';
    return level === 'user'
      ? join(home, '.codeium', 'windsurf', 'hooks.json')
      : join(project, '.windsurf', 'hooks.json');
  },
  hooks: (home) => ({
    shape: 'flat',
    top: {},
    entries: Object.fromEntries(
      EVENTS.map((event) => [
        event,
        {
          command: hookCommand({ agent: 'windsurf', seconds: SECONDS, home }),
          show_output: event.startsWith('pre_'),
        },
      ]),
    ),
    isOwn: ({ command }) => isOwnCommand(command, 'windsurf'),
  }),
  note: 'Windsurf goes on when a hook fails, and a person has a minute to decide.',
};
