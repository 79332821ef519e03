import { join } from 'node:path';
import type { AgentName } from '../../contract/hooks.ts';
import { hookCommand, isOwnCommand } from '../install/command.ts';
import type { HookTable } from '../install/merge.ts';
import { type AgentInstaller, DECISION_SECONDS, TELLING_SECONDS } from '../installer.ts';

const MANAGED: Partial<Record<NodeJS.Platform, string>> = {
  darwin: '/Library/Application Support/ClaudeCode/managed-settings.d/countersign.json',
  win32: 'C:\\Program Files\\ClaudeCode\\managed-settings.d\\countersign.json',
};

/** Hooks in groups with a matcher: none stands for every tool. */
export function groupedHooks(
  agent: AgentName,
  home: string | null,
  {
    asking,
    telling,
    unit = 1,
    plain = false,
  }: { asking: readonly string[]; telling: readonly string[]; unit?: number; plain?: boolean },
): HookTable {
  const entry = (seconds: number) => ({
    type: 'command',
    command: hookCommand({ agent, seconds, home, plain }),
    timeout: seconds * unit,
  });
  return {
    shape: 'grouped',
    top: {},
    entries: Object.fromEntries([
      ...asking.map((event) => [event, entry(DECISION_SECONDS)] as const),
      ...telling.map((event) => [event, entry(TELLING_SECONDS)] as const),
    ]),
    isOwn: ({ command }) => isOwnCommand(command, agent),
  };
}

export const claudeCodeInstaller: AgentInstaller = {
  name: 'claude-code',
  title: 'Claude Code',
  file(level, { home, project, platform }) {
    if (level === 'managed') return MANAGED[platform] ?? '/etc/claude-code/managed-settings.d/countersign.json';
    return join(level === 'user' ? home : project, '.claude', 'settings.json');
  },
  hooks: (home, plain) =>
    groupedHooks('claude-code', home, {
      plain: plain ?? false,
      asking: ['PreToolUse', 'UserPromptSubmit'],
      telling: ['PostToolUse', 'SessionStart', 'SessionEnd', 'Stop', 'SubagentStop', 'PreCompact', 'Notification'],
    }),
  note: 'Claude Code goes on when a hook fails or takes too long: it is not closed then.',
};
