import { join } from 'node:path';
import { type AuditEvent, auditRoutes, MADE_FILES, sharedRoutes } from '../../contract/audit.ts';
import { createConsoleServer } from '../../control/console-server.ts';
import { createStore } from '../../store/store.ts';
import type { AuditorKeys } from '../auditor-keys.ts';
import { SavedSearches } from '../saved-searches.ts';
import type { Workspace } from '../workspace.ts';
import { type AuditHandlers, createAuditHandlers } from './handlers.ts';
import { Jobs } from './jobs.ts';
import { madeFiles } from './made-files.ts';
import { Verdicts } from './verdicts.ts';
import { Work } from './work.ts';

export interface AuditServerOptions {
  workspace: Workspace;
  /** null: what is encrypted stays unread, and the log is not signed. */
  keys: AuditorKeys | null;
  version: string;
  consoleDir: string;
  /** 0: any that is free. */
  port: number;
  onCodeUsed?: () => void;
  unexpected(error: unknown): void;
}

export interface AuditServer {
  url: string;
  newLoginCode(): string;
  close(): Promise<void>;
}

/**
 * The auditor's console over a workspace, on loopback: one-time code, cookie and page key as the gateway's, no
 * PIN, since nothing that was imported can be changed. Throws CONTROL_IN_USE and what createStore throws.
 */
export async function startAuditServer(options: AuditServerOptions): Promise<AuditServer> {
  const { workspace, keys, unexpected } = options;
  const store = createStore({ file: workspace.indexFile, recordingsDir: workspace.recordingsDir });
  const verdicts = new Verdicts(join(workspace.folder, 'verified.db'));
  const stopping = new AbortController();
  const publish = (event: AuditEvent) => server.publish(event);
  const changed = () => publish({ type: 'workspace' });
  const jobs = new Jobs((job) => publish({ type: 'job', job }), unexpected);
  const files = madeFiles(join(workspace.folder, 'made'));
  const work = new Work({ workspace, keys, store, verdicts, jobs, files, signal: stopping.signal, changed });
  const handlers = createAuditHandlers({
    workspace,
    version: options.version,
    keys: keys !== null,
    store,
    verdicts,
    jobs,
    work,
    files,
    searches: new SavedSearches(workspace.folder),
    now: Date.now,
    changed,
  });
  const server = createConsoleServer({
    host: 'audit',
    routes: { ...sharedRoutes, ...auditRoutes },
    handle: async (name, input) =>
      (handlers[name as keyof AuditHandlers] as (input: object) => Promise<unknown>)(input),
    files: { below: MADE_FILES, open: files.open },
    clock: { now: Date.now },
    consoleDir: options.consoleDir,
    unexpected,
    onCodeUsed: options.onCodeUsed,
  });
  const close = async () => {
    stopping.abort();
    await jobs.close();
    await server.close();
    await store.close();
    verdicts.close();
    if (keys !== null) workspace.log.sign(keys.signer);
  };
  try {
    await server.listen({ host: '127.0.0.1', port: options.port, socketPath: null });
    const why = await store.incomplete();
    if (why !== null) work.rebuildIndex(why);
  } catch (error) {
    await close();
    throw error;
  }
  return { url: server.address!.url, newLoginCode: () => server.newLoginCode(), close };
}
