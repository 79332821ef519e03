import { resolve } from 'node:path';
import type { Command } from 'commander';
import { openWorkspace, type Workspace } from '../audit/workspace.ts';
import { CountersignError } from '../contract/errors.ts';
import { exportBundle } from '../recording/bundle.ts';
import * as recordings from '../recording/reader.ts';
import { verifySession } from '../recording/verify.ts';
import { filterText } from '../store/query.ts';
import { createStore } from '../store/store.ts';
import type { AuditTrail } from './audit-sessions.ts';
import type { Cli } from './cli.ts';
import type { SessionDeps } from './sessions.ts';
import { terminalShape } from './terminal/style.ts';

/** After --workspace of any command above, and $COUNTERSIGN_AUDIT. */
export function workspaceFolder(cli: Cli, command: Command): string {
  const chosen = (command.optsWithGlobals() as { workspace?: string }).workspace ?? cli.env.COUNTERSIGN_AUDIT;
  if (chosen !== undefined && chosen !== '') return resolve(chosen);
  throw new CountersignError(
    'USAGE',
    "say which workspace: --workspace DIR, or $COUNTERSIGN_AUDIT; 'countersign audit init' makes one",
  );
}

/** The log of the workspace, where one was chosen: a bundle can be looked at without. */
export function auditTrail(cli: Cli, audit: Command): AuditTrail {
  return (entry) => {
    const { workspace } = audit.optsWithGlobals() as { workspace?: string };
    if ((workspace ?? cli.env.COUNTERSIGN_AUDIT ?? '') !== '')
      openWorkspace(workspaceFolder(cli, audit)).log.append(entry);
  };
}

/** What the commands on sessions work on, over the recordings of a workspace. Whoever opens a session is logged. */
export function auditSessionDeps(cli: Cli, audit: Command): SessionDeps {
  let opened: Workspace | null = null;
  const workspace = () => {
    opened ??= openWorkspace(workspaceFolder(cli, audit));
    return opened;
  };
  const told = new Set<string>();
  const tell = (folder: string) => {
    // A bundle from elsewhere is looked at without a workspace.
    if (opened === null || told.has(folder)) return;
    told.add(folder);
    const sid = folder.split(/[/\\]/).at(-1) ?? '';
    opened.log.append({ type: 'opened', sid, how: 'countersign audit' });
  };
  // Opened where a command runs: when commands are registered no option is known yet.
  return {
    recordingsDir: () => workspace().recordingsDir,
    openStore: (mode) => {
      const { indexFile, recordingsDir, log } = workspace();
      const store = createStore({ file: indexFile, recordingsDir, readOnly: mode === 'read' });
      return {
        ...store,
        search: async (filter, page) => {
          const found = await store.search(filter, page);
          log.append({ type: 'searched', words: filterText(filter).slice(0, 2000), found: found.total });
          return found;
        },
      };
    },
    gateway: () => null,
    remover: () => null,
    recordings: {
      ...recordings,
      events: (folder) => {
        tell(folder);
        return recordings.events(folder);
      },
      exchanges: (folder, range) => {
        tell(folder);
        return recordings.exchanges(folder, range);
      },
      pieces: (folder, range) => {
        tell(folder);
        return recordings.pieces(folder, range);
      },
    },
    verify: (target) => verifySession(target),
    exportBundle: async (folder, out) => {
      tell(folder);
      await exportBundle(folder, out);
    },
    terminal: terminalShape(process.stdout, cli.env),
    now: Date.now,
    sleep: async (milliseconds, signal) => {
      await new Promise<void>((done) => {
        const timer = setTimeout(done, milliseconds);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          done();
        });
      });
    },
  };
}
