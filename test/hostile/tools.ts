import { request } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What the hostile process knows of the gateway that it attacks. All of it is the developer's to know. */
export interface Target {
  /** The product's code, which everybody can read: the attacker uses it too. */
  prefix: string;
  /** The program that the gateway under attack runs. */
  program: string;
  home: string;
  socket: string;
  consolePort: number;
  postgresPort: number;
  pid: number;
  connectionId: string;
  token: string;
  database: { host: string; port: number; user: string; database: string };
  /** A session that was recorded and closed. */
  sessionId: string;
  /** Words to try as a PIN; one of them is right, as in a dictionary that is long enough. */
  dictionary: readonly string[];
  /** What must not be found anywhere, as text. */
  needles: Readonly<Record<string, string>>;
  /** What a call of the person's console carries (cookie and page's key), where the attempt is about having it. */
  session: Record<string, string>;
  /** Folders to search. */
  folders: readonly string[];
  chromium: string;
  chromiumProfile: string;
  debuggingPort: number;
}

export interface Attempt {
  /** Whether the hostile process got what it wanted. */
  worked: boolean;
  /** What it saw, for whoever reads a failing test. */
  evidence: string;
  /** It cannot be tried here. */
  skipped?: string;
}

export interface Answer {
  status: number;
  code: string | null;
  json: Record<string, unknown>;
}

/** A module of the product, as it is installed. */
export const product = <T>(target: Target, path: string): Promise<T> =>
  import(join(target.prefix, 'gateway', path)) as Promise<T>;

/** One call of the control API, over the socket or loopback, with any headers. */
export function call(
  target: Target,
  method: string,
  path: string,
  options: { body?: unknown; socket?: boolean; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const where = options.socket ? { socketPath: target.socket } : { host: '127.0.0.1', port: target.consolePort };
  const headers = {
    host: `127.0.0.1:${target.consolePort}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...options.headers,
  };
  return new Promise((done, fail) => {
    const outgoing = request({ ...where, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        // A stream of events that was let in never ends.
        if (response.headers['content-type']?.startsWith('text/event-stream')) response.destroy();
      });
      response.on('close', () => {
        let json: Record<string, unknown> = {};
        try {
          json = JSON.parse(text) as Record<string, unknown>;
        } catch {
          // Not every answer is JSON.
        }
        const error = json.error as { code?: string } | undefined;
        done({ status: response.statusCode ?? 0, code: error?.code ?? null, json });
      });
    });
    outgoing.on('error', fail);
    outgoing.end(body);
  });
}

type WireClient = typeof import('../../gateway/protocols/postgres/wire/simple-client.ts');
export type SqlClient = Awaited<ReturnType<WireClient['connectSimpleClient']>>;

/** A PostgreSQL client; `secret` is its password. */
export async function connectSql(
  target: Target,
  to: { host: string; port: number; user: string; database: string },
  secret: string | null,
): Promise<SqlClient> {
  const { connectSimpleClient } = await product<WireClient>(target, 'protocols/postgres/wire/simple-client.ts');
  const { Connection } = await product<typeof import('../../gateway/contract/connection.ts')>(
    target,
    'contract/connection.ts',
  );
  const connection = Connection.parse({ id: 'hostile', kind: 'postgres', ...to, tls: { mode: 'disable' } });
  const parameters = new Map([['application_name', 'hostile']]);
  const request = { connection, database: to.database, parameters, protocolMinor: 0 as const, secret };
  return connectSimpleClient({ ...request, timeoutMs: 20_000 });
}

export const agentClient = (target: Target): Promise<SqlClient> =>
  connectSql(
    target,
    { host: '127.0.0.1', port: target.postgresPort, user: target.connectionId, database: target.database.database },
    target.token,
  );

export interface Held {
  id: string;
  digest: string;
  client: SqlClient;
  /** Resolves when the statement ran ("ran") or was refused (the reason). */
  result: Promise<string>;
}

interface WaitingApproval {
  id: string;
  operation: { text: string; digest: string };
}

export async function waitingApprovals(target: Target): Promise<WaitingApproval[]> {
  const { json } = await call(target, 'GET', '/api/approvals', { socket: true });
  return (json.items ?? []) as WaitingApproval[];
}

/** Runs a statement that waits for a person, as the agent. */
export async function hold(target: Target, sql: string, client?: SqlClient): Promise<Held> {
  const known = new Set((await waitingApprovals(target)).map(({ id }) => id));
  const used = client ?? (await agentClient(target));
  const result = used.query(sql, { timeoutMs: 60_000 }).then(
    () => 'ran',
    (error: Error) => error.message,
  );
  for (let attempt = 0; attempt < 400; attempt += 1) {
    const found = (await waitingApprovals(target)).find(({ id }) => !known.has(id));
    if (found) return { id: found.id, digest: found.operation.digest, client: used, result };
    await sleep(25);
  }
  throw new Error(`nothing waits: ${await Promise.race([result, sleep(100).then(() => 'no answer')])}`);
}

export const approvalBody = ({ id, digest }: { id: string; digest: string }) => ({
  path: `/api/approvals/${id}/decision`,
  body: { digest, decision: 'approve', scope: { kind: 'once' } },
});

export async function stateOf(target: Target, id: string): Promise<string> {
  return String((await call(target, 'GET', `/api/approvals/${id}`, { socket: true })).json.state);
}

const lines = createInterface({ input: process.stdin });
const received: string[] = [];
const wanted: ((line: string) => void)[] = [];
lines.on('line', (line) => {
  const next = wanted.shift();
  if (next) next(line);
  else received.push(line);
});

/** The next line from the test. */
export function hear(): Promise<string> {
  const line = received.shift();
  if (line !== undefined) return Promise.resolve(line);
  return new Promise((done) => wanted.push(done));
}

/** Asks the person (the test) to decide on what waits; resolves when it is done. */
export async function person(decision: 'approve' | 'deny', held: { id: string; digest: string }): Promise<void> {
  process.stdout.write(`${JSON.stringify({ person: decision, id: held.id, digest: held.digest })}\n`);
  await hear();
}
