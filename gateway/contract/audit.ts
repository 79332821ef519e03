import { z } from 'zod';
import { Alert, AlertSeverity } from './alert.ts';
import { routes } from './api.ts';
import { Entity } from './connection.ts';
import { StatementFilter } from './search.ts';
import { Session, SessionState, Statement, VerificationCheck } from './session.ts';

/**
 * The API of the auditor's console (`countersign audit serve`): what it shares with the gateway's is the
 * gateway's own declaration, so that the same screens work over both.
 */
const Id = z.string().min(1).max(64);
const Nothing = z.object({});
const count = z.number().int();
const page = {
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
};
const listOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), total: count });

export const AuditStatus = z.object({
  version: z.string(),
  organisation: z.string(),
  /** vkey of the root: all that verification starts from. */
  root: z.string(),
  auditor: z.string(),
  folder: z.string(),
  /** The auditor's keys were opened when this was started; without them what is encrypted stays unread. */
  keys: z.boolean(),
  sessions: count,
  objects: z.object({ unread: count, torso: count, changed: count, refused: count }),
  importedAt: z.string().nullable(),
  /** The last verification of everything; null before the first. */
  verified: z
    .object({
      at: z.string(),
      ok: z.boolean(),
      /** Something was imported since. */
      outdated: z.boolean(),
      checks: z.array(VerificationCheck),
      counts: z.object({ devices: count, sessions: count, verified: count, failed: count, missing: count }),
    })
    .nullable(),
  /** Why the index holds less than what was imported, as a sentence. */
  index: z.string().nullable(),
});
export type AuditStatus = z.infer<typeof AuditStatus>;

const Span = z.object({ from: z.string(), until: z.string(), minutes: z.number() });

export const AuditDevice = z.object({
  device: z.string(),
  name: z.string().nullable(),
  account: z.string().nullable(),
  /** Sessions of it that were imported. */
  imported: count,
  /** Of the head that was seen last, and when that was. */
  head: z.object({ size: count, seen: z.string() }).nullable(),
  /** null: imported and not verified yet. */
  report: z
    .object({
      at: z.string(),
      ok: z.boolean(),
      entries: count,
      checks: z.array(VerificationCheck),
      gaps: z.array(Span.extend({ kind: z.string(), detail: z.string() })),
      silences: z.array(Span),
      sessions: count,
      failed: count,
      missing: count,
    })
    .nullable(),
});
export type AuditDevice = z.infer<typeof AuditDevice>;

/** What verification said of one session. `state` is that of the evidence, wider than a recording's own. */
export const AuditVerdict = z.object({
  sid: z.string(),
  device: z.string(),
  /** Which session of the device it is by its log, from 1. */
  ordinal: count.nullable(),
  state: z.enum([...SessionState.options, 'missing', 'kept-local', 'removed', 'unreadable']),
  ok: z.boolean(),
  at: z.string(),
  checks: z.array(VerificationCheck),
  brokenExchanges: z.array(z.tuple([count, count])),
});
export type AuditVerdict = z.infer<typeof AuditVerdict>;

const DeviceName = z.object({ device: z.string(), name: z.string().nullable() });
/** What verification said, in a word: `unverified` before it ran, `not-here` for what has no recording to look at. */
const Badge = z.enum(['verified', 'failed', 'not-here', 'unverified']);

export const AuditSession = z.object({ session: Session, of: DeviceName.nullable(), badge: Badge });
export type AuditSession = z.infer<typeof AuditSession>;

export const FoundStatement = z.object({
  statement: Statement,
  session: z.object({ agent: z.string(), person: z.string(), connection: z.string() }).nullable(),
  of: DeviceName.nullable(),
});
export type FoundStatement = z.infer<typeof FoundStatement>;

export const PastImport = z.object({
  id: count,
  source: z.string(),
  began: z.string(),
  /** null: it was stopped, or still runs. */
  ended: z.string().nullable(),
  /** Objects that it saw last. */
  objects: count,
});
export type PastImport = z.infer<typeof PastImport>;

export const RedactionChoice = z.object({
  values: z.array(z.string().min(1).max(10_000)).max(1000).default([]),
  columns: z
    .array(z.object({ table: z.string().min(1).max(256).nullable(), column: z.string().min(1).max(256) }))
    .max(200)
    .default([]),
  entities: z.array(Entity).max(20).default([]),
  statements: z.array(count.min(0)).max(1000).default([]),
  results: z.array(count.min(0)).max(1000).default([]),
  parameters: z.array(count.min(0)).max(1000).default([]),
});
export type RedactionChoice = z.infer<typeof RedactionChoice>;

const byRole = z.object({ up: count, down: count, text: count, detail: count });

/** What goes, and what goes with it. */
export const Redaction = z.object({
  sessionId: z.string(),
  units: byRole,
  bytes: byRole,
  found: z.record(z.string(), count),
  before: count,
  /** At most 1,000 of them. */
  statements: z.array(z.object({ index: count, op: z.string() })),
  affected: count,
  notUnderstood: count,
  digests: count,
  signed: z.array(z.string()),
});
export type Redaction = z.infer<typeof Redaction>;

/** A file that was made here: it lies in the workspace, and can be downloaded. */
export const MadeFile = z.object({ name: z.string(), bytes: count, at: z.string(), path: z.string() });
export type MadeFile = z.infer<typeof MadeFile>;

/** Work that takes its time; one at a time. */
export const AuditJob = z.object({
  id: z.string(),
  kind: z.enum(['import', 'verify', 'index', 'preview', 'redact', 'report', 'alerts', 'export']),
  /** Of what, in words: a source, a session, a scope. */
  what: z.string(),
  state: z.enum(['running', 'done', 'stopped', 'failed']),
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  progress: z.object({ sentence: z.string(), done: count, of: count.nullable() }),
  /** What came of it. */
  sentences: z.array(z.string()),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  redaction: Redaction.nullable(),
  file: MadeFile.nullable(),
});
export type AuditJob = z.infer<typeof AuditJob>;

export const SavedSearch = z.object({ name: z.string().min(1).max(100), filter: StatementFilter });
export type SavedSearch = z.infer<typeof SavedSearch>;
const SavedSearches = z.object({ items: z.array(SavedSearch) });

/** What other tools read; `csv` is the result of one statement. */
export const AuditExportFormat = z.enum(['jsonl', 'sql', 'csv', 'ocsf', 'cef', 'asciicast', 'asciicast-v2']);
export type AuditExportFormat = z.infer<typeof AuditExportFormat>;

/** What the alert rules found in what was imported. */
export const AuditAlert = Alert.extend({ device: z.string() });
export type AuditAlert = z.infer<typeof AuditAlert>;

export const LoggedAction = z.object({ n: count, at: z.string(), by: z.string(), sentence: z.string() });
export type LoggedAction = z.infer<typeof LoggedAction>;

function route<I extends z.ZodType, O extends z.ZodType>(method: 'GET' | 'POST', path: string, input: I, output: O) {
  return { method, path, access: 'session' as const, input, output };
}

/** What the auditor's console has of its own. */
export const auditRoutes = {
  auditStatus: route('GET', '/api/audit/status', Nothing, AuditStatus),
  auditDevices: route('GET', '/api/audit/devices', Nothing, z.object({ items: z.array(AuditDevice) })),
  /** In the order of the device's log; `only` leaves out what holds. */
  auditVerdicts: route(
    'GET',
    '/api/audit/devices/:device/sessions',
    z.object({ device: Id, only: z.enum(['failed', 'missing']).optional(), ...page }),
    listOf(AuditVerdict),
  ),
  auditImports: route('GET', '/api/audit/imports', Nothing, z.object({ items: z.array(PastImport) })),
  /** `what`: a path on the auditor's machine: a bundle, a folder, a store's configuration. */
  importSource: route(
    'GET',
    '/api/audit/source',
    z.object({ what: z.string().min(1).max(4096) }),
    z.object({
      kind: z.enum(['store', 'bundles']),
      /** Ids of secrets that the store's configuration names. */
      secrets: z.array(z.string()),
    }),
  ),
  startImport: route(
    'POST',
    '/api/audit/imports',
    z.object({
      what: z.string().min(1).max(4096),
      recheck: z.boolean().default(false),
      secrets: z.record(z.string().max(200), z.string().max(65_536)).default({}),
    }),
    AuditJob,
  ),
  startVerification: route('POST', '/api/audit/verification', Nothing, AuditJob),
  auditJobs: route('GET', '/api/audit/jobs', Nothing, z.object({ items: z.array(AuditJob) })),
  stopJob: route('POST', '/api/audit/jobs/:id/stop', z.object({ id: Id }), AuditJob),
  auditSessions: route(
    'GET',
    '/api/audit/sessions',
    z.object({ failed: z.stringbool().optional(), ...page }),
    listOf(AuditSession),
  ),
  auditStatements: route('GET', '/api/audit/statements', StatementFilter.extend(page), listOf(FoundStatement)),
  savedSearches: route('GET', '/api/audit/searches', Nothing, SavedSearches),
  saveSearch: route('POST', '/api/audit/searches', SavedSearch, SavedSearches),
  forgetSearch: route('POST', '/api/audit/searches/forget', z.object({ name: z.string().max(100) }), SavedSearches),
  /** `preview` makes the same bundle, says what went with it, and keeps nothing. */
  startRedaction: route(
    'POST',
    '/api/audit/sessions/:id/redaction',
    z.object({
      id: Id,
      choice: RedactionChoice,
      leaveSigned: z.boolean().default(false),
      why: z.string().max(500).default(''),
      preview: z.boolean(),
    }),
    AuditJob,
  ),
  startReport: route(
    'POST',
    '/api/audit/report',
    z.object({
      form: z.enum(['html', 'pdf']),
      title: z.string().min(1).max(200),
      since: z.iso.datetime({ offset: true }).optional(),
      until: z.iso.datetime({ offset: true }).optional(),
      devices: z.array(Id).max(1000).default([]),
      texts: z.boolean().default(false),
    }),
    AuditJob,
  ),
  /** What the rules found when they were asked last; `at` is null before the first time. */
  auditAlerts: route(
    'GET',
    '/api/audit/alerts',
    z.object({ severity: AlertSeverity.optional(), ...page }),
    listOf(AuditAlert).extend({ at: z.string().nullable(), more: z.boolean() }),
  ),
  /** Asks the workspace's alert rules about everything that was imported. */
  startAlerts: route('POST', '/api/audit/alerts', Nothing, AuditJob),
  /** As `countersign audit export`. csv and asciicast take one session, csv also the statement whose result it is. */
  startExport: route(
    'POST',
    '/api/audit/export',
    z.object({
      sessions: z.array(Id).min(1).max(1000),
      format: AuditExportFormat,
      statement: count.min(0).optional(),
      /** For ocsf and cef: also texts of statements and errors, which hold values. */
      texts: z.boolean().default(false),
    }),
    AuditJob,
  ),
  madeFiles: route('GET', '/api/audit/files', Nothing, z.object({ items: z.array(MadeFile) })),
  auditTrail: route('GET', '/api/audit/log', z.object(page), listOf(LoggedAction)),
} as const;

/** The routes that a workspace answers as a gateway does. */
export const sharedRoutes = {
  host: routes.host,
  login: routes.login,
  logout: routes.logout,
  session: routes.session,
  statements: routes.statements,
  result: routes.result,
  exchange: routes.exchange,
  verifySession: routes.verifySession,
} as const;

export type AuditRoutes = typeof auditRoutes & typeof sharedRoutes;
export type AuditRouteName = keyof AuditRoutes;

/** Where a file that was made is fetched from, by name. */
export const MADE_FILES = '/api/audit/files/';

/** GET /api/events of the auditor's console. */
export const AuditEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('job'), job: AuditJob }),
  /** What is shown may have changed: an import, a verification, a search that was kept. */
  z.object({ type: z.literal('workspace') }),
]);
export type AuditEvent = z.infer<typeof AuditEvent>;
