import { join } from 'node:path';
import { hookCommand, isOwnCommand } from '../install/command.ts';
import { type AgentInstaller, DECISION_SECONDS, TELLING_SECONDS } from '../installer.ts';

/** Events by which Cursor asks: without an answer nothing happens. */
const ASKING = [
  'preToolUse',
  'beforeShellExecution',
  'beforeMCPExecution',
  'beforeReadFile',
  'beforeTabFileRead',
  'beforeSubmitPrompt',
  'subagentStart',
];

/** Only names that every version with hooks knows: Cursor's command line takes no file with another. */
const TELLING = [
  'sessionStart',
  'sessionEnd',
  'postToolUse',
  'postToolUseFailure',
  'afterShellExecution',
  'afterMCPExecution',
  'afterFileEdit',
  'afterTabFileEdit',
  'subagentStop',
  'preCompact',
  'stop',
  'afterAgentResponse',
  'afterAgentThought',
];

const MANAGED: Partial<Record<NodeJS.Platform, string>> = {
  darwin: '/Library/Application Support/Cursor/hooks.json',
  win32: 'C:\\ProgramData\\Cursor\\hooks.json',
};

export const cursorInstaller: AgentInstaller = {
  name: 'cursor',
  title: 'Cursor',
  file(level, { home, project, platform }) {
    if (level === 'managed') return MANAGED[platform] ?? '/etc/cursor/hooks.json';
    return join(level === 'user' ? home : project, '.cursor', 'hooks.json');
  },
  hooks(home, plain = false) {
    const entry = (seconds: number) => ({
      command: hookCommand({ agent: 'cursor', seconds, home, plain }),
      type: 'command',
      timeout: seconds,
    });
    return {
      shape: 'flat',
      top: { version: 1 },
      entries: Object.fromEntries([
        ...ASKING.map((event) => [event, { ...entry(DECISION_SECONDS), failClosed: true }] as const),
        ...TELLING.map((event) => [event, entry(TELLING_SECONDS)] as const),
      ]),
      isOwn: ({ command }) => isOwnCommand(command, 'cursor'),
    };
  },
  note: null,
};
