import { join } from 'node:path';
import { hookCommand, isOwnCommand } from '../install/command.ts';
import type { HookTable } from '../install/merge.ts';

/** A person decides in this time; the longest that the shipped policy waits is shorter. */
export const DECISION_SECONDS = 600;
const TELLING_SECONDS = 30;

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

export type CursorLevel = 'user' | 'project' | 'enterprise';

/** @param folder the developer's home, or the project's root. */
export function cursorHooksFile(level: CursorLevel, folder: string, platform = process.platform): string {
  if (level !== 'enterprise') return join(folder, '.cursor', 'hooks.json');
  if (platform === 'darwin') return '/Library/Application Support/Cursor/hooks.json';
  if (platform === 'win32') return 'C:\\ProgramData\\Cursor\\hooks.json';
  return '/etc/cursor/hooks.json';
}

export function cursorHooks(home: string | null): HookTable {
  const entry = (seconds: number) => ({
    command: hookCommand({ agent: 'cursor', seconds, home }),
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
}
