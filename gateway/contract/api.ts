import { z } from 'zod';
import { About, AgentView } from './about.ts';
import { Alert, AlertRuleView } from './alert.ts';
import { Connection } from './connection.ts';
import { Approval, Grant, GrantScope, SessionPause, SimilarApprovals } from './decision.ts';
import {
  DeviceEnrolled,
  DeviceEnrolment,
  DeviceKeyChange,
  DeviceKeyChanged,
  DeviceStatus,
  DeviceView,
  DeviceWitness,
} from './device.ts';
import { HaltMinutes, HaltView } from './halt.ts';
import { HookFiles, HookInput, HookOutput } from './hooks.ts';
import { InsightShapes, InsightShapesInput, Insights, InsightsInput } from './insights.ts';
import { McpSecrets, McpServer, McpServerName, McpServerView, McpTestResult, McpToolView } from './mcp.ts';
import { PolicyCheck, PolicyTrial, PolicyTrialInput, PolicyVersion } from './policy.ts';
import { StatementFilter } from './search.ts';
import { ExchangeText, ResultPage, Session, Statement, Verification } from './session.ts';
import { SiemDestination, SiemStatus } from './siem.ts';
import { IdentityView, LoginView, ProviderConfig } from './sign-in.ts';
import { StoredCredential, StoredId, StoredValues } from './stored-credential.ts';
import { DaySummary } from './summary.ts';
import { HoldView, RetentionPlan, StoreCapabilities, SyncSetup, SyncStatus } from './sync.ts';
import { TerminalPart, TerminalPlace } from './terminal.ts';

/**
 * The control API: JSON over HTTP, on a unix socket (command line, hooks) and on loopback (console).
 * This table is the only declaration: the server validates against it and every client is typed by it.
 * Errors are `{error: {code, message}}` with a 4xx or 5xx status.
 */
export const ApiError = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

const Id = z.string().min(1).max(64);
/** A PIN as typed; never stored, logged or echoed. */
const Pin = z.string().min(6).max(64);
const Nothing = z.object({});
const page = {
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
};

export const GatewayStatus = z.object({
  version: z.string(),
  /** protected: the gateway runs as an OS user of its own. */
  protection: z.enum(['protected', 'unprotected']),
  /** Sentences; empty when all is well. */
  recorder: z.object({ ok: z.boolean(), error: z.string().nullable(), bytes: z.number() }),
  policy: z.object({ hash: z.string(), staged: z.string().nullable(), error: z.string().nullable() }),
  pinSet: z.boolean(),
  waiting: z.number().int(),
  openSessions: z.number().int(),
  postgres: z.object({ host: z.string(), port: z.number().int() }),
  /** Local account the gateway takes the person to be, until there is an identity provider. */
  identity: z.string(),
  device: DeviceStatus,
  /** Native notifications of this desktop: do they work, and by whom, or why not. */
  notifications: z.object({ ok: z.boolean(), sentence: z.string() }),
  /** Stopped by a person; null: not. */
  halt: HaltView.nullable(),
  /** Sessions that are not asked about any more, since nobody answered. */
  pauses: z.array(SessionPause),
});
export type GatewayStatus = z.infer<typeof GatewayStatus>;

export const ConnectionView = Connection.extend({
  hasSecret: z.boolean(),
  openSessions: z.number().int(),
});
export type ConnectionView = z.infer<typeof ConnectionView>;

export const MintedToken = z.object({
  /** Shown once. */
  token: z.string(),
  agentSessionId: z.string(),
  expiresAt: z.string(),
  host: z.string(),
  port: z.number().int(),
  /** Environment for libpq clients: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE. */
  env: z.record(z.string(), z.string()),
  /** A command to paste. */
  command: z.string(),
});
export type MintedToken = z.infer<typeof MintedToken>;

export const PolicyView = z.object({
  hash: z.string(),
  text: z.string(),
  staged: z
    .object({ hash: z.string(), text: z.string(), diff: z.string(), errors: z.array(z.string()), stagedAt: z.string() })
    .nullable(),
});
export type PolicyView = z.infer<typeof PolicyView>;

export const SessionFilter = z.object({
  ...page,
  connectionId: z.string().max(64).optional(),
  /** An agent's own name for the conversation. */
  conversationId: z.string().max(256).optional(),
  state: z.enum(['open', 'closed', 'incomplete']).optional(),
  verdict: z.enum(['asked', 'denied', 'error']).optional(),
  /** Full text over statements. */
  text: z.string().max(400).optional(),
  since: z.iso.datetime().optional(),
  until: z.iso.datetime().optional(),
});
export type SessionFilter = z.infer<typeof SessionFilter>;

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** Who may call: anybody who reached the port, a console session or the gateway's socket. */
type Access = 'anyone' | 'session';

/** What every route of a table is, whatever it takes and gives. */
export interface ApiRoute {
  method: Method;
  path: string;
  access: Access;
  input: z.ZodType;
  output: z.ZodType;
  /** Bytes of its body at most, where the usual 2 MiB are too few. */
  maxBody?: number;
}

/** Which program serves the console. */
export const ConsoleHost = z.enum(['gateway', 'audit']);
export type ConsoleHost = z.infer<typeof ConsoleHost>;

function route<I extends z.ZodType, O extends z.ZodType>(
  method: Method,
  path: string,
  access: Access,
  input: I,
  output: O,
) {
  return { method, path, access, input, output };
}

/** An event of 8 MiB, and what belongs to it. */
const MAX_HOOK = 12 * 1024 * 1024;

/** An organisation's trust notes over years. */
const MAX_TRUST = 16 * 1024 * 1024;

export const PAGE_KEY_HEADER = 'x-countersign-page';

/** Path parameters (`:id`) are part of `input`; for GET and DELETE the rest of it is the query string. */
export const routes = {
  host: route('GET', '/api/host', 'anyone', Nothing, z.object({ host: ConsoleHost })),
  /**
   * The one-time code is printed by `countersign start`; it opens one console session: a cookie, which
   * other ports of this machine are sent too, and a key for the header PAGE_KEY_HEADER, which only pages
   * of the console's own origin can keep. It takes both.
   */
  login: route(
    'POST',
    '/api/login',
    'anyone',
    z.object({ code: z.string().min(6).max(64) }),
    z.object({ key: z.string().min(1).max(64) }),
  ),
  logout: route('POST', '/api/logout', 'session', Nothing, Nothing),
  /** A one-time code. Whoever has one opens the console and clicks, so it takes the PIN; root needs none (protected mode). */
  newLoginCode: route(
    'POST',
    '/api/login-code',
    'session',
    z.object({ pin: Pin.optional() }),
    z.object({ code: z.string() }),
  ),
  status: route('GET', '/api/status', 'session', Nothing, GatewayStatus),
  device: route('GET', '/api/device', 'session', Nothing, DeviceView),
  about: route('GET', '/api/about', 'session', Nothing, About),
  /** Looks, and writes nothing: a person installs. */
  agents: route('GET', '/api/agents', 'session', Nothing, z.object({ items: z.array(AgentView) })),
  /** Whose evidence this is, and by which key: it takes the PIN. */
  enrolDevice: {
    ...route('POST', '/api/device/enrol', 'session', DeviceEnrolment.extend({ pin: Pin }), DeviceEnrolled),
    maxBody: MAX_TRUST,
  },
  rotateDeviceKey: route(
    'POST',
    '/api/device/rotate-key',
    'session',
    DeviceKeyChange.extend({ pin: Pin }),
    DeviceKeyChanged,
  ),
  /** Adds or replaces. */
  putDeviceWitness: route('PUT', '/api/device/witnesses', 'session', DeviceWitness.extend({ pin: Pin }), Nothing),
  removeDeviceWitness: route(
    'POST',
    '/api/device/witnesses/remove',
    'session',
    z.object({ name: z.string().min(1).max(512), pin: Pin }),
    Nothing,
  ),

  /** The desktop app has an icon of its own: meanwhile, and a little longer, the gateway shows none. */
  holdTray: route('POST', '/api/tray/hold', 'session', z.object({ held: z.boolean() }), Nothing),

  approvals: route(
    'GET',
    '/api/approvals',
    'session',
    z.object({ ...page, state: z.enum(['waiting', 'all']).default('waiting') }),
    z.object({ items: z.array(Approval), total: z.number().int() }),
  ),
  approval: route('GET', '/api/approvals/:id', 'session', z.object({ id: Id }), Approval),
  decide: route(
    'POST',
    '/api/approvals/:id/decision',
    'session',
    z.object({
      id: Id,
      /** The digest the person saw: a decision on anything else is refused. */
      digest: z.string().length(64),
      decision: z.enum(['approve', 'deny']),
      pin: Pin.optional(),
      scope: GrantScope.default({ kind: 'once' }),
      /** A click on a native notification of the desktop app; absent: in the console. */
      via: z.literal('notification').optional(),
      /** For a denial: a sentence that the agent receives. */
      message: z.string().max(500).optional(),
    }),
    Approval,
  ),
  /** A person is looking: it waits for the policy's time again, from now, and never past its `latestAt`. */
  extendApproval: route('POST', '/api/approvals/:id/extension', 'session', z.object({ id: Id }), Approval),
  similarApprovals: route('GET', '/api/approvals/:id/similar', 'session', z.object({ id: Id }), SimilarApprovals),
  /** Lets a paused session ask again. */
  endPause: route('POST', '/api/sessions/:id/ask-again', 'session', z.object({ id: Id, pin: Pin.optional() }), Nothing),
  grants: route('GET', '/api/grants', 'session', Nothing, z.object({ items: z.array(Grant) })),
  revokeGrant: route('DELETE', '/api/grants/:id', 'session', z.object({ id: Id }), Nothing),
  /** All that are in force; `leaving`: those that are for somebody at the desk. */
  revokeGrants: route(
    'POST',
    '/api/grants/revoke',
    'session',
    z.object({ leaving: z.boolean().default(false) }),
    z.object({ revoked: z.number().int() }),
  ),

  /** What needs a person is denied for so long, grants do not count, and what waits is denied now. */
  pauseAll: route('POST', '/api/halt/pause', 'session', z.object({ minutes: HaltMinutes.default(15) }), HaltView),
  /** Cuts every connection now; none begins until this time is over or somebody resumes. */
  panic: route('POST', '/api/halt/panic', 'session', z.object({ minutes: HaltMinutes.default(60) }), HaltView),
  /** Ends a pause or a panic. It gives leave back, so it takes the PIN. */
  resumeAll: route('POST', '/api/halt/resume', 'session', z.object({ pin: Pin }), Nothing),

  sessions: route(
    'GET',
    '/api/sessions',
    'session',
    SessionFilter,
    z.object({ items: z.array(Session), total: z.number().int() }),
  ),
  session: route('GET', '/api/sessions/:id', 'session', z.object({ id: Id }), Session),
  statements: route(
    'GET',
    '/api/sessions/:id/statements',
    'session',
    z.object({ id: Id, ...page }),
    z.object({ items: z.array(Statement), total: z.number().int() }),
  ),
  result: route(
    'GET',
    '/api/sessions/:id/statements/:index/result',
    'session',
    z.object({ id: Id, index: z.coerce.number().int().min(0), ...page }),
    ResultPage,
  ),
  /** Of sessions whose recording is text: not of PostgreSQL's, whose bytes are read as results. */
  exchange: route(
    'GET',
    '/api/sessions/:id/statements/:index/exchange',
    'session',
    z.object({ id: Id, index: z.coerce.number().int().min(0) }),
    ExchangeText,
  ),
  /** A recorded terminal, part by part: from its beginning, or behind a part's `next`. */
  terminal: route(
    'GET',
    '/api/sessions/:id/terminal',
    'session',
    TerminalPlace.partial().extend({ id: Id }),
    TerminalPart,
  ),
  verifySession: route('GET', '/api/sessions/:id/verification', 'session', z.object({ id: Id }), Verification),
  killSession: route('POST', '/api/sessions/:id/kill', 'session', z.object({ id: Id }), Nothing),
  search: route(
    'GET',
    '/api/search',
    'session',
    StatementFilter.omit({ text: true }).extend({ q: z.string().min(1).max(400).optional(), ...page }),
    z.object({ items: z.array(Statement), total: z.number().int() }),
  ),

  /** From a moment until now. Looks at the latest 200,000 statements, and says where there were more. */
  insights: route('GET', '/api/insights', 'session', InsightsInput, Insights),
  insightShapes: route('GET', '/api/insights/shapes', 'session', InsightShapesInput, InsightShapes),
  summary: route('GET', '/api/summary', 'session', z.object({ since: z.iso.datetime() }), DaySummary),

  connections: route('GET', '/api/connections', 'session', Nothing, z.object({ items: z.array(ConnectionView) })),
  /** Adds or replaces; a decision like any other, so it needs the PIN. `secret` is the password. */
  putConnection: route(
    'PUT',
    '/api/connections/:id',
    'session',
    z.object({ id: Id, connection: Connection, secret: z.string().max(4096).optional(), pin: Pin }),
    ConnectionView,
  ),
  deleteConnection: route('POST', '/api/connections/:id/delete', 'session', z.object({ id: Id, pin: Pin }), Nothing),
  testConnection: route(
    'POST',
    '/api/connections/:id/test',
    'session',
    z.object({ id: Id }),
    z.object({ ok: z.boolean(), sentence: z.string(), serverVersion: z.string().nullable(), milliseconds: z.number() }),
  ),
  mintToken: route(
    'POST',
    '/api/connections/:id/token',
    'session',
    z.object({ id: Id, purpose: z.string().max(200).default('') }),
    MintedToken,
  ),
  /** Credentials that the vault keeps for protocols that the gateway does not speak yet; never what they are. */
  storedCredentials: route(
    'GET',
    '/api/stored-credentials',
    'session',
    Nothing,
    z.object({ items: z.array(StoredCredential) }),
  ),
  /** Adds or replaces. */
  storeCredential: route(
    'PUT',
    '/api/stored-credentials/:id',
    'session',
    z.object({
      id: StoredId,
      credential: StoredCredential.omit({ id: true, keptAt: true }),
      values: StoredValues,
      pin: Pin,
    }),
    StoredCredential,
  ),
  forgetStoredCredential: route(
    'POST',
    '/api/stored-credentials/:id/forget',
    'session',
    z.object({ id: StoredId, pin: Pin }),
    Nothing,
  ),
  mcpServers: route('GET', '/api/mcp-servers', 'session', Nothing, z.object({ items: z.array(McpServerView) })),
  /** Adds or replaces: the gateway will run its program or send it its secrets, so it takes the PIN. */
  putMcpServer: route(
    'PUT',
    '/api/mcp-servers/:name',
    'session',
    z.object({ name: McpServerName, server: McpServer, secrets: McpSecrets.optional(), pin: Pin }),
    McpServerView,
  ),
  deleteMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/delete',
    'session',
    z.object({ name: McpServerName, pin: Pin }),
    Nothing,
  ),
  /** What its tools are described as, pinned and now. */
  mcpTools: route(
    'GET',
    '/api/mcp-servers/:name/tools',
    'session',
    z.object({ name: McpServerName }),
    z.object({ items: z.array(McpToolView) }),
  ),
  testMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/test',
    'session',
    z.object({ name: McpServerName }),
    McpTestResult,
  ),
  /** Takes the tools as they are described now; without `tool` all of the server's. */
  acceptMcpTools: route(
    'POST',
    '/api/mcp-servers/:name/accept',
    'session',
    z.object({ name: McpServerName, tool: z.string().max(512).optional(), pin: Pin }),
    z.object({ accepted: z.array(z.string()) }),
  ),
  /** Begins a sign-in to the server (OAuth), which a person ends in a browser. */
  signInMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/sign-in',
    'session',
    z.object({ name: McpServerName, pin: Pin }),
    LoginView,
  ),
  mcpSignInState: route(
    'GET',
    '/api/mcp-servers/:name/sign-in/:id',
    'session',
    z.object({ name: McpServerName, id: Id }),
    LoginView,
  ),
  /** Takes the tokens back, as far as the server's provider lets, and forgets them. */
  signOutMcpServer: route(
    'POST',
    '/api/mcp-servers/:name/sign-out',
    'session',
    z.object({ name: McpServerName }),
    Nothing,
  ),
  mintMcpToken: route(
    'POST',
    '/api/mcp-servers/:name/token',
    'session',
    /** `conversationId`: of the agent, which its sessions are tied to; a claim. */
    z.object({
      name: McpServerName,
      purpose: z.string().max(200).default(''),
      conversationId: z.string().max(256).nullable().default(null),
    }),
    /** `token` is shown once. */
    z.object({ token: z.string(), agentSessionId: z.string(), expiresAt: z.string(), url: z.string() }),
  ),
  revokeToken: route('DELETE', '/api/agent-sessions/:id', 'session', z.object({ id: Id }), Nothing),

  /**
   * One event of an agent, from the hook that the agent runs. Held while a person decides. It gives no leave: it
   * asks for it, as any client does.
   */
  hook: { ...route('POST', '/api/hooks/:agent', 'session', HookInput, HookOutput), maxBody: MAX_HOOK },
  /** What the hook's client found at the paths that it was asked to look at. */
  hookFiles: { ...route('POST', '/api/hook-files', 'session', HookFiles, HookOutput), maxBody: MAX_HOOK },

  /** Whom agents act for. */
  identity: route('GET', '/api/identity', 'session', Nothing, IdentityView),
  /** Adds or replaces: who may act is decided by whom this names, so it takes the PIN. */
  putProvider: route(
    'PUT',
    '/api/identity/providers',
    'session',
    z.object({ provider: ProviderConfig, secret: z.string().min(1).max(4096).optional(), pin: Pin }),
    IdentityView,
  ),
  deleteProvider: route(
    'POST',
    '/api/identity/providers/:id/delete',
    'session',
    z.object({ id: Id, pin: Pin }),
    IdentityView,
  ),
  /** Begins a sign-in: a person opens the URL. Without a provider: the only one there is. */
  signIn: route(
    'POST',
    '/api/identity/sign-in',
    'session',
    z.object({ provider: Id.optional(), how: z.enum(['browser', 'device']).default('browser') }),
    LoginView,
  ),
  signInState: route('GET', '/api/identity/sign-in/:id', 'session', z.object({ id: Id }), LoginView),
  /** Ends what agents of who is signed in have open. */
  signOut: route('POST', '/api/identity/sign-out', 'session', Nothing, IdentityView),

  policy: route('GET', '/api/policy', 'session', Nothing, PolicyView),
  stagePolicy: route('POST', '/api/policy/stage', 'session', z.object({ text: z.string().max(1_000_000) }), PolicyView),
  acceptPolicy: route(
    'POST',
    '/api/policy/accept',
    'session',
    z.object({ hash: z.string().length(64), pin: Pin }),
    PolicyView,
  ),
  discardPolicy: route('POST', '/api/policy/discard', 'session', Nothing, PolicyView),
  /** Stages nothing: for an editor, while somebody types. */
  checkPolicy: route(
    'POST',
    '/api/policy/check',
    'session',
    z.object({ text: z.string().max(1_000_000) }),
    PolicyCheck,
  ),
  tryPolicy: route('POST', '/api/policy/try', 'session', PolicyTrialInput, PolicyTrial),
  policyHistory: route(
    'GET',
    '/api/policy/history',
    'session',
    z.object(page),
    z.object({ items: z.array(PolicyVersion), total: z.number().int() }),
  ),
  policyVersion: route(
    'GET',
    '/api/policy/history/:number',
    'session',
    z.object({ number: z.coerce.number().int().min(1) }),
    PolicyVersion.extend({ text: z.string() }),
  ),

  syncStatus: route('GET', '/api/sync', 'session', Nothing, SyncStatus),
  /** Looks for what is not in the store, and tries at once. */
  syncNow: route('POST', '/api/sync/now', 'session', Nothing, SyncStatus),
  /** Evidence stays on this machine meanwhile, so it takes the PIN. */
  pauseSync: route('POST', '/api/sync/pause', 'session', z.object({ pin: Pin }), SyncStatus),
  resumeSync: route('POST', '/api/sync/resume', 'session', Nothing, SyncStatus),
  /** Finds out by trying what the store does with what is in it. */
  probeSync: route('POST', '/api/sync/probe', 'session', Nothing, StoreCapabilities),
  setUpSync: route('PUT', '/api/sync', 'session', z.object({ setup: SyncSetup, pin: Pin }), SyncStatus),
  /** What the rules and the disk budget would delete now. */
  retentionPlan: route('GET', '/api/retention', 'session', Nothing, RetentionPlan),
  removeRecording: route(
    'POST',
    '/api/sessions/:id/remove',
    'session',
    z.object({ id: Id, why: z.string().min(1).max(500), pin: Pin }),
    Nothing,
  ),
  holds: route('GET', '/api/holds', 'session', Nothing, z.object({ items: z.array(HoldView) })),
  setHold: route(
    'POST',
    '/api/holds',
    'session',
    z.object({ what: z.string().min(1).max(100), why: z.string().min(1).max(500) }),
    z.object({ items: z.array(HoldView) }),
  ),
  liftHold: route(
    'POST',
    '/api/holds/lift',
    'session',
    z.object({ what: z.string().min(1).max(100), why: z.string().min(1).max(500), pin: Pin }),
    z.object({ items: z.array(HoldView) }),
  ),

  alerts: route(
    'GET',
    '/api/alerts',
    'session',
    z.object(page),
    z.object({ items: z.array(Alert), total: z.number().int() }),
  ),
  /** What it runs waits for a person no more, beyond what policy says. */
  resumeSession: route('POST', '/api/sessions/:id/resume', 'session', z.object({ id: Id, pin: Pin }), Nothing),
  alertRules: route(
    'GET',
    '/api/alert-rules',
    'session',
    Nothing,
    /** `missed`: statements that came too fast for the rules since the gateway started. */
    z.object({ items: z.array(AlertRuleView), missed: z.number().int() }),
  ),
  siemStatus: route('GET', '/api/siem', 'session', Nothing, z.object({ items: z.array(SiemStatus) })),
  /** Adds or replaces: what happens here is told to whom this says, so it takes the PIN. */
  putSiem: route(
    'PUT',
    '/api/siem/:id',
    'session',
    z.object({ id: Id, destination: SiemDestination, secret: z.string().max(4096).optional(), pin: Pin }),
    SiemStatus,
  ),
  deleteSiem: route('POST', '/api/siem/:id/delete', 'session', z.object({ id: Id, pin: Pin }), Nothing),
  testSiem: route(
    'POST',
    '/api/siem/:id/test',
    'session',
    z.object({ id: Id }),
    z.object({ ok: z.boolean(), sentence: z.string() }),
  ),

  /** The first PIN is set with the one-time code in hand; changing it needs the current one. */
  setPin: route(
    'POST',
    '/api/pin',
    'session',
    z.object({ pin: Pin, current: Pin.optional(), code: z.string().max(64).optional() }),
    Nothing,
  ),
} as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
export type RouteInput<N extends RouteName> = z.input<Routes[N]['input']>;
export type RouteOutput<N extends RouteName> = z.output<Routes[N]['output']>;

/** GET /api/events: server-sent events; each `data:` is one of these. A comment line every 15 s keeps it alive. */
export const ApiEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('approval'), approval: Approval }),
  z.object({ type: z.literal('grant'), grant: Grant }),
  z.object({ type: z.literal('session'), session: Session }),
  z.object({ type: z.literal('status'), status: GatewayStatus }),
  z.object({ type: z.literal('alert'), alert: Alert }),
  /** When something of it changed, every two seconds at most. */
  z.object({ type: z.literal('sync'), sync: SyncStatus }),
]);
export type ApiEvent = z.infer<typeof ApiEvent>;
