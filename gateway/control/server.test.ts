import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testOperation, testVerdict } from '../approvals/test-operation.ts';
import { type ApiEvent, type RouteName, routes } from '../contract/api.ts';
import { TestAuthenticator } from '../identity/passkeys/test-authenticator.ts';
import { createControlClient } from './client.ts';
import { PRESENCE, type RoutePresence } from './presence.ts';
import { PIN, startTestControl } from './test-control.ts';

let control: Awaited<ReturnType<typeof startTestControl>>;
beforeEach(async () => {
  control = await startTestControl();
});
afterEach(async () => {
  expect(control.unexpected).toEqual([]);
  await control.stop();
});

const CONNECTION = { id: 'main', kind: 'postgres' as const, host: 'db.example', user: 'app', database: 'shop' };
/** A valid input for each route, without any presence. */
const INPUTS: Record<RouteName, Record<string, unknown>> = {
  host: {},
  login: { code: 'AAAAA-AAAAA' },
  logout: {},
  newLoginCode: { pin: '000001' },
  status: {},
  device: {},
  about: {},
  agents: {},
  holdTray: { held: false },
  enrolDevice: { root: 'x', pin: '000001' },
  rotateDeviceKey: { pin: '000001' },
  putDeviceWitness: { vkey: 'x', url: 'https://x', ca: null, pin: '000001' },
  removeDeviceWitness: { name: 'x', pin: '000001' },
  approvals: {},
  approval: { id: 'x' },
  decide: { id: 'x', digest: '0'.repeat(64), decision: 'approve' },
  passkeyRequest: { id: 'x', digest: '0'.repeat(64) },
  extendApproval: { id: 'x' },
  similarApprovals: { id: 'x' },
  endPause: { id: 'x', pin: '000001' },
  grants: {},
  revokeGrant: { id: 'x' },
  revokeGrants: {},
  pauseAll: { minutes: 5 },
  panic: {},
  resumeAll: { pin: '000001' },
  administration: {},
  refreshAdministration: {},
  emergency: {},
  beginEmergency: { reason: 'the site is down', pin: '000001' },
  endEmergency: {},
  putEmergency: { settings: { allowed: true }, pin: '000001' },
  mailbox: {},
  setUpMailbox: { setup: { target: null }, pin: '000001' },
  makeApproverKey: { name: 'x', pin: '000001' },
  sessions: {},
  session: { id: 'x' },
  statements: { id: 'x' },
  result: { id: 'x', index: 0 },
  exchange: { id: 'x', index: 0 },
  terminal: { id: 'x' },
  verifySession: { id: 'x' },
  killSession: { id: 'x' },
  search: { q: 'x' },
  insights: {},
  insightShapes: {},
  summary: { since: '2026-01-05T00:00:00Z' },
  connections: {},
  putConnection: { id: 'main', connection: CONNECTION, pin: '000001' },
  deleteConnection: { id: 'main', pin: '000001' },
  testConnection: { id: 'main' },
  mintToken: { id: 'main' },
  hook: { agent: 'cursor', event: {}, timeoutMs: 1000, home: '/home/dev' },
  hookFiles: { ticket: 'x', files: [] },
  sentinel: {},
  undoPlan: { id: 'x', exchange: 0 },
  undoContents: { id: 'x', exchange: 0, pin: '000001' },
  hookPreview: { ticket: 'x', preview: { kind: 'command', state: 'done', parts: [], undo: null } },
  storedCredentials: {},
  storeCredential: {
    id: 'aws-0123456789abcdef',
    credential: { kind: 'aws', title: 'key of a profile', file: '/home/dev/.aws/credentials' },
    values: { aws_secret_access_key: 'x' },
    pin: '000001',
  },
  forgetStoredCredential: { id: 'aws-0123456789abcdef', pin: '000001' },
  mcpServers: {},
  putMcpServer: {
    name: 'files',
    server: { name: 'files', transport: { type: 'stdio', command: 'files' } },
    pin: '000001',
  },
  deleteMcpServer: { name: 'files', pin: '000001' },
  mcpTools: { name: 'files' },
  testMcpServer: { name: 'files' },
  acceptMcpTools: { name: 'files', pin: '000001' },
  signInMcpServer: { name: 'files', pin: '000001' },
  mcpSignInState: { name: 'files', id: 'x' },
  signOutMcpServer: { name: 'files' },
  mintMcpToken: { name: 'files' },
  revokeToken: { id: 'x' },
  passkeys: {},
  beginPasskey: { name: 'x', pin: '000001' },
  finishPasskey: { credentialId: 'x', clientDataJSON: 'x', attestationObject: 'x' },
  removePasskey: { credentialId: 'x', pin: '000001' },
  identity: {},
  putProvider: { provider: { id: 'acme', issuer: 'https://id.example', clientId: 'c' }, pin: '000001' },
  deleteProvider: { id: 'acme', pin: '000001' },
  providerMetadata: { id: 'acme' },
  signIn: {},
  signInState: { id: 'x' },
  signOut: {},
  roles: {},
  putRoles: { groups: { admin: ['admins'] }, pin: '000001' },
  policy: {},
  stagePolicy: { text: 'permit(principal, action, resource);' },
  acceptPolicy: { hash: '0'.repeat(64), pin: '000001' },
  discardPolicy: {},
  checkPolicy: { text: 'x' },
  tryPolicy: { what: { kind: 'statement', text: 'SELECT 1' } },
  policySuggestions: {},
  policyHistory: {},
  policyVersion: { number: 1 },
  syncStatus: {},
  syncNow: {},
  pauseSync: { pin: '000001' },
  resumeSync: {},
  probeSync: {},
  setUpSync: { setup: { target: null }, pin: '000001' },
  retentionPlan: {},
  removeRecording: { id: 'x', why: 'x', pin: '000001' },
  holds: {},
  setHold: { what: 'x', why: 'x' },
  liftHold: { what: 'x', why: 'x', pin: '000001' },
  alerts: {},
  alertRules: {},
  resumeSession: { id: 'x', pin: '000001' },
  siemStatus: {},
  putSiem: { id: 'x', destination: { id: 'x', kind: 'file', path: '/x' }, pin: '000001' },
  deleteSiem: { id: 'x', pin: '000001' },
  testSiem: { id: 'x' },
  setPin: { pin: '482917' },
};
const NAMES = Object.keys(routes) as RouteName[];

/** The path with its parameters, and the rest as query or body. */
function prepared(name: RouteName) {
  const { method, path } = routes[name];
  const rest = { ...INPUTS[name] };
  const filled = path.replaceAll(/:([a-zA-Z]+)/g, (_, key: string) => {
    const value = rest[key];
    delete rest[key];
    return String(value);
  });
  const plain = method === 'GET' || method === 'DELETE';
  const query = plain ? `?${new URLSearchParams(rest as Record<string, string>)}` : '';
  return { method, path: filled + query, body: plain ? undefined : JSON.stringify(rest) };
}
const JSON_TYPE = { 'content-type': 'application/json' };

describe('every route', () => {
  it.each(NAMES.filter((name) => routes[name].access === 'session'))(
    '%s: refused on loopback without a session',
    async (name) => {
      const { method, path, body } = prepared(name);
      const reply = await control.send(method, path, { headers: JSON_TYPE, ...(body ? { body } : {}) });
      expect([reply.status, reply.json.error?.code]).toEqual([401, 'UNAUTHENTICATED']);
      expect(control.called).toEqual([]);
    },
  );

  it.each(NAMES)('%s: refused for another Host, Origin or site', async (name) => {
    const session = await control.login();
    const { method, path, body } = prepared(name);
    const attacks: Array<[Record<string, string>, string]> = [
      [{ host: `evil.example:${control.port}` }, 'WRONG_HOST'],
      [{ host: 'localhost' }, 'WRONG_HOST'],
      [{ host: `127.0.0.1.evil.example:${control.port}` }, 'WRONG_HOST'],
      [{ origin: 'http://evil.example' }, 'WRONG_ORIGIN'],
      [{ origin: 'null' }, 'WRONG_ORIGIN'],
      [{ origin: `http://127.0.0.1:${control.port + 1}` }, 'WRONG_ORIGIN'],
      [{ origin: `http://localhost:${control.port}` }, 'WRONG_ORIGIN'],
      [{ 'sec-fetch-site': 'cross-site' }, 'WRONG_ORIGIN'],
      [{ 'sec-fetch-site': 'same-site' }, 'WRONG_ORIGIN'],
    ];
    for (const [headers, code] of attacks) {
      const reply = await control.send(method, path, {
        headers: { ...JSON_TYPE, ...session, ...headers },
        ...(body ? { body } : {}),
      });
      expect([headers, reply.json.error?.code]).toEqual([headers, code]);
    }
    expect(control.called).toEqual([]);
  });

  it.each(NAMES.filter((name) => routes[name].method === 'POST' || (routes[name].method as string) === 'PUT'))(
    '%s: refused when its body is not declared as JSON',
    async (name) => {
      const session = await control.login();
      const { method, path, body } = prepared(name);
      for (const type of [undefined, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
        const headers = { ...session, ...(type ? { 'content-type': type } : {}) };
        const reply = await control.send(method, path, { headers, ...(body ? { body } : {}) });
        expect([type, reply.json.error?.code]).toEqual([type, 'NOT_JSON']);
      }
      expect(control.called).toEqual([]);
    },
  );

  const widening = NAMES.filter((name) => (['widen', 'decide'] as RoutePresence[]).includes(PRESENCE[name]));
  it('has routes that widen', () => {
    expect(widening.sort()).toEqual([
      'acceptMcpTools',
      'acceptPolicy',
      'beginEmergency',
      'beginPasskey',
      'decide',
      'deleteConnection',
      'deleteMcpServer',
      'deleteProvider',
      'deleteSiem',
      'endPause',
      'enrolDevice',
      'forgetStoredCredential',
      'liftHold',
      'makeApproverKey',
      'newLoginCode',
      'pauseSync',
      'putConnection',
      'putDeviceWitness',
      'putEmergency',
      'putMcpServer',
      'putProvider',
      'putRoles',
      'putSiem',
      'removeDeviceWitness',
      'removePasskey',
      'removeRecording',
      'resumeAll',
      'resumeSession',
      'rotateDeviceKey',
      'setUpMailbox',
      'setUpSync',
      'signInMcpServer',
      'storeCredential',
      'undoContents',
    ]);
  });

  it.each(widening)('%s: refused over the socket without the right PIN', async (name) => {
    const { method, path, body } = prepared(name);
    const reply = await control.send(method, path, { headers: JSON_TYPE, body: body!, socket: true });
    expect(reply.status).toBe(403);
    expect(['PIN_WRONG', 'PIN_REQUIRED']).toContain(reply.json.error?.code);
    expect(control.called).toEqual([]);
  });

  it.each(widening)('%s: refused over the socket while no PIN is set', async (name) => {
    const bare = await startTestControl({ pin: false });
    const { method, path, body } = prepared(name);
    const reply = await bare.send(method, path, { headers: JSON_TYPE, body: body!, socket: true });
    expect(reply.json.error?.code).toBe('PIN_NOT_SET');
    expect(reply.json.error?.message).toContain('countersign pin');
    expect(bare.called).toEqual([]);
    await bare.stop();
  });

  it.each(widening.filter((name) => name !== 'decide'))('%s: refused in the console with a wrong PIN', async (name) => {
    const session = await control.login();
    const { method, path, body } = prepared(name);
    const reply = await control.send(method, path, { headers: { ...JSON_TYPE, ...session }, body: body! });
    expect(reply.json.error?.code).toBe('PIN_WRONG');
    expect(control.called).toEqual([]);
  });
});

describe('the one-time code', () => {
  it('opens one session, once', async () => {
    const code = control.server.newLoginCode();
    expect(code).toMatch(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
    const reply = await control.post('/api/login', { code: code.toLowerCase().replace('-', ' ') });
    expect(reply.status).toBe(200);
    expect(reply.headers['set-cookie']![0]).toMatch(/^cs_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    const again = await control.post('/api/login', { code });
    expect([again.status, again.json.error?.code, again.headers['set-cookie']]).toEqual([
      403,
      'LOGIN_CODE_WRONG',
      undefined,
    ]);
  });

  it('expires after ten minutes', async () => {
    const code = control.server.newLoginCode();
    control.time.sleep(10 * 60_000);
    expect((await control.post('/api/login', { code })).json.error?.code).toBe('LOGIN_CODE_WRONG');
  });

  it('cannot be guessed: after ten wrong ones even the right one waits', async () => {
    const code = control.server.newLoginCode();
    for (let i = 0; i < 10; i++) {
      expect((await control.post('/api/login', { code: `AAAAA-AAA${i}A` })).json.error?.code).toBe('LOGIN_CODE_WRONG');
    }
    expect((await control.post('/api/login', { code })).json.error?.code).toBe('LOGIN_TOO_MANY');
    control.time.sleep(60_000);
    expect((await control.post('/api/login', { code })).status).toBe(200);
  });

  it('is not taken from the query', async () => {
    const code = control.server.newLoginCode();
    const reply = await control.send('POST', `/api/login?code=${code}`, { headers: JSON_TYPE, body: '{}' });
    expect(reply.status).toBe(400);
  });
});

describe('a console session', () => {
  it('is the cookie and the page’s key, and nothing else', async () => {
    const session = await control.login();
    const { cookie } = session;
    const secret = cookie.split('=')[1]!;
    expect((await control.send('GET', '/api/grants', { headers: session })).status).toBe(200);
    const other = await control.login();
    for (const attempt of [
      // What a server on another port is sent, and what a page's storage holds: each alone opens nothing.
      control.send('GET', '/api/grants', { headers: { cookie } }),
      control.send('GET', '/api/events', { headers: { cookie } }),
      control.send('GET', '/api/grants', { headers: { 'x-countersign-page': session['x-countersign-page'] } }),
      control.send('GET', '/api/grants', { headers: { ...session, cookie: other.cookie } }),
      control.send('GET', `/api/grants?cs_session=${secret}`),
      control.send('GET', '/api/grants', { headers: { authorization: `Bearer ${secret}` } }),
      control.send('GET', '/api/grants', { headers: { cookie: `cs_session=${'A'.repeat(43)}` } }),
    ]) {
      expect((await attempt).status).toBe(401);
    }
  });

  it('ends by logout and after twelve hours', async () => {
    const first = await control.login();
    expect((await control.post('/api/logout', {}, first)).status).toBe(200);
    expect((await control.send('GET', '/api/grants', { headers: first })).status).toBe(401);
    const second = await control.login();
    control.time.sleep(12 * 60 * 60_000);
    expect((await control.send('GET', '/api/grants', { headers: second })).status).toBe(401);
  });
});

describe('decisions', () => {
  const decide = (id: string, body: Record<string, unknown>, headers: Record<string, string>) =>
    control.post(`/api/approvals/${id}/decision`, { decision: 'approve', ...body }, headers);

  it('are a click in the console where the policy asks for a click', async () => {
    const session = await control.login();
    const operation = testOperation();
    const hold = control.approvals.hold(operation, testVerdict());
    const reply = await decide(hold.approvalId, { digest: operation.digest }, session);
    expect([reply.status, reply.json.state, reply.json.channel]).toEqual([200, 'approved', 'console']);
    expect((await hold.outcome).state).toBe('approved');
    const again = await decide(hold.approvalId, { digest: operation.digest }, session);
    expect(again.json.error?.code).toBe('APPROVAL_NOT_WAITING');
  });

  it('take the PIN where the policy asks for it', async () => {
    const session = await control.login();
    const operation = testOperation();
    const hold = control.approvals.hold(operation, testVerdict({ level: 'pin' }));
    const { approvalId } = hold;
    const { digest } = operation;
    expect((await decide(approvalId, { digest }, session)).json.error?.code).toBe('PRESENCE_TOO_LOW');
    expect((await decide(approvalId, { digest, pin: '111112' }, session)).json.error?.code).toBe('PIN_WRONG');
    expect(control.approvals.waiting).toBe(1);
    expect((await decide(approvalId, { digest, pin: PIN }, session)).json.state).toBe('approved');
  });

  it('take a passkey where the policy asks for one, and neither the PIN nor a passkey on the socket', async () => {
    const session = await control.login();
    const operation = testOperation();
    const { digest } = operation;
    const verdict = testVerdict({ level: 'passkey' });
    expect(() => control.approvals.hold(operation, verdict)).toThrow('has no passkey');

    const authenticator = new TestAuthenticator(`http://localhost:${control.port}`);
    const begin = '/api/passkeys/begin';
    expect((await control.post(begin, { name: 'Laptop' }, session)).json.error?.code).toBe('BAD_REQUEST');
    const creation = await control.post(begin, { name: 'Laptop', pin: PIN }, session);
    const made = authenticator.register(String(creation.json.challenge));
    expect((await control.post('/api/passkeys', made, session)).json).toMatchObject({ standing: 'local' });

    const { approvalId } = control.approvals.hold(operation, verdict);
    const ask = async () => {
      const { json } = await control.post(`/api/approvals/${approvalId}/passkey`, { digest }, session);
      return authenticator.assert(String(json.challenge));
    };
    expect((await decide(approvalId, { digest, pin: PIN }, session)).json.error?.code).toBe('PRESENCE_TOO_LOW');
    const onSocket = await control.send('POST', `/api/approvals/${approvalId}/decision`, {
      headers: JSON_TYPE,
      body: JSON.stringify({ digest, decision: 'approve', passkey: await ask() }),
      socket: true,
    });
    expect(onSocket.json.error?.code).toBe('PIN_REQUIRED');
    const passkey = await ask();
    expect((await decide(approvalId, { digest, passkey }, session)).json).toMatchObject({
      state: 'approved',
      proof: { credentialId: authenticator.credentialId },
    });
    expect((await decide(approvalId, { digest, passkey }, session)).json.error?.code).toBe('PASSKEY_REFUSED');
  });

  it('are refused for another digest, and after expiry', async () => {
    const session = await control.login();
    const operation = testOperation();
    const hold = control.approvals.hold(operation, testVerdict());
    const other = await decide(hold.approvalId, { digest: 'f'.repeat(64) }, session);
    expect([other.status, other.json.error?.code]).toEqual([409, 'APPROVAL_MISMATCH']);
    control.time.sleep(600_000);
    const late = await decide(hold.approvalId, { digest: operation.digest }, session);
    expect(late.json.error?.code).toBe('APPROVAL_NOT_WAITING');
    expect((await hold.outcome).state).toBe('expired');
  });

  it('over the socket: denying is free, approving takes the PIN though the policy asks for a click', async () => {
    const operation = testOperation();
    const first = control.approvals.hold(operation, testVerdict());
    const call = (id: string, rest: object) =>
      control.client.call('decide', { id, digest: operation.digest, decision: 'approve', ...rest });
    await expect(call(first.approvalId, {})).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
    await expect(call(first.approvalId, { scope: { kind: 'session', reach: 'exact' } })).rejects.toMatchObject({
      code: 'PIN_REQUIRED',
    });
    expect(control.approvals.waiting).toBe(1);
    const denied = await call(first.approvalId, { decision: 'deny', message: 'not today' });
    expect([denied.state, denied.channel, denied.message]).toEqual(['denied', 'terminal', 'not today']);
    const second = control.approvals.hold(operation, testVerdict());
    expect((await call(second.approvalId, { pin: PIN })).state).toBe('approved');
  });
});

describe('more time, and a pause that ends', () => {
  it('extends what waits, and tells of earlier ones', async () => {
    const session = await control.login();
    const { approvalId } = control.approvals.hold(testOperation(), testVerdict());
    control.time.pass(60_000);
    const extended = await control.post(`/api/approvals/${approvalId}/extension`, {}, session);
    const since = Date.parse(String(extended.json.createdAt));
    expect([extended.status, Date.parse(String(extended.json.expiresAt)) - since]).toEqual([200, 660_000]);
    const similar = await control.send('GET', `/api/approvals/${approvalId}/similar`, { headers: session });
    expect(similar.json).toMatchObject({ counts: { approved: 0 }, items: [] });
    const none = await control.post('/api/approvals/none/extension', {}, session);
    expect([none.status, none.json.error?.code]).toEqual([404, 'APPROVAL_UNKNOWN']);
  });

  it('a person lets a paused session ask again: by a click in the console, with the PIN elsewhere', async () => {
    const session = await control.login();
    for (let i = 0; i < 2; i++) {
      control.approvals.hold(testOperation(), testVerdict());
      control.time.pass(600_000);
    }
    expect(control.approvals.paused()).toHaveLength(1);
    await expect(control.client.call('endPause', { id: 'session-1' })).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
    expect(control.approvals.paused()).toHaveLength(1);
    expect((await control.post('/api/sessions/session-1/ask-again', {}, session)).status).toBe(200);
    expect(control.approvals.paused()).toEqual([]);
    expect(control.called).toContain('pausesChanged');
  });
});

describe.skipIf(process.platform === 'win32')('the desktop app, over the socket', () => {
  it('decides by a click with a console session, and by nothing less', async () => {
    const { approvalId } = control.approvals.hold(testOperation(), testVerdict());
    const { digest } = control.approvals.get(approvalId)!.operation;
    const session = await control.login();
    const decide = (headers: Record<string, string>) =>
      control.send('POST', `/api/approvals/${approvalId}/decision`, {
        headers: { ...JSON_TYPE, ...headers },
        body: JSON.stringify({ digest, decision: 'approve' }),
        socket: true,
      });
    const { cookie } = session;
    const key = session['x-countersign-page'];
    for (const less of [{}, { 'x-countersign-page': key }]) {
      expect((await decide(less as Record<string, string>)).json.error?.code).toBe('PIN_REQUIRED');
    }
    for (const ended of [{ cookie }, { cookie, 'x-countersign-page': `${key}x` }]) {
      expect((await decide(ended as Record<string, string>)).json.error?.code).toBe('UNAUTHENTICATED');
    }
    expect((await decide(session)).json).toMatchObject({ state: 'approved', channel: 'console' });
  });

  it('gets no code by it without the PIN', async () => {
    const session = await control.login();
    const ask = (body: object) =>
      control.send('POST', '/api/login-code', {
        headers: { ...JSON_TYPE, ...session },
        body: JSON.stringify(body),
        socket: true,
      });
    expect((await ask({})).json.error?.code).toBe('PIN_REQUIRED');
    expect((await ask({ pin: PIN })).json.code).toMatch(/^[0-9A-Z]{5}-[0-9A-Z]{5}$/);
  });
});

describe('grants', () => {
  it('are ended all at once, by whoever asks', async () => {
    for (let i = 0; i < 2; i++) {
      const { approvalId } = control.approvals.hold(testOperation(), testVerdict());
      const { digest } = control.approvals.get(approvalId)!.operation;
      control.approvals.decide({
        approvalId,
        digest,
        decision: 'approve',
        scope: { kind: 'minutes', minutes: 5 + i, reach: 'shape' },
        message: null,
        channel: 'console',
        level: 'click',
        decidedBy: 'dev',
      });
    }
    const standing = control.approvals.hold(testOperation(), testVerdict()).approvalId;
    control.approvals.decide({
      approvalId: standing,
      digest: testOperation().digest,
      decision: 'approve',
      scope: { kind: 'minutes', minutes: 24 * 60, reach: 'exact' },
      message: null,
      channel: 'console',
      level: 'pin',
      decidedBy: 'dev',
    });
    expect(await control.client.call('revokeGrants', { leaving: true })).toEqual({ revoked: 2 });
    expect(await control.client.call('revokeGrants', {})).toEqual({ revoked: 1 });
    expect(await control.client.call('revokeGrants', {})).toEqual({ revoked: 0 });
    expect(control.approvals.grants().every(({ revokedAt }) => revokedAt !== null)).toBe(true);
  });
});

describe('the PIN', () => {
  it('is first set with a fresh one-time code, and changed with the current one', async () => {
    const bare = await startTestControl({ pin: false });
    const session = await bare.login();
    const set = (body: object) => bare.post('/api/pin', body, session);
    expect((await set({ pin: '482917' })).json.error?.code).toBe('LOGIN_CODE_REQUIRED');
    expect((await set({ pin: '482917', code: 'AAAAA-AAAAA' })).json.error?.code).toBe('LOGIN_CODE_WRONG');
    await expect(bare.client.call('setPin', { pin: '482917' })).rejects.toMatchObject({ code: 'LOGIN_CODE_REQUIRED' });
    expect(bare.pin.isSet).toBe(false);
    const code = bare.server.newLoginCode();
    expect((await set({ pin: '482917', code })).status).toBe(200);
    // With a code alone, whoever reads the terminal could replace it.
    const next = bare.server.newLoginCode();
    expect((await set({ pin: '111119', code: next })).json.error?.code).toBe('PIN_REQUIRED');
    expect((await set({ pin: '739281', current: '000001' })).json.error?.code).toBe('PIN_WRONG');
    expect((await set({ pin: '739281', current: '482917' })).status).toBe(200);
    await bare.pin.verify('739281');
    await bare.stop();
  });

  it('cannot be guessed through the API, nor after the lock with the right one', async () => {
    const guess = (pin: string) => control.client.call('deleteConnection', { id: 'main', pin });
    for (let i = 0; i < 4; i++) await expect(guess(`00000${i + 1}`)).rejects.toMatchObject({ code: 'PIN_WRONG' });
    await expect(guess('000009')).rejects.toMatchObject({ code: 'PIN_LOCKED' });
    await expect(guess(PIN)).rejects.toMatchObject({ code: 'PIN_LOCKED' });
  });

  it('is in no answer', async () => {
    const reply = await control.send('POST', '/api/policy/accept', {
      headers: JSON_TYPE,
      body: '{"pin": 739281, "hash": "x"',
      socket: true,
    });
    expect(reply.json.error?.code).toBe('BAD_REQUEST');
    expect(reply.text).not.toContain('739281');
    const short = await control.send('POST', '/api/policy/accept', {
      headers: JSON_TYPE,
      body: JSON.stringify({ hash: '0'.repeat(64), pin: '73928' }),
      socket: true,
    });
    expect(short.json.error?.code).toBe('BAD_REQUEST');
    expect(short.text).not.toContain('73928');
  });
});

describe('connections and tokens', () => {
  it('adds, shows, lets in and removes', async () => {
    const { client } = control;
    const put = await client.call('putConnection', { id: 'main', connection: CONNECTION, secret: 'hunter2', pin: PIN });
    expect(put).toMatchObject({ id: 'main', hasSecret: true, port: 5432 });
    expect(JSON.stringify(await client.call('connections', {}))).not.toContain('hunter2');
    expect(await control.vault.read('main')).toBe('hunter2');
    const minted = await client.call('mintToken', { id: 'main', purpose: 'test' });
    expect(minted.env).toMatchObject({ PGUSER: 'main', PGPORT: '6543', PGDATABASE: 'shop', PGPASSWORD: minted.token });
    expect(control.tokens.verify(minted.token, 'main').ok).toBe(true);
    await client.call('revokeToken', { id: minted.agentSessionId });
    expect(control.tokens.verify(minted.token, 'main')).toMatchObject({ ok: false });
    await client.call('deleteConnection', { id: 'main', pin: PIN });
    expect(await control.vault.has('main')).toBe(false);
    await expect(client.call('mintToken', { id: 'main' })).rejects.toMatchObject({ code: 'CONNECTION_UNKNOWN' });
  });

  it('never sends a stored password to another host', async () => {
    const { client } = control;
    await client.call('putConnection', { id: 'main', connection: CONNECTION, secret: 'hunter2', pin: PIN });
    const moved = { ...CONNECTION, host: 'evil.example' };
    await expect(client.call('putConnection', { id: 'main', connection: moved, pin: PIN })).rejects.toMatchObject({
      code: 'CONNECTION_SECRET_REQUIRED',
    });
    const plain = { ...CONNECTION, tls: { mode: 'disable' as const } };
    await expect(client.call('putConnection', { id: 'main', connection: plain, pin: PIN })).rejects.toMatchObject({
      code: 'CONNECTION_SECRET_REQUIRED',
    });
    // A secret left over under the id of a connection that is gone.
    control.connections.remove('main');
    const put = await client.call('putConnection', { id: 'main', connection: moved, pin: PIN });
    expect(put.hasSecret).toBe(false);
  });
});

describe('events', () => {
  it('reach the command line and the console, and end with the session', async () => {
    const seen: ApiEvent[] = [];
    const stop = new AbortController();
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    const listening = control.client.events((event) => {
      seen.push(event);
      resolve();
    }, stop.signal);
    const session = await control.login();
    const consoleStream = fetch(`http://127.0.0.1:${control.port}/api/events`, { headers: session });
    const response = await consoleStream;
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    // The stream of the command line is open once the server has answered another call behind it.
    await control.client.call('grants', {});
    control.approvals.hold(testOperation(), testVerdict());
    await arrived;
    expect(seen[0]).toMatchObject({ type: 'approval', approval: { state: 'waiting' } });
    const reader = response.body!.getReader();
    const text = new TextDecoder().decode((await reader.read()).value);
    expect(text).toMatch(/^retry: 2000\n\n/);
    await control.post('/api/logout', {}, session);
    await expect(
      (async () => {
        while (!(await reader.read()).done);
        return 'ended';
      })().catch(() => 'cut'),
    ).resolves.toMatch(/ended|cut/);
    stop.abort();
    await listening;
  });

  it('take a session', async () => {
    expect((await control.send('GET', '/api/events')).status).toBe(401);
  });

  it('are limited to 32 streams', async () => {
    const stop = new AbortController();
    const streams: Array<Promise<Response>> = [];
    const session = await control.login();
    for (let i = 0; i < 32; i++) {
      streams.push(fetch(`http://127.0.0.1:${control.port}/api/events`, { headers: session, signal: stop.signal }));
    }
    await Promise.all(streams);
    expect((await control.send('GET', '/api/events', { headers: session })).json.error?.code).toBe('TOO_MANY_STREAMS');
    stop.abort();
  });
});

describe('limits', () => {
  it('refuses a body above 2 MiB, declared or not', async () => {
    const body = JSON.stringify({ text: 'x'.repeat(2 * 1024 * 1024) });
    const declared = await control.send('POST', '/api/policy/stage', { headers: JSON_TYPE, body, socket: true });
    expect([declared.status, declared.json.error?.code]).toEqual([413, 'BODY_TOO_LARGE']);
    const chunked = await control.send('POST', '/api/policy/stage', {
      headers: { ...JSON_TYPE, 'transfer-encoding': 'chunked' },
      body,
      socket: true,
    });
    expect(chunked.status).toBe(413);
    expect(control.called).toEqual([]);
  });

  it('listens on loopback only', async () => {
    await expect(control.server.listen({ host: '0.0.0.0', port: 0, socketPath: null })).rejects.toMatchObject({
      code: 'CONTROL_NOT_LOOPBACK',
    });
  });
});

describe.skipIf(process.platform === 'win32')('the socket', () => {
  it('is for its owner only', () => {
    expect(statSync(control.socketPath).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(control.socketPath)).mode & 0o777).toBe(0o700);
  });

  it('is not taken from a gateway that runs', async () => {
    await expect(
      control.server.listen({ host: '127.0.0.1', port: 0, socketPath: control.socketPath }),
    ).rejects.toMatchObject({ code: 'CONTROL_IN_USE' });
    await control.client.call('grants', {});
  });

  it('is not made where others may look, nor over a file', async () => {
    const open = join(control.dir, 'open');
    mkdirSync(open, { mode: 0o755 });
    const listen = (socketPath: string) => control.server.listen({ host: '127.0.0.1', port: 0, socketPath });
    await expect(listen(join(open, 's'))).rejects.toMatchObject({ code: 'CONTROL_SOCKET' });
    expect(statSync(open).mode & 0o777).toBe(0o755);
    const file = join(control.dir, 'run', 'file');
    writeFileSync(file, 'keep');
    await expect(listen(file)).rejects.toMatchObject({ code: 'CONTROL_SOCKET' });
    expect(existsSync(file)).toBe(true);
  });

  it('that nobody listens on is a clear sentence', async () => {
    const client = createControlClient({ socketPath: join(control.dir, 'nothing.sock') });
    await expect(client.call('status', {})).rejects.toMatchObject({
      code: 'CONTROL_UNREACHABLE',
      message: expect.stringContaining('countersign start'),
    });
    await expect(client.events(() => {}, AbortSignal.timeout(5000))).rejects.toMatchObject({
      code: 'CONTROL_UNREACHABLE',
    });
  });
});

describe('the console’s files', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cs-console-'));
  const dist = join(dir, 'dist');
  let files: Awaited<ReturnType<typeof startTestControl>>;
  beforeAll(async () => {
    mkdirSync(join(dist, 'assets'), { recursive: true });
    writeFileSync(join(dist, 'index.html'), '<meta nonce="__CSP_NONCE__"><style nonce="__CSP_NONCE__"></style>');
    writeFileSync(join(dist, 'assets', 'main-abc123.js'), 'export {}');
    writeFileSync(join(dist, '.env'), 'secret');
    writeFileSync(join(dir, 'outside.js'), 'secret');
    symlinkSync(join(dir, 'outside.js'), join(dist, 'link.js'));
    files = await startTestControl({ consoleDir: dist });
  });
  afterAll(async () => {
    await files.stop();
    rmSync(dir, { recursive: true });
  });

  it('come with a strict policy and a fresh nonce', async () => {
    const [first, second] = [await files.send('GET', '/'), await files.send('GET', '/sessions/01ABC')];
    const policy = String(first.headers['content-security-policy']);
    const nonce = /'nonce-([^']+)'/.exec(policy)![1]!;
    expect(first.text).toBe(`<meta nonce="${nonce}"><style nonce="${nonce}"></style>`);
    expect(second.text).not.toContain(nonce);
    expect(policy).toContain("default-src 'none'; script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(first.headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    });
  });

  it('are cached by their hash', async () => {
    const reply = await files.send('GET', '/assets/main-abc123.js');
    expect(reply.headers['cache-control']).toContain('immutable');
    expect(reply.headers['content-type']).toContain('text/javascript');
  });

  it.each([
    '/../outside.js',
    '/%2e%2e/outside.js',
    '/assets/..%2f..%2foutside.js',
    '/assets/%5c..%5coutside.js',
    '/.env',
    '/link.js',
    '/assets/main-abc123.js%00.html',
    '/%ff',
    '//etc/passwd.js',
  ])('are not left: %s', async (path) => {
    const reply = await files.send('GET', path);
    expect([reply.status, reply.text]).toEqual([404, 'Not found\n']);
  });

  it('say how to build them when they are not there', async () => {
    expect((await control.send('GET', '/')).text).toContain('npm run build:renderer');
  });
});

describe.skipIf(process.platform === 'win32')('the socket of root', () => {
  it('gives a code that opens a console, and nothing else', async () => {
    const root = createControlClient({ socketPath: control.rootSocketPath });
    const { code } = await root.call('newLoginCode', {});
    expect((await control.post('/api/login', { code })).status).toBe(200);
    for (const name of NAMES) {
      if (name === 'newLoginCode') continue;
      await expect(root.call(name, INPUTS[name] as never)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(control.called).toEqual([]);
  });

  it('is closed to everybody else', () => {
    expect(statSync(control.rootSocketPath).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(control.rootSocketPath)).mode & 0o777).toBe(0o700);
  });
});
