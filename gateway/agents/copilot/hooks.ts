import { join } from 'node:path';
import { hookCommand, isOwnCommand } from '../install/command.ts';
import { type AgentInstaller, DECISION_SECONDS, TELLING_SECONDS } from '../installer.ts';

const TELLING = ['sessionStart', 'sessionEnd', 'userPromptSubmitted', 'postToolUse', 'errorOccurred'];

export const copilotInstaller: AgentInstaller = {
  name: 'copilot',
  title: 'GitHub Copilot',
  file(level, { home, project }) {
    if (level === 'managed') return null;
    return level === 'user'
      ? join(home, '.copilot', 'hooks', 'countersign.json')
      : join(project, '.github', 'hooks', 'countersign.json');
  },
  hooks(home) {
    const entry = (event: string, seconds: number) => ({
      type: 'command',
      // Its events do not say their names.
      bash: hookCommand({ agent: 'copilot', seconds, home, event, platform: 'linux' }),
      powershell: `& ${hookCommand({ agent: 'copilot', seconds, home, event, platform: 'win32' })}`,
      timeoutSec: seconds,
    });
    return {
      shape: 'flat',
      top: { version: 1 },
      entries: {
        preToolUse: entry('preToolUse', DECISION_SECONDS),
        ...Object.fromEntries(TELLING.map((event) => [event, entry(event, TELLING_SECONDS)])),
      },
      isOwn: ({ bash, powershell, command }) => [bash, powershell, command].some((one) => isOwnCommand(one, 'copilot')),
    };
  },
  note: 'Copilot tells of prompts and asks nothing about them, so these are recorded and not decided on.',
};
