import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ApiEvent,
  type RouteInput,
  type RouteName,
  type RouteOutput,
  routes,
} from '../../../gateway/contract/api.ts';
import type { Approval, Grant } from '../../../gateway/contract/decision.ts';
import type { ConnectionView } from '../../../gateway/contract/routes/connections.ts';
import type { PolicyView } from '../../../gateway/contract/routes/policy.ts';
import type { Session } from '../../../gateway/contract/session.ts';
import type { GatewayStatus } from '../../../gateway/contract/status.ts';
import type { SyncStatus } from '../../../gateway/contract/sync.ts';
import * as agents from './agent-fixtures.ts';
import * as evidence from './evidence-fixtures.ts';
import * as fixtures from './fixtures.ts';
import * as counted from './insights-fixtures.ts';
import * as policies from './policy-fixtures.ts';
import { beside } from './settings-fixtures.ts';

/**
 * A double of the gateway: the routes of the contract over data in memory, for tests of the console
 * alone. It serves the built console with the real policy and a nonce per response.
 */
const DIST = fileURLToPath(new URL('../../../renderer/dist/', import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

class Refused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Of the routes that the console's pages call. */
type Handlers = { [N in RouteName]?: (input: never) => RouteOutput<N> };

export interface StubGateway {
  readonly url: string;
  /** Bodies of the calls that changed something, in order. */
  readonly calls: { route: RouteName; input: Record<string, unknown> }[];
  readonly state: { approvals: Approval[]; grants: Grant[]; status: GatewayStatus; sessions: Session[] };
  /** And tells it. */
  setStatus(part: Partial<GatewayStatus>): void;
  setConnections(next: ConnectionView[]): void;
  /** Identity, agents and MCP servers. */
  readonly others: ReturnType<typeof beside>;
  ask(approval: Approval): void;
  emit(event: ApiEvent): void;
  /** The approval's time is up. */
  expire(id: string): void;
  /** Resolves once somebody listens to events. */
  streamOpen(): Promise<void>;
  /** Cuts every event stream, as a restart would. */
  cutStreams(): void;
  close(): Promise<void>;
}

export async function startStubGateway(
  options: { signedIn?: boolean; empty?: boolean; many?: number } = {},
): Promise<StubGateway> {
  const now = Date.now();
  let signedIn = options.signedIn ?? true;
  const empty = options.empty ?? false;
  const calls: StubGateway['calls'] = [];
  const state: StubGateway['state'] = {
    approvals: empty ? [] : fixtures.approvals(now),
    grants: empty ? [] : fixtures.grants(now),
    status: { ...fixtures.status(), ...(empty ? { waiting: 0, pinSet: false } : {}) },
    sessions: empty ? [] : Array.from({ length: 240 }, (_, index) => fixtures.session(now, index)),
  };
  let policy: PolicyView = fixtures.policy();
  let connections = empty ? [] : fixtures.connections();
  let sync: SyncStatus = empty ? evidence.syncOff() : evidence.syncing(now);
  const setSync = (changes: Partial<SyncStatus>): SyncStatus => {
    sync = { ...sync, ...changes };
    emit({ type: 'sync', sync });
    return sync;
  };
  const streams = new Set<ServerResponse>();
  const opened = Promise.withResolvers<void>();

  const find = <T extends { id: string }>(items: readonly T[], id: string): T => {
    const item = items.find((candidate) => candidate.id === id);
    if (item === undefined) throw new Refused(404, 'NOT_FOUND', `There is no ${id}.`);
    return item;
  };
  const emit = (event: ApiEvent) => {
    for (const stream of streams) stream.write(`data: ${JSON.stringify(event)}\n\n`);
  };
  const waiting = () => state.approvals.filter((item) => item.state === 'waiting');
  const sendStatus = () => {
    state.status = { ...state.status, waiting: waiting().length };
    emit({ type: 'status', status: state.status });
  };
  const replace = (approval: Approval) => {
    state.approvals = state.approvals.map((item) => (item.id === approval.id ? approval : item));
    emit({ type: 'approval', approval });
    sendStatus();
  };
  const checkPin = (pin: string | undefined) => {
    if (pin === undefined) throw new Refused(403, 'PIN_REQUIRED', 'This needs your PIN.');
    if (pin !== fixtures.PIN) throw new Refused(403, 'PIN_WRONG', 'The PIN is wrong. Four tries are left.');
  };
  const page = <T>(items: readonly T[], { offset = 0, limit = 100 }: { offset?: unknown; limit?: unknown }) => ({
    items: items.slice(Number(offset), Number(offset) + Number(limit)),
    total: items.length,
  });

  const others = beside({ now, empty, checkPin });
  const handlers: Handlers = {
    host: () => ({ host: 'gateway' }),
    login: ({ code }: RouteInput<'login'>) => {
      if (code !== fixtures.CODE)
        throw new Refused(403, 'CODE_WRONG', 'This code is wrong or was already used. Print a new one.');
      signedIn = true;
      return { key: 'page-key-of-the-stub' };
    },
    logout: () => {
      signedIn = false;
      return {};
    },
    newLoginCode: () => ({ code: fixtures.CODE }),
    status: () => state.status,
    roles: () => ({
      roles: ['developer', 'approver', 'auditor', 'admin'],
      sentence:
        'unverified: local account dev has every role on this machine: nobody signs in with a provider, so no groups are known',
      groups: null,
    }),
    emergency: () => ({
      active: state.status.emergency,
      settings: { allowed: true, minutes: 30 },
      refusal: null,
    }),
    administration: () => ({ set: null, problem: null }),
    device: () => evidence.device(now, !empty),
    ...others.handlers,
    approvals: (input: RouteInput<'approvals'>) =>
      page(input.state === 'all' ? state.approvals : waiting(), input as Record<string, number>),
    approval: ({ id }: RouteInput<'approval'>) => find(state.approvals, id),
    decide: (input: RouteInput<'decide'>) => {
      const approval = find(state.approvals, input.id);
      if (approval.state !== 'waiting') throw new Refused(409, 'NOT_WAITING', 'This request does not wait any more.');
      if (approval.operation.digest !== input.digest)
        throw new Refused(409, 'DIGEST_DIFFERS', 'The request is not the one you saw.');
      if (input.decision === 'approve' && approval.verdict.level === 'pin') checkPin(input.pin);
      const decided: Approval = {
        ...approval,
        state: input.decision === 'approve' ? 'approved' : 'denied',
        decidedAt: new Date().toISOString(),
        decidedBy: 'alice',
        channel: 'console',
        message: input.message ?? null,
      };
      replace(decided);
      return decided;
    },
    extendApproval: ({ id }: RouteInput<'extendApproval'>) => {
      const approval = find(state.approvals, id);
      const until = Math.min(Date.now() + approval.verdict.expiresSeconds * 1000, Date.parse(approval.latestAt));
      const extended = { ...approval, expiresAt: new Date(until).toISOString() };
      replace(extended);
      return extended;
    },
    similarApprovals: ({ id }: RouteInput<'similarApprovals'>) =>
      fixtures.similar(find(state.approvals, id), state.approvals),
    endPause: ({ id }: RouteInput<'endPause'>) => {
      state.status = { ...state.status, pauses: state.status.pauses.filter(({ sessionId }) => sessionId !== id) };
      sendStatus();
      return {};
    },
    summary: () => (empty ? fixtures.summary(0) : fixtures.summary(1)),
    resumeAll: ({ pin }: RouteInput<'resumeAll'>) => {
      checkPin(pin);
      state.status = { ...state.status, halt: null };
      sendStatus();
      return {};
    },
    grants: () => ({ items: state.grants }),
    revokeGrant: ({ id }: RouteInput<'revokeGrant'>) => {
      const revoked = { ...find(state.grants, id), revokedAt: new Date().toISOString() };
      state.grants = state.grants.map((item) => (item.id === id ? revoked : item));
      emit({ type: 'grant', grant: revoked });
      return {};
    },
    sessions: (input: RouteInput<'sessions'>) => {
      const { many } = options;
      if (input.conversationId === agents.TALK) return page(agents.sessionsOf(now), input as Record<string, number>);
      if (many !== undefined) {
        const { offset, limit } = input as { offset: number; limit: number };
        const items = Array.from({ length: Math.max(0, Math.min(limit, many - offset)) }, (_, i) =>
          fixtures.session(now, offset + i),
        );
        return { items, total: many };
      }
      return page(
        state.sessions.filter(
          (item) =>
            (input.connectionId === undefined || item.connectionId === input.connectionId) &&
            (input.state === undefined || item.state === input.state) &&
            (input.verdict === undefined || item[input.verdict === 'error' ? 'errors' : input.verdict] > 0) &&
            (input.text === undefined || item.agent.name.includes(input.text)),
        ),
        input as Record<string, number>,
      );
    },
    session: ({ id }: RouteInput<'session'>) =>
      id === agents.AGENT_SESSION ? agents.agentSession(now) : find(state.sessions, id),
    exchange: ({ index }: RouteInput<'exchange'>) => agents.agentExchange(Number(index)),
    statements: (input: RouteInput<'statements'>) => {
      if (input.id === agents.AGENT_SESSION) {
        const { statements } = agents.agentSession(now);
        const items = Array.from({ length: statements }, (_, index) => agents.agentStatement(now, index));
        return page(items, { offset: input.offset, limit: input.limit });
      }
      const owner = find(state.sessions, input.id);
      const { offset, limit } = input as { offset: number; limit: number };
      const last = Math.min(owner.statements, offset + limit);
      const items = Array.from({ length: Math.max(0, last - offset) }, (_, i) => fixtures.statement(owner, offset + i));
      return { items, total: owner.statements };
    },
    result: (input: RouteInput<'result'>) => fixtures.resultPage(Number(input.offset), Number(input.limit)),
    verifySession: ({ id }: RouteInput<'verifySession'>) =>
      fixtures.verification(id === agents.AGENT_SESSION ? agents.agentSession(now) : find(state.sessions, id)),
    killSession: ({ id }: RouteInput<'killSession'>) => {
      const killed: Session = { ...find(state.sessions, id), state: 'closed', closedAt: new Date().toISOString() };
      state.sessions = state.sessions.map((item) => (item.id === id ? killed : item));
      emit({ type: 'session', session: killed });
      return {};
    },
    search: () => ({ items: [], total: 0 }),
    resumeSession: () => ({}),
    syncStatus: () => sync,
    syncNow: () => setSync({ state: 'sending', lastError: null }),
    pauseSync: ({ pin }: RouteInput<'pauseSync'>) => {
      checkPin(pin);
      return setSync({ state: 'paused', rate: 0 });
    },
    resumeSync: () => setSync({ state: 'sending' }),
    probeSync: () => sync.capabilities!,
    setUpSync: () => sync,
    retentionPlan: () => ({ removals: [], over: 0 }),
    removeRecording: () => ({}),
    holds: () => ({ items: [] }),
    setHold: () => ({ items: [] }),
    liftHold: () => ({ items: [] }),
    alerts: (input: RouteInput<'alerts'>) =>
      page(
        empty ? [] : Array.from({ length: 40 }, (_, index) => evidence.alert(now, index)),
        input as Record<string, number>,
      ),
    alertRules: () => ({ items: evidence.alertRules(), missed: empty ? 0 : 12 }),
    siemStatus: () => ({ items: empty ? [] : evidence.siem(now) }),
    putSiem: () => evidence.siem(now)[0]!,
    deleteSiem: () => ({}),
    testSiem: ({ id }: RouteInput<'testSiem'>) =>
      id === 'soc'
        ? { ok: true, sentence: 'The server took a test event.' }
        : { ok: false, sentence: 'The endpoint answered with status 503.' },
    connections: () => ({ items: connections }),
    putConnection: (input: RouteInput<'putConnection'>) => {
      checkPin(input.pin);
      const saved = { ...routes.putConnection.input.parse(input).connection, hasSecret: true, openSessions: 0 };
      connections = [...connections.filter((item) => item.id !== input.id), saved];
      return saved;
    },
    deleteConnection: (input: RouteInput<'deleteConnection'>) => {
      checkPin(input.pin);
      connections = connections.filter((item) => item.id !== input.id);
      return {};
    },
    testConnection: ({ id }: RouteInput<'testConnection'>) =>
      find(connections, id).hasSecret
        ? { ok: true, sentence: 'Connected and signed in as app.', serverVersion: 'PostgreSQL 18.4', milliseconds: 12 }
        : {
            ok: false,
            sentence: 'The server asks for a password and none is stored. Edit the connection and enter it.',
            serverVersion: null,
            milliseconds: 4,
          },
    mintToken: ({ id }: RouteInput<'mintToken'>) => ({
      token: 'cs_9f8e7d6c5b4a39281706',
      agentSessionId: 'as-1',
      expiresAt: new Date(Date.now() + 8 * 3_600_000).toISOString(),
      host: '127.0.0.1',
      port: 54320,
      env: {
        PGHOST: '127.0.0.1',
        PGPORT: '54320',
        PGUSER: id,
        PGPASSWORD: 'cs_9f8e7d6c5b4a39281706',
        PGDATABASE: 'shop',
      },
      command: `PGPASSWORD=cs_9f8e7d6c5b4a39281706 psql -h 127.0.0.1 -p 54320 -U ${id} shop`,
    }),
    revokeToken: () => ({}),
    passkeys: () => ({
      items: [
        {
          credentialId: 'Y3JlZA',
          publicKey: 'cHVibGlj',
          algorithm: -7,
          rpId: 'localhost',
          subject: 'ada',
          person: 'ada@example.com',
          name: 'Laptop',
          createdAt: new Date(Date.now() - 86_400_000).toISOString(),
          standing: 'unlisted',
        },
      ],
      origin: 'http://localhost:7716',
      missing: null,
    }),
    policy: () => policy,
    stagePolicy: ({ text }: RouteInput<'stagePolicy'>) => {
      policy = { ...policy, staged: fixtures.stagedPolicy(Date.now(), text) };
      state.status = { ...state.status, policy: { ...state.status.policy, staged: policy.staged?.hash ?? null } };
      return policy;
    },
    acceptPolicy: ({ pin }: RouteInput<'acceptPolicy'>) => {
      checkPin(pin);
      policy = { hash: policy.staged!.hash, text: policy.staged!.text, staged: null };
      state.status = { ...state.status, policy: { ...state.status.policy, staged: null, hash: policy.hash } };
      return policy;
    },
    discardPolicy: () => {
      policy = { ...policy, staged: null };
      return policy;
    },
    insights: (input: RouteInput<'insights'>) =>
      (empty ? counted.nothing : counted.insights)(now, routes.insights.input.parse(input)),
    insightShapes: (input: RouteInput<'insightShapes'>) =>
      empty ? { items: [], more: false } : counted.shapes(routes.insightShapes.input.parse(input)),
    checkPolicy: ({ text }: RouteInput<'checkPolicy'>) => policies.checked(text),
    tryPolicy: ({ policy: text, what }: RouteInput<'tryPolicy'>) =>
      policies.trial(text, routes.tryPolicy.input.shape.what.parse(what)),
    policyHistory: (input: RouteInput<'policyHistory'>) => page(policies.history(now), input as Record<string, number>),
    policyVersion: ({ number }: RouteInput<'policyVersion'>) => ({
      ...policies.history(now).find((one) => one.number === number)!,
      text: policy.text.replace('ask("click")', `ask("click") // ${number}`),
    }),
    setPin: (input: RouteInput<'setPin'>) => {
      if (state.status.pinSet) checkPin(input.current);
      else if (input.code !== fixtures.CODE)
        throw new Refused(403, 'CODE_WRONG', 'This code is wrong or was already used.');
      state.status = { ...state.status, pinSet: true };
      return {};
    },
  };

  const matchers = (Object.keys(routes) as RouteName[]).map((name) => ({
    name,
    pattern: new RegExp(`^${routes[name].path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`),
  }));

  function answerApi(request: IncomingMessage, url: URL, body: string): unknown {
    for (const { name, pattern } of matchers) {
      const match = routes[name].method === request.method ? pattern.exec(url.pathname) : null;
      if (match === null) continue;
      if (routes[name].access === 'session' && !signedIn) throw new Refused(401, 'NO_SESSION', 'Sign in first.');
      const parameters = Object.fromEntries(
        Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)]),
      );
      const rest = body === '' ? Object.fromEntries(url.searchParams) : (JSON.parse(body) as Record<string, unknown>);
      const input = routes[name].input.safeParse({ ...rest, ...parameters });
      if (!input.success)
        throw new Refused(400, 'BAD_INPUT', input.error.issues.map((issue) => issue.message).join('; '));
      if (routes[name].method !== 'GET') calls.push({ route: name, input: input.data as Record<string, unknown> });
      const handler = handlers[name];
      if (handler) return handler(input.data as never);
    }
    throw new Refused(404, 'NO_ROUTE', `There is no ${request.method} ${url.pathname}.`);
  }

  function serveFile(path: string, response: ServerResponse): void {
    const nonce = randomBytes(16).toString('base64');
    const name = extname(path) === '' ? 'index.html' : normalize(path).replace(/^(\.\.\/)+|^\/+/, '');
    let content: Buffer | string;
    try {
      content = readFileSync(join(DIST, name));
    } catch {
      response.writeHead(404).end();
      return;
    }
    if (name === 'index.html') content = content.toString('utf8').replaceAll('__CSP_NONCE__', nonce);
    response.writeHead(200, {
      'content-type': TYPES[extname(name)] ?? 'application/octet-stream',
      'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self' 'nonce-${nonce}'; connect-src 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'cache-control': name === 'index.html' ? 'no-store' : 'public, max-age=3600',
    });
    response.end(content);
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (!url.pathname.startsWith('/api/')) {
      serveFile(url.pathname, response);
      return;
    }
    if (url.pathname === '/api/events') {
      if (!signedIn) {
        response.writeHead(401).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      response.write(': hello\n\n');
      streams.add(response);
      opened.resolve();
      request.on('close', () => streams.delete(response));
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const send = (code: number, value: unknown) =>
        response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      try {
        send(200, answerApi(request, url, Buffer.concat(chunks).toString('utf8')));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        send(error.status, { error: { code: error.code, message: error.message } });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    state,
    others,
    emit,
    setStatus: (part) => {
      state.status = { ...state.status, ...part };
      emit({ type: 'status', status: state.status });
    },
    setConnections: (next) => {
      connections = next;
    },
    ask(approval) {
      state.approvals = [...state.approvals, approval];
      emit({ type: 'approval', approval });
      sendStatus();
    },
    expire(id) {
      const approval = find(state.approvals, id);
      replace({ ...approval, state: 'expired', decidedAt: new Date().toISOString(), channel: 'timeout' });
    },
    streamOpen: () => opened.promise,
    cutStreams() {
      for (const stream of streams) stream.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        for (const stream of streams) stream.destroy();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
