import { fileURLToPath } from 'node:url';
import type { AgentName } from '../../contract/hooks.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/countersign.mjs', import.meta.url));

export interface HookCommandOptions {
  agent: AgentName;
  /** After which the agent gives up on the hook. */
  seconds: number;
  /** Where the gateway's home is not the usual one. */
  home: string | null;
  /** For agents that do not say it. */
  event?: string;
  /** Allowed commands run as they are, not in a recorded terminal. */
  plain?: boolean;
  platform?: NodeJS.Platform;
}

/**
 * What the agent runs: absolute paths, since an editor that was started from a desktop has a minimal PATH, and
 * no address of any kind, since Cursor's command line does not take a file with one.
 */
export function hookCommand(options: HookCommandOptions): string {
  const { agent, seconds, home, event, plain = false, platform = process.platform } = options;
  const words = [process.execPath, PROGRAM, 'hook', agent, '--timeout', String(seconds)];
  if (event !== undefined) words.push('--event', event);
  if (plain) words.push('--terminal', 'no');
  if (home !== null) words.push('--home', home);
  return words.map((word) => shellWord(word, platform)).join(' ');
}

/** One word for the shell of the platform. */
function shellWord(word: string, platform: NodeJS.Platform): string {
  if (platform === 'win32') return /^[A-Za-z0-9_@%+=:,./\\-]+$/.test(word) ? word : `"${word.replaceAll('"', '')}"`;
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command that some version of Countersign installed for the agent. */
export function isOwnCommand(command: unknown, agent: AgentName): boolean {
  return (
    typeof command === 'string' && new RegExp(`countersign(\\.mjs)?["']?\\s+hook\\s+["']?${agent}\\b`).test(command)
  );
}
