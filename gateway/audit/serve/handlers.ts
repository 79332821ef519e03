import type { z } from 'zod';
import type { AuditRouteName, AuditRoutes } from '../../contract/audit.ts';
import { CountersignError, isCountersignError } from '../../contract/errors.ts';
import type { Session } from '../../contract/session.ts';
import { findSession } from '../../recording/reader.ts';
import { filterText } from '../../store/query.ts';
import type { Store } from '../../store/store.ts';
import type { Books } from '../books.ts';
import { secretsOf, sourceOf } from '../import/sources.ts';
import type { SavedSearches } from '../saved-searches.ts';
import type { Workspace } from '../workspace.ts';
import { foundAlerts } from './found-alerts.ts';
import type { Jobs } from './jobs.ts';
import type { MadeFiles } from './made-files.ts';
import { readTrail } from './trail.ts';
import type { Verdicts } from './verdicts.ts';
import type { Work } from './work.ts';

type Own = 'host' | 'login' | 'logout';
export type AuditHandlers = {
  [N in Exclude<AuditRouteName, Own>]: (
    input: z.output<AuditRoutes[N]['input']>,
  ) => Promise<z.output<AuditRoutes[N]['output']>> | z.output<AuditRoutes[N]['output']>;
};

export interface AuditHandlerDeps {
  workspace: Workspace;
  version: string;
  /** Whether the auditor's keys are open. */
  keys: boolean;
  store: Store;
  verdicts: Verdicts;
  jobs: Jobs;
  work: Work;
  files: MadeFiles;
  searches: SavedSearches;
  now(): number;
  /** Something that pages show changed. */
  changed(): void;
}

/** A session that is looked at again later is told again. */
const TOLD_AGAIN_MS = 3_600_000;

/** The routes of contract/audit.ts over a workspace. What is looked at is in the auditor's log before it is shown. */
export function createAuditHandlers(deps: AuditHandlerDeps): AuditHandlers {
  const { workspace, store, verdicts, jobs, work, files, searches } = deps;
  const told = new Map<string, number>();
  const found = foundAlerts(workspace.folder);

  /** Nothing imported yet is nothing to see, and no error. */
  function withBooks<T>(empty: T, read: (books: Books) => T): T {
    let books: Books;
    try {
      books = workspace.books('read');
    } catch (error) {
      if (isCountersignError(error, 'AUDIT_EMPTY')) return empty;
      throw error;
    }
    try {
      return read(books);
    } finally {
      books.close();
    }
  }

  function tell(sid: string): void {
    const before = told.get(sid);
    if (before !== undefined && deps.now() - before < TOLD_AGAIN_MS) return;
    workspace.log.append({ type: 'opened', sid, how: 'console' });
    told.set(sid, deps.now());
  }

  const deviceOf = (sid: string): string | null =>
    withBooks(null, (books) => {
      const device = books.session(sid)?.device ?? '';
      return device === '' ? null : device;
    });

  const of = (sid: string) => {
    const device = deviceOf(sid);
    return device === null ? null : { device, name: verdicts.nameOf(device) };
  };

  function annotated(session: Session) {
    const verdict = verdicts.verdict(session.id);
    const badge = verdict === null ? 'unverified' : verdict.ok ? 'verified' : 'failed';
    return { session, of: of(session.id), badge } as const;
  }

  const saved = () => ({ items: [...searches.list()].map(([name, filter]) => ({ name, filter })) });

  /** A recording that the index could not take, or has not yet, is tried once more when somebody opens it. */
  async function indexed<T>(id: string, read: () => Promise<T | null>): Promise<T> {
    const unknown = () => new CountersignError('SESSION_UNKNOWN', `There is no recording of session ${id} here.`);
    const again = async () => {
      if ((await findSession(workspace.recordingsDir, id)) === null) throw unknown();
      await store.indexSession(id, deviceOf(id));
      const found = await read();
      if (found === null) throw unknown();
      return found;
    };
    try {
      return (await read()) ?? (await again());
    } catch (error) {
      if (!isCountersignError(error, 'SESSION_UNKNOWN')) throw error;
      return again();
    }
  }

  return {
    async auditStatus() {
      const { org, root, name } = workspace.settings;
      const report = verdicts.report();
      const facts = withBooks(null, (books) => ({
        sessions: books.sessions().length,
        unread: books.byState('unread').length,
        torso: books.byState('torso').length,
        changed: books.byState('changed').length,
        refused: books.byState('refused').length,
        importedAt: Math.max(0, ...books.pastImports(1).map(({ began, ended }) => ended ?? began)),
      }));
      const {
        sessions = 0,
        importedAt = 0,
        ...objects
      } = facts ?? {
        unread: 0,
        torso: 0,
        changed: 0,
        refused: 0,
      };
      return {
        version: deps.version,
        organisation: org,
        root,
        auditor: name,
        folder: workspace.folder,
        keys: deps.keys,
        sessions,
        objects,
        importedAt: importedAt === 0 ? null : new Date(importedAt).toISOString(),
        verified: report === null ? null : { ...report, outdated: importedAt > Date.parse(report.at) },
        index: await store.incomplete(),
      };
    },

    auditDevices() {
      const heads = workspace.heads();
      const known = new Map(verdicts.devices().map((device) => [device.device, device]));
      const imported = withBooks(new Map<string, number>(), (books) => {
        const counts = new Map<string, number>();
        for (const { device } of books.sessions()) if (device !== '') counts.set(device, (counts.get(device) ?? 0) + 1);
        return counts;
      });
      const all = [...new Set([...known.keys(), ...imported.keys(), ...Object.keys(heads)])].sort();
      return {
        items: all.map((device) => {
          const report = known.get(device) ?? null;
          const head = heads[device];
          return {
            device,
            name: report?.name ?? null,
            account: report?.account ?? null,
            imported: imported.get(device) ?? 0,
            head: head === undefined ? null : { size: head.size, seen: head.seen },
            report:
              report === null
                ? null
                : {
                    at: report.at,
                    ok: report.ok,
                    entries: report.entries,
                    checks: report.checks,
                    gaps: report.gaps,
                    silences: report.silences,
                    sessions: report.counts.sessions,
                    failed: report.counts.failed,
                    missing: report.counts.missing,
                  },
          };
        }),
      };
    },
    auditVerdicts: ({ device, ...rest }) => verdicts.ofDevice(device, rest),

    auditImports: () => ({
      items: withBooks([], (books) =>
        books.pastImports(200).map(({ id, source, began, ended, objects }) => ({
          id,
          source,
          began: new Date(began).toISOString(),
          ended: ended === null ? null : new Date(ended).toISOString(),
          objects,
        })),
      ),
    }),
    importSource: ({ what }) => {
      const source = sourceOf(what, { read: async () => null });
      return { kind: source.kind, secrets: source.kind === 'store' ? secretsOf(what) : [] };
    },
    startImport: (input) => work.import(input),
    startVerification: () => work.verify(),
    auditJobs: () => ({ items: [...jobs.list] }),
    stopJob: ({ id }) => jobs.stop(id),

    async auditSessions({ failed, offset, limit }) {
      if (failed !== true) {
        const { items, total } = await store.sessions({ offset, limit });
        return { items: items.map(annotated), total };
      }
      const { sids, total } = verdicts.failed({ offset, limit });
      const found = await Promise.all(sids.map((sid) => store.session(sid)));
      return { items: found.filter((session) => session !== null).map(annotated), total };
    },
    async auditStatements({ offset, limit, ...filter }) {
      const found = await store.search(filter, { offset, limit });
      if (offset === 0) {
        workspace.log.append({ type: 'searched', words: filterText(filter).slice(0, 2000), found: found.total });
      }
      const sids = [...new Set(found.items.map(({ sessionId }) => sessionId))];
      const sessions = new Map(await Promise.all(sids.map(async (sid) => [sid, await store.session(sid)] as const)));
      return {
        items: found.items.map((statement) => {
          const session = sessions.get(statement.sessionId) ?? null;
          const summary = session && {
            agent: session.agent.name,
            person: session.identity.display,
            connection: `${session.connectionId} / ${session.database}`,
          };
          return { statement, session: summary, of: of(statement.sessionId) };
        }),
        total: found.total,
      };
    },
    savedSearches: saved,
    saveSearch({ name, filter }) {
      searches.save(name, filter);
      deps.changed();
      return saved();
    },
    forgetSearch({ name }) {
      searches.delete(name);
      deps.changed();
      return saved();
    },

    session({ id }) {
      tell(id);
      return indexed(id, () => store.session(id));
    },
    statements({ id, ...page }) {
      tell(id);
      return indexed(id, () => store.statements(id, page));
    },
    exchange({ id, index }) {
      tell(id);
      return indexed(id, () => store.exchange(id, index));
    },
    result({ id, index, ...page }) {
      tell(id);
      return indexed(id, () => store.result(id, index, page));
    },
    verifySession: ({ id }) => work.verifySession(id, deviceOf(id)),

    startRedaction: (input) => work.redact(input),
    startReport: (input) => work.report(input),
    auditAlerts: (input) => found.list(input),
    startAlerts: () => work.alerts(),
    startExport: (input) => work.export(input),
    madeFiles: () => ({ items: files.list() }),
    auditTrail: (page) => readTrail(workspace.log, page),
  };
}
