import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identityCheck } from '../../gateway/audit/verify/sign-in-facts.ts';
import { ProviderConfig } from '../../gateway/contract/sign-in.ts';
import { deviceOrigin } from '../../gateway/evidence/format/checkpoint.ts';
import { testSigner } from '../../gateway/evidence/format/test-keys.ts';
import { formatVkey } from '../../gateway/evidence/format/vkey.ts';
import { bindingNonce } from '../../gateway/evidence/trust/id-token.ts';
import { localIdentity } from '../../gateway/identity/local.ts';
import { Logins } from '../../gateway/identity/logins.ts';
import { createOidcClient } from '../../gateway/identity/oidc/client.ts';
import { People } from '../../gateway/identity/people.ts';
import type { Vault } from '../../gateway/pipeline/ports.ts';
import { toBase64 } from '../../gateway/recording/format/bytes.ts';
import { nodePrimitives as p } from '../../gateway/recording/primitives.ts';
import { component } from '../components.ts';
import { startOidcProvider, type TestOidcProvider } from '../support/oidc-provider.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, startClient, TEST_PIN } from '../support/side-by-side.ts';

/** Signing in with a real provider (oidc-provider): nobody's word but its own counts. */
let provider: TestOidcProvider;
beforeAll(async () => {
  provider = await startOidcProvider();
});
afterAll(() => provider.stop());

const MINUTE = 60_000;
const RANDOM = new Uint8Array(16).fill(9);
const device = testSigner(deviceOrigin('01JABCDEFGHJKMNPQRSTVWXYZ0'));
let home: string;
let people: People;
let logins: Logins;
let now: number;
let ended: { who: string; reason: string }[];
let gaps: [string, string][];
let bound: string[];
let vault: Vault;
let binds: boolean;

function memoryVault(): Vault {
  const secrets = new Map<string, string>();
  return {
    read: async (id) => secrets.get(id) ?? null,
    write: async (id, secret) => void secrets.set(id, secret),
    remove: async (id) => void secrets.delete(id),
    has: async (id) => secrets.has(id),
  };
}

const config = (more: object = {}) =>
  ProviderConfig.parse({ id: 'acme', issuer: provider.issuer, clientId: provider.clientId, ...more });

async function open(): Promise<void> {
  const clock = { now: () => now };
  const binding = {
    challenge: () => ({
      nonce: bindingNonce(p, device.vkey.key, RANDOM),
      random: toBase64(RANDOM),
      vkey: formatVkey(device.vkey),
      binds,
    }),
    bind: async (idToken: string) => void bound.push(idToken),
    get bound() {
      return bound.length > 0;
    },
  };
  people = await People.open({
    file: join(home, 'providers.json'),
    vault,
    clock,
    every: () => () => {},
    local: localIdentity('ada'),
    clientOf: createOidcClient,
    binding,
    ended: ({ display }, reason) => void ended.push({ who: display, reason }),
    gap: (from, until) => void gaps.push([from, until]),
    onConfigured: () => {},
    onChanged: () => {},
    onProblem: (sentence) => expect.unreachable(sentence),
  });
  const schedule = (milliseconds: number, run: () => void) => {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  };
  let ids = 0;
  const samlOf = () => expect.unreachable('no SAML here');
  logins = new Logins({ people, binding, samlOf, clock, newId: () => `login-${++ids}`, schedule });
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'cs-oidc-'));
  [now, ended, gaps, bound, binds] = [Date.now(), [], [], [], false];
  vault = memoryVault();
  provider.accounts.set('ada', { email: 'ada@acme.example', name: 'Ada', groups: ['devs', 'everybody'] });
  provider.accounts.set('bob', { email: 'bob@acme.example', name: 'Bob', groups: ['everybody'] });
  await open();
});
afterEach(() => {
  provider.setTrouble(false);
  logins.close();
  people.close();
  rmSync(home, { recursive: true, force: true });
});

async function over(id: string) {
  for (let tries = 0; tries < 1200 && logins.view(id).state === 'waiting'; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 25));
  return logins.view(id);
}

async function signIn(account = 'ada') {
  const { id, url } = await logins.begin(null, 'browser');
  const back = await provider.signIn(url!, account);
  const page = await fetch(back);
  return { back, page, view: await over(id) };
}

describe('without a provider', () => {
  it('the account of the machine counts, and says that nobody vouches for it', () => {
    expect(people.refusal()).toBeNull();
    expect(people.view()).toMatchObject({ state: 'local', identity: { verified: false } });
    expect(people.current().display).toContain('unverified');
  });

  it('and from the first one on it counts no more', async () => {
    await people.putProvider(config(), null);
    expect(people.refusal()).toContain('countersign login');
    expect(ended).toMatchObject([{ who: expect.stringContaining('unverified') }]);
  });
});

describe('by the browser', () => {
  beforeEach(() => people.putProvider(config(), null));

  it('a person is who the provider says, with their groups', async () => {
    const { view, page } = await signIn();
    expect(view).toMatchObject({ state: 'done', url: null, sentence: 'ada@acme.example is signed in.' });
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(people.refusal()).toBeNull();
    expect(people.current()).toEqual({
      subject: 'acme:ada',
      display: 'ada@acme.example',
      kind: 'oidc',
      verified: true,
      groups: ['devs', 'everybody'],
    });
    expect(people.view()).toMatchObject({ state: 'signed-in', sentence: expect.stringContaining('not bound') });
  });

  it('the address that the browser comes back with works once, here, and as it was sent', async () => {
    const { id, url } = await logins.begin(null, 'browser');
    const back = new URL(await provider.signIn(url!, 'ada'));
    const forged = new URL(back);
    forged.searchParams.set('state', 'another');
    expect((await fetch(forged)).status).toBe(400);
    expect((await fetch(back, { method: 'POST' })).status).toBe(405);
    expect((await fetch(new URL('/elsewhere', back))).status).toBe(404);
    expect(logins.view(id).state).toBe('waiting');
    expect((await fetch(back)).status).toBe(200);
    expect((await over(id)).state).toBe('done');
    await expect(fetch(back)).rejects.toThrow();
  });

  it('a code of another sign-in is refused', async () => {
    const first = await logins.begin(null, 'browser');
    const second = await logins.begin(null, 'browser');
    const back = new URL(await provider.signIn(first.url!, 'ada'));
    const other = new URL(second.url!);
    const mixed = new URL(new URL(other.searchParams.get('redirect_uri')!).href);
    mixed.search = back.search;
    mixed.searchParams.set('state', other.searchParams.get('state')!);
    expect((await fetch(mixed)).status).toBe(200);
    expect(await over(second.id)).toMatchObject({ state: 'failed', sentence: expect.stringContaining('did not let') });
    expect(people.refusal()).not.toBeNull();
  });

  it('a code that was used is refused at another sign-in', async () => {
    const { back } = await signIn();
    await people.logout();
    const { id, url } = await logins.begin(null, 'browser');
    const asked = new URL(url!);
    const replayed = new URL(asked.searchParams.get('redirect_uri')!);
    replayed.search = new URL(back).search;
    replayed.searchParams.set('state', asked.searchParams.get('state')!);
    await fetch(replayed);
    expect(await over(id)).toMatchObject({ state: 'failed', sentence: expect.stringContaining('did not let') });
    expect(people.refusal()).not.toBeNull();
  });

  it('who refuses at the provider is told so', async () => {
    const { id, url } = await logins.begin(null, 'browser');
    const asked = new URL(url!);
    const back = new URL(asked.searchParams.get('redirect_uri')!);
    back.search = new URLSearchParams({
      error: 'access_denied',
      error_description: 'no\u001b[2J thanks',
      state: asked.searchParams.get('state')!,
      iss: provider.issuer,
    }).toString();
    await fetch(back);
    const { state, sentence } = await over(id);
    expect(state).toBe('failed');
    expect(sentence).toContain('access_denied');
    expect(sentence).not.toContain('\u001b');
  });

  it('an answer in the name of another issuer is refused', async () => {
    const { id, url } = await logins.begin(null, 'browser');
    const back = new URL(await provider.signIn(url!, 'ada'));
    back.searchParams.set('iss', 'https://evil.example');
    await fetch(back);
    expect((await over(id)).state).toBe('failed');
    expect(people.refusal()).not.toBeNull();
  });

  it('another person does not take the place of who is signed in', async () => {
    await signIn('ada');
    const { view } = await signIn('bob');
    expect(view).toMatchObject({ state: 'failed', sentence: expect.stringContaining('sign out first') });
    expect(people.current().subject).toBe('acme:ada');
    await people.logout();
    expect(ended.at(-1)).toEqual({ who: 'ada@acme.example', reason: 'ada@acme.example signed out' });
    expect((await signIn('bob')).view.state).toBe('done');
  });

  it('binds the device where there is something to bind', async () => {
    binds = true;
    await signIn();
    expect(bound).toHaveLength(1);
    const [, payload = ''] = bound[0]!.split('.');
    expect(JSON.parse(Buffer.from(payload, 'base64url').toString())).toMatchObject({
      nonce: bindingNonce(p, device.vkey.key, RANDOM),
      sub: 'ada',
    });
    expect(people.view()).toMatchObject({ bound: true, sentence: '' });
  });

  it('leaves a word that an auditor verifies without the provider', async () => {
    await signIn();
    const { jwks_uri } = (await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()) as {
      jwks_uri: string;
    };
    const { keys } = (await (await fetch(jwks_uri)).json()) as { keys: Record<string, string>[] };
    const always = { from: '2020-01-01T00:00:00.000Z', until: '2999-01-01T00:00:00.000Z', revoked: null };
    const pinned = keys.map(({ kty, kid, n, e, crv, x, y }) => ({ ...always, kty, kid, n, e, crv, x, y }));
    const issuer = { ...always, issuer: provider.issuer, audience: provider.clientId, keys: pinned, rules: [] };
    const trust = { note: { issuers: [JSON.parse(JSON.stringify(issuer))] }, now: new Date().toISOString() } as never;
    const judging = { judge: () => ({ ok: true, sentence: '', by: 'enrolment', person: null }) } as never;
    const detail = people.evidence('acme:ada');
    const check = (identity = people.current(), given: unknown = detail) =>
      identityCheck(identity, { detail: given }, trust, judging, null);
    expect(await check()).toMatchObject({
      status: 'ok',
      sentence: expect.stringMatching(/^It is for ada@acme\.example \(acme:ada\).*made for this device\.$/),
    });
    expect(await check({ ...people.current(), subject: 'acme:bob' })).toMatchObject({
      status: 'failed',
      sentence: expect.stringContaining('its ID token is of ada@acme.example'),
    });
    expect(await check(undefined, { ...detail, random: toBase64(new Uint8Array(16)) })).toMatchObject({
      status: 'failed',
      sentence: expect.stringContaining('another device'),
    });
    expect(await check(undefined, { ...detail, random: null })).toMatchObject({
      status: 'not-checked',
      sentence: expect.stringContaining('device not bound'),
    });
    expect(await check(undefined, {})).toMatchObject({ status: 'failed' });
    expect(people.evidence('acme:bob')).toBeNull();
  });
});

describe('by a code typed elsewhere', () => {
  it('signs in a host without a browser, and says that the device is not bound', async () => {
    await people.putProvider(config(), null);
    binds = true;
    const login = await logins.begin(null, 'device');
    expect(login.userCode).toMatch(/^[A-Z0-9-]{6,}$/);
    await provider.confirmDevice(login.url!, 'ada');
    expect((await over(login.id)).state).toBe('done');
    expect(bound).toEqual([]);
    expect(people.view().sentence).toBe('identity asserted, device not bound by the provider');
  }, 30_000);
});

describe('afterwards the provider is asked again', () => {
  beforeEach(async () => {
    await people.putProvider(config({ refreshMinutes: 15, offlineHours: 1 }), null);
    await signIn();
  });
  const later = async (minutes: number) => {
    now += minutes * MINUTE;
    await people.tick();
  };

  it('and groups are what they are now', async () => {
    provider.accounts.set('ada', { email: 'ada@acme.example', groups: ['devs', 'on-call'] });
    await later(14);
    expect(people.current().groups).toEqual(['devs', 'everybody']);
    await later(2);
    expect(people.current().groups).toEqual(['devs', 'on-call']);
    expect(ended).toHaveLength(1);
  });

  it('and who has left loses everything at the next time', async () => {
    provider.accounts.delete('ada');
    await later(16);
    expect(people.refusal()).toContain('nobody is signed in');
    expect(ended.at(-1)).toMatchObject({ who: 'ada@acme.example', reason: expect.stringContaining('invalid_grant') });
    await open();
    expect(people.refusal()).not.toBeNull();
  });

  it('and a provider in trouble ends nothing for as long as was said, which is a gap in the log', async () => {
    const confirmed = people.view().confirmedAt!;
    provider.setTrouble(true);
    await later(16);
    expect(people.view()).toMatchObject({ state: 'offline', sentence: expect.stringContaining('cannot be reached') });
    expect(people.refusal()).toBeNull();
    expect(gaps).toEqual([[confirmed, '']]);
    provider.setTrouble(false);
    await later(2);
    expect(people.view()).toMatchObject({ state: 'signed-in', sentence: expect.not.stringContaining('reached') });
    expect(gaps[1]![0]).toBe(confirmed);
    provider.setTrouble(true);
    await later(16);
    await later(60);
    expect(people.refusal()).not.toBeNull();
    expect(ended.at(-1)?.reason).toContain('could not be asked');
  });

  it('and new keys of the provider are learnt', async () => {
    provider.rotateKey();
    await later(16);
    expect(people.view()).toMatchObject({ state: 'signed-in' });
    expect(Date.parse(people.view().confirmedAt!)).toBe(now);
  });

  it('and a restart keeps who was signed in', async () => {
    people.close();
    await open();
    expect(people.current().subject).toBe('acme:ada');
    expect(people.refusal()).toBeNull();
  });
});

describe('what the configuration says of claims', () => {
  it('may name groups inside of an object, and who may sign in', async () => {
    await people.putProvider(
      config({ claims: { groups: 'realm_access.roles' }, allowedGroups: ['countersign'] }),
      null,
    );
    provider.accounts.set('ada', { email: 'ada@acme.example', realm_access: { roles: ['countersign'] } });
    expect((await signIn('bob')).view).toMatchObject({ state: 'failed', sentence: expect.stringContaining('none of') });
    expect((await signIn('ada')).view.state).toBe('done');
    expect(people.current().groups).toEqual(['countersign']);
  });

  it('is told when the provider leaves groups out', async () => {
    await people.putProvider(config(), null);
    provider.accounts.set('ada', { email: 'ada@acme.example', _claim_names: { groups: 'src1' } });
    const { view } = await signIn();
    expect(view).toMatchObject({ state: 'failed', sentence: expect.stringContaining('too many') });
    expect(people.refusal()).not.toBeNull();
  });
});

const psql = component('psql');
describe.skipIf(psql.missing)('a gateway with a provider (needs psql)', () => {
  /** Who is a developer may run what they like; nobody else may. */
  const POLICY = '@id("devs") permit (principal in Group::"devs", action == Action::"run", resource);\n';
  let postgres: TestPostgres;
  let gateway: TestService;
  beforeAll(async () => {
    postgres = await startPostgres();
    gateway = await startTestService({ connections: [superuserConnection(postgres)], policy: POLICY });
    await setTestPin(gateway);
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
  });
  const signInAs = async (account: string) => {
    const { control } = gateway;
    const { id, url } = await control.call('signIn', {});
    await fetch(await provider.signIn(url!, account));
    return eventually('a sign-in', async () => {
      const view = await control.call('signInState', { id });
      return view.state === 'waiting' ? null : view;
    });
  };
  const query = (env: NodeJS.ProcessEnv, sql: string) => runClient(psql.path, ['-X', '-A', '-t', '-c', sql], env);

  it('lets agents act for nobody, then for who signed in, and ends what is open when they sign out', async () => {
    const { control } = gateway;
    const before = await gateway.connect();
    const view = await control.call('putProvider', { provider: config(), pin: TEST_PIN });
    expect(view).toMatchObject({ state: 'signed-out', providers: [{ id: 'acme' }] });
    expect((await query(before.env, 'SELECT 1')).out).toContain('people sign in with a provider');
    await expect(gateway.connect()).rejects.toMatchObject({ code: 'IDENTITY_REQUIRED' });
    expect((await control.call('status', {})).identity).toContain('countersign login');

    expect(await signInAs('ada')).toMatchObject({ state: 'done' });
    const { env } = await gateway.connect();
    expect((await query(env, 'SELECT 42')).out).toContain('42');
    const session = await eventually('the session', async () => (await control.call('sessions', {})).items[0] ?? null);
    expect(session.identity).toMatchObject({
      subject: 'acme:ada',
      kind: 'oidc',
      verified: true,
      groups: ['devs', 'everybody'],
    });

    const open = startClient(psql.path, ['-X', '-c', 'SELECT pg_sleep(60)'], env);
    await eventually('a session', async () => (await control.call('sessions', { state: 'open' })).items[0] ?? null);
    await control.call('signOut', {});
    expect((await open.ended).out).toContain('signed out');
    expect((await query(env, 'SELECT 1')).out).toContain('signed out');
  });

  it('and asks the policy by the groups that the provider names', async () => {
    expect(await signInAs('bob')).toMatchObject({ state: 'done' });
    const { env } = await gateway.connect();
    expect((await query(env, 'SELECT 1')).out).toContain('No policy permits it');
    await gateway.control.call('signOut', {});
  });
});
