import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testOperation, testVerdict } from '../../gateway/approvals/test-operation.ts';
import { PIN, startTestControl } from '../../gateway/control/test-control.ts';
import { createConsoleSession } from '../gateway/console-session.ts';
import { createSocketCall } from '../gateway/socket.ts';
import { createPageHandler } from './handler.ts';

/** A busy machine may take its time. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

/** Against the gateway's own control server, over its socket. */
let control: Awaited<ReturnType<typeof startTestControl>>;
let folder: string;
let handle: (request: Request) => Promise<Response>;
let session: ReturnType<typeof createConsoleSession>;
beforeEach(async () => {
  control = await startTestControl();
  folder = join(control.dir, 'dist');
  mkdirSync(join(folder, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'index.html'), '<meta nonce="__CSP_NONCE__"><title>Countersign</title>');
  writeFileSync(join(folder, 'assets', 'main-abc.js'), 'export {}');
  writeFileSync(join(folder, 'secret.pem'), 'no');
  symlinkSync(join(control.dir, 'pin.json'), join(folder, 'pin.json'));
  const call = createSocketCall(() => control.socketPath);
  session = createConsoleSession(call);
  handle = createPageHandler({ folder, call, session });
});
afterEach(async () => {
  expect(control.unexpected).toEqual([]);
  await control.stop();
});

const ORIGIN = 'app://countersign';
const get = (path: string, init: RequestInit = {}) => handle(new Request(ORIGIN + path, init));
const post = (path: string, body: object, headers: Record<string, string> = {}) =>
  get(path, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
const codeOf = async (response: Response) => ((await response.json()) as { error?: { code: string } }).error?.code;

function hold(level: 'click' | 'pin' = 'click') {
  const { approvalId, outcome } = control.approvals.hold(testOperation(), testVerdict({ level }));
  const { digest } = control.approvals.get(approvalId)!.operation;
  return { path: `/api/approvals/${approvalId}/decision`, digest, outcome };
}

describe('pages', () => {
  it('come with the console’s policy and a fresh nonce, on every path of the app', async () => {
    const nonces = new Set<string>();
    for (const path of ['/', '/popup', '/approvals/01ABC', '/index.html']) {
      const response = await get(path);
      const policy = response.headers.get('content-security-policy') ?? '';
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-");
      expect(policy).not.toContain('unsafe');
      expect(await response.text()).toContain(`nonce="${nonce}"`);
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(4);
    expect((await get('/assets/main-abc.js')).headers.get('content-type')).toContain('javascript');
  });

  it.each([
    '/../pin.json',
    '/%2e%2e/pin.json',
    '/..%2fpin.json',
    '/assets/..%2f..%2fpin.json',
    '/assets/%2e%2e%5c%2e%2e%5cpin.json',
    '/pin.json',
    '/secret.pem',
    '/%00',
    '/%zz',
    '/.env',
    '/assets/none.js',
    '//etc/passwd.txt',
  ])('%s is not served', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.text()).toBe('Not found\n');
  });

  it.each([
    'app://evil/',
    'app://countersign.evil/',
    'app://user@countersign/',
    'https://countersign/',
    'app://evil/api/status',
  ])('%s is nobody here', async (url) => {
    expect((await handle({ url, method: 'GET', headers: new Headers() } as Request)).status).toBe(404);
  });

  it('are only read, and by their own origin', async () => {
    expect((await get('/', { method: 'POST', body: 'x' })).status).toBe(405);
    expect((await get('/api/status', { method: 'PATCH', body: 'x' })).status).toBe(405);
    const headers = new Headers({ origin: 'https://evil.example' });
    for (const path of ['/', '/api/status']) {
      expect((await handle({ url: ORIGIN + path, method: 'GET', headers } as Request)).status).toBe(403);
    }
  });
});

describe('the API of pages', () => {
  it('is closed until a person signed in, but for what signing in takes', async () => {
    for (const path of ['/api/status', '/api/approvals', '/api/events', '/api/grants']) {
      expect([path, await codeOf(await get(path))]).toEqual([path, 'UNAUTHENTICATED']);
    }
    expect(await codeOf(await post(hold().path, { digest: '0'.repeat(64), decision: 'deny' }))).toBe('UNAUTHENTICATED');
    expect(await (await get('/api/host')).json()).toEqual({ host: 'gateway' });
    expect(control.called).toEqual([]);
  });

  it('knows the routes of the contract and no other', async () => {
    await session.open(control.server.newLoginCode());
    for (const path of ['/api', '/api/', '/api/none', '/api/status/x', '/api/approvals/x/y']) {
      expect([path, (await get(path)).status]).toEqual([path, 404]);
    }
    expect((await post('/api/status', {})).status).toBe(404);
  });

  it('lets a click decide once signed in by a code, and hands no secret to the page', async () => {
    const signedIn = await post('/api/login', { code: control.server.newLoginCode() });
    expect(await signedIn.text()).toBe('{"key":"desktop"}');
    expect([...signedIn.headers.keys()]).not.toContain('set-cookie');
    const { path, digest } = hold();
    const decided = await post(
      path,
      { digest, decision: 'approve' },
      { 'x-countersign-page': 'desktop', cookie: 'cs_session=x' },
    );
    expect(await decided.json()).toMatchObject({ state: 'approved', channel: 'console' });
    expect([...decided.headers.keys()]).not.toContain('set-cookie');
    const strict = hold('pin');
    expect(await codeOf(await post(strict.path, { digest: strict.digest, decision: 'approve' }))).toBe(
      'PRESENCE_TOO_LOW',
    );
    const withPin = await post(strict.path, { digest: strict.digest, decision: 'approve', pin: PIN });
    expect(await withPin.json()).toMatchObject({ state: 'approved' });
  });

  it('signs in with the PIN by way of a code', async () => {
    expect(await codeOf(await post('/api/login-code', { pin: '000001' }))).toBe('PIN_WRONG');
    const { code } = (await (await post('/api/login-code', { pin: PIN })).json()) as { code: string };
    expect((await post('/api/login', { code })).status).toBe(200);
    expect(session.isOpen).toBe(true);
  });

  it('tells wrong codes in the gateway’s words', async () => {
    expect(await codeOf(await post('/api/login', { code: 'AAAAA-AAAAA' }))).toBe('LOGIN_CODE_WRONG');
    for (const body of ['', '{', 'null', '[]', '{"code":7}']) {
      expect(await codeOf(await get('/api/login', { method: 'POST', body }))).toBe('BAD_REQUEST');
    }
    expect(session.isOpen).toBe(false);
  });

  it('asks again once the session ended', async () => {
    const told: boolean[] = [];
    session.onChange(() => told.push(session.isOpen));
    await session.open(control.server.newLoginCode());
    control.time.sleep(13 * 60 * 60 * 1000);
    expect((await get('/api/approvals')).status).toBe(401);
    expect(told).toEqual([true, false]);
  });

  it('takes leave', async () => {
    await session.open(control.server.newLoginCode());
    expect((await post('/api/logout', {})).status).toBe(200);
    expect(session.isOpen).toBe(false);
  });

  it('streams events as they happen, until the page goes', async () => {
    await session.open(control.server.newLoginCode());
    const stop = new AbortController();
    const response = await get('/api/events', { signal: stop.signal });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let text = '';
    hold();
    while (!text.includes('"type":"approval"')) text += new TextDecoder().decode((await reader.read()).value);
    expect(control.server.listeners).toBe(1);
    await reader.cancel();
    await soon(() => control.server.listeners).toBe(0);
  });

  it('takes no more than the gateway', async () => {
    await session.open(control.server.newLoginCode());
    const response = await post('/api/policy/stage', { text: 'x'.repeat(2 * 1024 * 1024) });
    expect(await codeOf(response)).toBe('BODY_TOO_LARGE');
  });

  it('says so when no gateway answers', async () => {
    await session.open(control.server.newLoginCode());
    const elsewhere = createSocketCall(() => join(control.dir, 'none.sock'));
    const lost = createPageHandler({ folder, call: elsewhere, session });
    const response = await lost(new Request(`${ORIGIN}/api/status`));
    expect([response.status, await codeOf(response)]).toEqual([502, 'GATEWAY_UNREACHABLE']);
  });
});
