import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { identityCheck } from '../../gateway/audit/verify/sign-in-facts.ts';
import { readSigningKeys } from '../../gateway/cli/signing-keys.ts';
import { ProviderConfig } from '../../gateway/contract/sign-in.ts';
import { deviceOrigin } from '../../gateway/evidence/format/checkpoint.ts';
import { testSigner } from '../../gateway/evidence/format/test-keys.ts';
import { formatVkey } from '../../gateway/evidence/format/vkey.ts';
import { signingKeysOf } from '../../gateway/evidence/trust/changes.ts';
import { bindingNonce } from '../../gateway/evidence/trust/id-token.ts';
import { localIdentity } from '../../gateway/identity/local.ts';
import { Logins } from '../../gateway/identity/logins.ts';
import { createOidcClient } from '../../gateway/identity/oidc/client.ts';
import { People } from '../../gateway/identity/people.ts';
import { createSamlClient } from '../../gateway/identity/saml/client.ts';
import { makeProvider, memoryVault, type TestProvider } from '../../gateway/identity/saml/test-provider.ts';
import type { Vault } from '../../gateway/pipeline/ports.ts';
import { toBase64 } from '../../gateway/recording/format/bytes.ts';
import { nodePrimitives as p } from '../../gateway/recording/primitives.ts';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { freePort, type PostedForm, startSamlProvider, type TestSamlProvider } from '../support/saml-provider.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, TEST_PIN } from '../support/side-by-side.ts';

const simplesaml = component('simplesamlphp');
const OWN = 'urn:countersign:gateway';
const HOUR = 3_600_000;
const device = testSigner(deviceOrigin('01JABCDEFGHJKMNPQRSTVWXYZ0'));

const post = ({ action, fields }: PostedForm) =>
  fetch(action, { method: 'POST', body: new URLSearchParams(fields), redirect: 'manual' });
const changed = (form: PostedForm, fields: Record<string, string>): PostedForm => ({
  ...form,
  fields: { ...form.fields, ...fields },
});

/** Signing in with a real provider (SimpleSAMLphp): nobody's word but its own counts. */
describe.skipIf(simplesaml.missing)(`SAML${simplesaml.missing ? ` (${simplesaml.missing})` : ''}`, () => {
  let provider: TestSamlProvider;
  let another: TestProvider;
  let acs: string;
  let home: string;
  let people: People;
  let logins: Logins;
  let now: number;
  let randoms: number;
  let ended: string[];
  let vault: Vault;

  beforeAll(async () => {
    another = await makeProvider();
    provider = await startSamlProvider();
    acs = `http://127.0.0.1:${await freePort()}/saml/acs`;
  });
  afterAll(() => provider?.stop());

  const config = ({ saml = {}, ...more }: { saml?: object } & Record<string, unknown> = {}) =>
    ProviderConfig.parse({
      id: 'acme',
      issuer: provider.entityId,
      clientId: OWN,
      saml: { metadataUrl: provider.metadataUrl, acs, ...saml },
      ...more,
    });

  async function open(): Promise<void> {
    const clock = { now: () => now };
    const binding = {
      challenge() {
        const random = new Uint8Array(16).fill(++randoms);
        const nonce = bindingNonce(p, device.vkey.key, random);
        return { nonce, random: toBase64(random), vkey: formatVkey(device.vkey), binds: false };
      },
      bind: () => expect.unreachable('nothing is enrolled by SAML'),
      bound: false,
    };
    people = await People.open({
      file: join(home, 'providers.json'),
      vault,
      clock,
      every: () => () => {},
      local: localIdentity('ada'),
      clientOf: createOidcClient,
      binding,
      ended: (_, reason) => void ended.push(reason),
      gap: () => {},
      onConfigured: () => {},
      onChanged: () => {},
      onProblem: (sentence) => expect.unreachable(sentence),
    });
    const schedule = (milliseconds: number, run: () => void) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    };
    let ids = 0;
    const samlOf = async (given: Parameters<typeof createSamlClient>[0]) => createSamlClient(given, { clock, vault });
    logins = new Logins({ people, binding, samlOf, clock, newId: () => `login-${++ids}`, schedule });
  }

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'cs-saml-home-'));
    [now, randoms, ended] = [Date.now(), 0, []];
    vault = memoryVault();
    provider.accounts.set('ada', { email: ['ada@acme.example'], groups: ['devs', 'everybody'] });
    provider.accounts.set('bob', { email: ['bob@acme.example'], groups: ['everybody'] });
    provider.register({ entityId: OWN, acs });
    await open();
  });
  afterEach(() => {
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
    const form = await provider.signIn(url!, account);
    const page = await post(form);
    return { form, page, view: await over(id) };
  }

  it('a person is who the provider says, with their groups', async () => {
    await people.putProvider(config({ claims: { display: ['email', 'sub'] } }), null);
    const { view, page } = await signIn();
    expect(view).toMatchObject({ state: 'done', url: null, sentence: 'ada@acme.example is signed in.' });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(people.current()).toEqual({
      subject: 'acme:ada',
      display: 'ada@acme.example',
      kind: 'saml',
      verified: true,
      groups: ['devs', 'everybody'],
    });
    expect(people.view()).toMatchObject({ state: 'signed-in', sentence: expect.stringContaining('not bound') });
    people.close();
    await open();
    expect(people.refusal()).toBeNull();
  });

  it('claims may have other names, and only some groups may sign in', async () => {
    const claims = { subject: 'email', groups: 'roles', display: ['cn'] };
    await people.putProvider(config({ claims, allowedGroups: ['dba'] }), null);
    provider.accounts.set('ada', { email: ['ada@acme.example'], roles: ['dba'], cn: ['Ada Lovelace'] });
    expect((await signIn('bob')).view).toMatchObject({ state: 'failed', sentence: expect.stringContaining('none of') });
    expect((await signIn('ada')).view).toMatchObject({ state: 'done', sentence: 'Ada Lovelace is signed in.' });
    expect(people.current()).toMatchObject({ subject: 'acme:ada@acme.example', groups: ['dba'] });
  });

  it('is told when the provider leaves groups out', async () => {
    await people.putProvider(config(), null);
    provider.accounts.set('ada', { 'http://schemas.microsoft.com/claims/groups.link': ['https://graph.example/ada'] });
    expect((await signIn()).view).toMatchObject({ state: 'failed', sentence: expect.stringContaining('too many') });
  });

  it('a sign-in counts to its end, and then everything ends', async () => {
    await people.putProvider(config({ saml: { sessionHours: 2 } }), null);
    await signIn();
    now += 1.9 * HOUR;
    await people.tick();
    expect(people.refusal()).toBeNull();
    now += 0.2 * HOUR;
    expect(people.refusal()).toContain('countersign login');
    await people.tick();
    expect(ended.at(-1)).toContain('the sign-in of');
    await open();
    expect(people.refusal()).toContain('nobody is signed in');
  });

  it('a sign-in ends when the person signs out, and with the provider', async () => {
    await people.putProvider(config(), null);
    await signIn();
    await people.logout();
    expect(ended.at(-1)).toContain('signed out');
    expect(people.refusal()).not.toBeNull();
    expect((await signIn('bob')).view.state).toBe('done');
    await people.removeProvider('acme');
    expect(ended.at(-1)).toContain('removed');
  });

  describe('the address that the browser posts to', () => {
    beforeEach(() => people.putProvider(config(), null));

    it('takes one answer to its own request, as it was sent, and is gone', async () => {
      const { id, url } = await logins.begin(null, 'browser');
      const form = await provider.signIn(url!, 'ada');
      expect((await post(changed(form, { RelayState: 'another' }))).status).toBe(400);
      const { RelayState: _, ...without } = form.fields;
      expect((await post({ ...form, fields: without })).status).toBe(400);
      expect((await fetch(acs)).status).toBe(405);
      expect((await post({ ...form, action: `${acs}/elsewhere` })).status).toBe(404);
      expect((await post(changed(form, { SAMLResponse: 'A'.repeat(300_000) }))).status).toBe(413);
      const json = { 'content-type': 'application/json' };
      expect((await fetch(acs, { method: 'POST', headers: json, body: '{}' })).status).toBe(413);
      const twice = new URLSearchParams([...Object.entries(form.fields), ['RelayState', 'another']]);
      expect((await fetch(acs, { method: 'POST', body: twice })).status).toBe(400);
      expect(await statusWithHost(acs, 'rebound.example')).toBe(403);
      expect(logins.view(id).state).toBe('waiting');
      expect((await post(form)).status).toBe(200);
      expect((await over(id)).state).toBe('done');
      await expect(post(form)).rejects.toThrow();
    });

    it('takes nothing that was posted at another sign-in, or without one', async () => {
      const first = await signIn();
      await people.logout();
      const second = await logins.begin(null, 'browser');
      expect((await post(first.form)).status).toBe(400);
      const { RelayState } = (await provider.signIn(second.url!, 'ada')).fields;
      expect((await post(changed(first.form, { RelayState: RelayState! }))).status).toBe(200);
      expect(await over(second.id)).toMatchObject({
        state: 'failed',
        sentence: expect.stringContaining('does not answer the request'),
      });
      expect(people.refusal()).not.toBeNull();
    });

    it('is whose who begins last, and nobody’s where another program has it', async () => {
      const first = await logins.begin(null, 'browser');
      const second = await logins.begin(null, 'browser');
      expect(await over(first.id)).toMatchObject({ state: 'failed', sentence: expect.stringContaining('given up') });
      logins.close();
      expect(second.state).toBe('waiting');
      const squatter = createServer();
      await new Promise<void>((done) => squatter.listen(Number(new URL(acs).port), '127.0.0.1', done));
      await expect(logins.begin(null, 'browser')).rejects.toMatchObject({
        message: expect.stringContaining('another'),
      });
      await new Promise((done) => squatter.close(done));
    });
  });

  it('has no sign-in by a code', async () => {
    await people.putProvider(config(), null);
    await expect(logins.begin(null, 'device')).rejects.toMatchObject({ code: 'IDENTITY_CONFIG' });
  });

  it('an answer in the name of another provider is refused', async () => {
    await people.putProvider(config(), null);
    await people.putProvider(config({ id: 'other', issuer: 'urn:other', saml: pinnedToAnother() }), null);
    const { id, url } = await logins.begin('other', 'browser');
    const form = await provider.signIn(url!, 'ada');
    await post(form);
    expect(await over(id)).toMatchObject({ state: 'failed', sentence: expect.stringMatching(/did not let you in/) });
  });

  /** The sign-in page of the one with the key of another, as a mix-up has it. */
  const pinnedToAnother = () => ({
    metadataUrl: undefined,
    pinned: {
      singleSignOn: provider.entityId.replace('metadata.php', 'SSOService.php'),
      certificates: [another.certificate],
    },
  });
  it('a new key of the provider counts once its metadata says so, and no key that is pinned is replaced', async () => {
    const metadata = await (await fetch(provider.metadataUrl)).text();
    const [, certificate] = /<ds:X509Certificate>([^<]+)</.exec(metadata)!;
    const { pinned } = pinnedToAnother();
    const old = { ...pinned, certificates: [certificate!.replaceAll(/\s/g, '')] };
    await people.putProvider(config(), null);
    await people.putProvider(config({ id: 'file', saml: { metadataUrl: undefined, pinned: old } }), null);
    const signInWith = async (id: string) => {
      const login = await logins.begin(id, 'browser');
      await post(await provider.signIn(login.url!, 'ada'));
      const view = await over(login.id);
      await people.logout();
      return view;
    };
    expect((await signInWith('file')).state).toBe('done');
    await provider.rotateKey();
    expect((await signInWith('acme')).state).toBe('done');
    expect(await signInWith('file')).toMatchObject({ state: 'failed', sentence: expect.stringMatching(/signature/i) });
  });

  it('assertions come encrypted for a key that stays in the vault', async () => {
    const encrypted = config({ saml: { encrypted: true } });
    await people.putProvider(encrypted, null);
    const xml = await createSamlClient(
      { ...encrypted, saml: encrypted.saml! },
      { clock: { now: () => now }, vault },
    ).metadata();
    const certificate = /X509Certificate>([^<]+)</.exec(xml)![1]!.replaceAll(/\s/g, '');
    provider.register({ entityId: OWN, acs, encryptFor: certificate });
    const { form, view } = await signIn();
    expect(view).toMatchObject({ state: 'done' });
    expect(Buffer.from(form.fields.SAMLResponse!, 'base64').toString()).not.toContain('ada@acme.example');
    expect(await verified()).toMatchObject({ status: 'ok' });
    await people.removeProvider('acme');
    expect(await vault.has('identity/acme/saml')).toBe(false);
  });

  it.each([
    ['response', { 'saml20.sign.response': false }],
    ['assertion', { 'saml20.sign.assertion': false }],
  ])('a provider that does not sign its %s is told', async (_, more) => {
    await people.putProvider(config(), null);
    provider.register({ entityId: OWN, acs, more });
    expect((await signIn()).view).toMatchObject({
      state: 'failed',
      sentence: expect.stringContaining('is not signed'),
    });
  });

  it('a provider that signs by SHA-1 is told', async () => {
    await people.putProvider(config(), null);
    const more = { 'signature.algorithm': 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' };
    provider.register({ entityId: OWN, acs, more });
    expect((await signIn()).view).toMatchObject({ state: 'failed', sentence: expect.stringContaining('SHA-256') });
  });

  it('a provider that cannot be reached is told', async () => {
    await people.putProvider(config({ saml: { metadataUrl: 'http://127.0.0.1:9/metadata' } }), null);
    await expect(logins.begin(null, 'browser')).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE' });
  });

  /** As an auditor does it, with the certificate that the root's keeper took from the metadata. */
  async function verified(change: { detail?: object; identity?: object; keys?: object[] } = {}) {
    const always = { from: '2020-01-01T00:00:00.000Z', until: '2999-01-01T00:00:00.000Z', revoked: null };
    const file = join(home, 'metadata.xml');
    writeFileSync(file, await (await fetch(provider.metadataUrl)).text());
    const keys = signingKeysOf(await readSigningKeys(file, provider.entityId, always.from), always);
    const issuer = { ...always, issuer: provider.entityId, audience: OWN, keys: change.keys ?? keys, rules: [] };
    const trust = { note: { issuers: [issuer] }, now: new Date().toISOString() } as never;
    const judging = { judge: () => ({ ok: true, sentence: '', by: 'enrolment', person: null }) } as never;
    const detail = JSON.parse(JSON.stringify({ ...people.evidence('acme:ada'), ...change.detail }));
    return identityCheck({ ...people.current(), ...change.identity }, { detail }, trust, judging, null);
  }

  it('leaves a word that an auditor verifies without the provider', async () => {
    await people.putProvider(config(), null);
    await signIn();
    expect(await verified()).toMatchObject({
      status: 'ok',
      sentence: expect.stringMatching(/^It is for ada.*\(acme:ada\).*made for this device\.$/),
    });
    expect(await verified({ identity: { subject: 'acme:bob' } })).toMatchObject({ status: 'failed' });
    expect(await verified({ detail: { random: toBase64(new Uint8Array(16)) } })).toMatchObject({
      status: 'failed',
      sentence: expect.stringContaining('another device'),
    });
    expect(await verified({ detail: { random: null } })).toMatchObject({
      status: 'not-checked',
      sentence: expect.stringContaining('device not bound'),
    });
    const { response } = people.evidence('acme:ada')!.saml!;
    const forged = { response: response.replaceAll('>ada<', '>bob<'), assertion: null };
    expect(await verified({ detail: { saml: forged } })).toMatchObject({
      status: 'failed',
      sentence: expect.stringContaining('signed by none'),
    });
    expect(await verified({ keys: [] })).toMatchObject({ status: 'failed' });
    expect(await verified({ detail: { issuer: 'x', saml: { response: '<a/>', assertion: null } } })).toMatchObject({
      status: 'failed',
    });
  });
});

/** `fetch` lets nobody choose the Host. */
function statusWithHost(url: string, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

const psql = component('psql');
const missing = psql.missing || simplesaml.missing;
describe.skipIf(missing)(`a gateway with a SAML provider${missing ? ` (${missing})` : ''}`, () => {
  /** Who is a developer may run what they like; nobody else may. */
  const POLICY = '@id("devs") permit (principal in Group::"devs", action == Action::"run", resource);\n';
  let provider: TestSamlProvider;
  let postgres: TestPostgres;
  let gateway: TestService;
  beforeAll(async () => {
    provider = await startSamlProvider();
    provider.accounts.set('ada', { email: ['ada@acme.example'], groups: ['devs'] });
    postgres = await startPostgres();
    gateway = await startTestService({ connections: [superuserConnection(postgres)], policy: POLICY });
    await setTestPin(gateway);
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
    await provider?.stop();
  });

  it('lets agents act for who signed in, by the metadata that it gave the provider', async () => {
    const { control } = gateway;
    const acs = `http://localhost:${await freePort()}/saml/acs`;
    const saml = { metadataUrl: provider.metadataUrl, acs, encrypted: true };
    const given = { id: 'acme', issuer: provider.entityId, clientId: OWN, saml };
    await control.call('putProvider', { provider: given, pin: TEST_PIN });
    const { xml, entityId } = await control.call('providerMetadata', { id: 'acme' });
    const certificate = /X509Certificate>([^<]+)</.exec(xml)![1]!.replaceAll(/\s/g, '');
    expect(xml).toContain(acs);
    provider.register({ entityId, acs, encryptFor: certificate });
    const { id, url } = await control.call('signIn', {});
    expect((await post(await provider.signIn(url!, 'ada'))).status).toBe(200);
    const view = await eventually('a sign-in', async () => {
      const found = await control.call('signInState', { id });
      return found.state === 'waiting' ? null : found;
    });
    expect(view).toMatchObject({ state: 'done' });
    const { env } = await gateway.connect();
    const out = await runClient(psql.path, ['-X', '-A', '-t', '-c', 'SELECT 42'], env);
    expect(out.out).toContain('42');
    const session = await eventually('the session', async () => (await control.call('sessions', {})).items[0] ?? null);
    expect(session.identity).toMatchObject({ subject: 'acme:ada', kind: 'saml', verified: true, groups: ['devs'] });
    await control.call('signOut', {});
    expect((await runClient(psql.path, ['-X', '-c', 'SELECT 1'], env)).out).toContain('signed out');
  });
});
