import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApprovals } from '../approvals/approvals.ts';
import { createPinGuard } from '../approvals/pin-guard.ts';
import { testTime } from '../approvals/test-operation.ts';
import { createConnections } from '../config/connections.ts';
import { localIdentity } from '../identity/local.ts';
import { createPasskeyHandlers } from '../identity/passkeys/handlers.ts';
import { Passkeys } from '../identity/passkeys/passkeys.ts';
import { createPasskeyStore } from '../identity/passkeys/store.ts';
import { createTokens } from '../identity/tokens.ts';
import { createVault } from '../vault/vault.ts';
import { createControlClient } from './client.ts';
import { createDefaultHandlers } from './default-handlers.ts';
import type { ControlHandlers } from './handlers.ts';
import { createControlServer } from './server.ts';

export const PIN = '739281';

let hashed: string | null = null;

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: { error?: { code: string; message: string } } & Record<string, unknown>;
}

/** A control server over everything it serves, in a folder of its own, with a clock that tests move. */
export async function startTestControl(
  options: { pin?: boolean; consoleDir?: string; handlers?: Partial<ControlHandlers> } = {},
) {
  const dir = mkdtempSync(join(tmpdir(), 'cs-control-'));
  const time = testTime(Date.now());
  const unexpected: unknown[] = [];
  const called: string[] = [];
  const approvals = createApprovals({
    clock: time.clock,
    newId: randomUUID,
    schedule: time.schedule,
    onEvent: (event) => server.publish(event),
    passkeyMissing: () => passkeys.missing(),
  });
  const pin = createPinGuard({ file: join(dir, 'pin.json'), clock: time.clock });
  if (options.pin !== false) {
    // Hashing takes its time on purpose: once for all tests is enough.
    if (hashed === null) await pin.set(PIN);
    else writeFileSync(join(dir, 'pin.json'), hashed);
    hashed = readFileSync(join(dir, 'pin.json'), 'utf8');
  }
  const passkeys = new Passkeys({
    store: createPasskeyStore(join(dir, 'passkeys.json')),
    clock: time.clock,
    randomBytes,
    person: () => localIdentity('dev'),
    signedInAt: () => null,
    listed: () => null,
    origin: () => `http://localhost:${server.address!.port}`,
  });
  const connections = createConnections({ file: join(dir, 'connections.json') });
  const vault = createVault({ dir: join(dir, 'vault'), protection: 'protected' });
  const tokens = createTokens({
    file: join(dir, 'tokens.json'),
    clock: time.clock,
    randomBytes,
    every: () => () => {},
  });
  const own = createDefaultHandlers({
    approvals,
    connections,
    vault,
    tokens,
    identity: () => localIdentity('dev'),
    postgres: () => ({ host: '127.0.0.1', port: 6543 }),
    openSessions: () => 0,
    pausesChanged: () => called.push('pausesChanged'),
  });
  /** The routes of others only note that they were reached. */
  const keys = createPasskeyHandlers(passkeys);
  const handlers = new Proxy({ ...own, ...keys, ...options.handlers } as ControlHandlers, {
    get(target, name: keyof ControlHandlers) {
      return (input: never, context: never) => {
        called.push(name);
        return name in target ? (target[name] as (a: never, b: never) => unknown)(input, context) : {};
      };
    },
  });
  const server = createControlServer({
    handlers,
    pin,
    passkeys,
    clock: time.clock,
    person: 'unverified: local account dev',
    consoleDir: options.consoleDir ?? join(dir, 'no-console'),
    unexpected: (error) => unexpected.push(error),
    checkOutput: false,
  });
  const socketPath = join(dir, 'run', 'control.sock');
  const rootSocketPath = join(dir, 'run', 'root.sock');
  await server.listen({ host: '127.0.0.1', port: 0, socketPath, rootSocketPath });
  const port = server.address!.port;

  function send(
    method: string,
    path: string,
    { headers = {}, body, socket = false }: { headers?: Record<string, string>; body?: string; socket?: boolean } = {},
  ): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          method,
          path,
          agent: false,
          headers: { host: `127.0.0.1:${port}`, ...headers },
          ...(socket ? { socketPath } : { host: '127.0.0.1', port }),
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('error', reject);
          response.on('end', () => {
            let json: Reply['json'] = {};
            try {
              json = JSON.parse(text);
            } catch {
              // Not every reply is JSON.
            }
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  return {
    dir,
    time,
    approvals,
    pin,
    connections,
    vault,
    tokens,
    server,
    port,
    socketPath,
    rootSocketPath,
    unexpected,
    called,
    client: createControlClient({ socketPath }),
    send,
    /** A call as the console makes it. */
    post: (path: string, body: unknown, headers: Record<string, string> = {}, method = 'POST') =>
      send(method, path, { headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) }),
    /** Headers of a console session. */
    async login(): Promise<{ cookie: string; 'x-countersign-page': string }> {
      const reply = await send('POST', '/api/login', {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code: server.newLoginCode() }),
      });
      const { key } = JSON.parse(reply.text) as { key: string };
      return { cookie: reply.headers['set-cookie']![0]!.split(';')[0]!, 'x-countersign-page': key };
    },
    async stop() {
      tokens.close();
      approvals.close();
      await server.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
