import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { AgentView } from '../contract/about.ts';
import { readSettings } from './install/files.ts';
import { listHooks, parseSettings } from './install/merge.ts';
import type { AgentInstaller } from './installer.ts';
import { installers } from './installers.ts';

export interface LookDeps {
  /** The developer's home; null where the gateway may not look into it. */
  home: string | null;
  platform: NodeJS.Platform;
  /** How a command is typed that reaches this gateway. */
  typed(args: string): string;
}

/** Which agents are on this machine, and whether they ask Countersign already. Only looks. */
export function lookAtAgents({ home, platform, typed }: LookDeps): AgentView[] {
  return Object.values(installers).flatMap((installer) => {
    const { name, title, note } = installer;
    const file = installer.file('user', { home: home ?? '~', project: '', platform });
    if (file === null) return [];
    return {
      name,
      title,
      file,
      found: home === null ? null : existsSync(folderOf(file)),
      hooks: home === null ? null : hasHooks(file, installer),
      install: typed(`agents install ${name}`),
      uninstall: typed(`agents uninstall ${name}`),
      note,
    };
  });
}

/** A file that cannot be read or understood has no hooks that work. */
function hasHooks(file: string, installer: AgentInstaller): boolean {
  try {
    const text = readSettings(file);
    return text !== null && listHooks(parseSettings(text, file), installer.hooks(null), file).some(({ own }) => own);
  } catch {
    return false;
  }
}

/** The agent's own folder; a folder of hooks below it may be Countersign's. */
function folderOf(file: string): string {
  const folder = dirname(file);
  return basename(folder) === 'hooks' ? dirname(folder) : folder;
}
