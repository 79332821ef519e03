import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { runCountersign } from '../support/gateway.ts';
import { startOidcProvider, type TestOidcProvider } from '../support/oidc-provider.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, TEST_PIN } from '../support/side-by-side.ts';

/** 500 laptops without 500 ceremonies: whoever signs in and is in the group that the root named enrols the device. */
const psql = component('psql');
const PASSPHRASE = 'a passphrase of the test';

describe.skipIf(psql.missing)('a device that a rule lets in (needs psql)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cs-rule-'));
  const at = (name: string) => join(dir, name);
  const passphrase = ['--passphrase-file', at('passphrase')];
  let provider: TestOidcProvider;
  let postgres: TestPostgres;
  let gateway: TestService;
  let root: string;

  const run = async (...args: string[]) => {
    const env = { ...process.env, COUNTERSIGN_AUDIT: at('auditor') };
    const done = await runCountersign(at('home'), args, '', env);
    return { code: done.code, said: done.out + done.err, out: done.out.trim() };
  };
  const trust = (...args: string[]) => {
    const key = readdirSync(at('trust')).find((name) => /^root-.*\.key$/.test(name))!;
    return run('trust', ...args, '--trust', at('trust'), '--key', join(at('trust'), key), '--yes', ...passphrase);
  };
  const notes = () =>
    readdirSync(at('trust/notes')).map((name) => readFileSync(join(at('trust/notes'), name)).toString('base64'));
  async function signIn(account: string) {
    const { id, url } = await gateway.control.call('signIn', {});
    await fetch(await provider.signIn(url!, account));
    return eventually('the sign-in', async () => {
      const view = await gateway.control.call('signInState', { id });
      return view.state === 'waiting' ? null : view;
    });
  }
  const organisation = async () => (await gateway.control.call('status', {})).device.org;
  const verified = async () => {
    await run('audit', 'import', at('store'), ...passphrase);
    return run('audit', 'verify', '--all');
  };

  beforeAll(async () => {
    for (const folder of ['home', 'store']) mkdirSync(at(folder), { mode: 0o700 });
    writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    provider = await startOidcProvider();
    provider.accounts.set('ada', { email: 'ada@acme.example', groups: ['agents'] });
    provider.accounts.set('bob', { email: 'bob@acme.example', groups: ['everybody'] });
    const found = (await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()) as {
      jwks_uri: string;
    };
    writeFileSync(at('jwks.json'), await (await fetch(found.jwks_uri)).text());
    postgres = await startPostgres();
    root = (await run('trust', 'init', 'acme', '--trust', at('trust'), ...passphrase)).out;
    const issuer = ['issuer', 'add', provider.issuer, '--audience', provider.clientId, '--keys', at('jwks.json')];
    expect(await trust(...issuer, '--rule', 'groups=agents')).toMatchObject({ code: 0 });
    gateway = await startTestService({
      home: at('home'),
      policy: ALLOW_ALL,
      connections: [superuserConnection(postgres)],
    });
    await setTestPin(gateway);
    const { issuer: id, clientId } = provider;
    await gateway.control.call('putProvider', { provider: { id: 'acme', issuer: id, clientId }, pin: TEST_PIN });
    const setup = { target: { kind: 'folder' as const, path: at('store') } };
    await gateway.control.call('setUpSync', { setup, pin: TEST_PIN });
    await gateway.control.call('enrolDevice', {
      root,
      trust: notes(),
      keyring: false,
      passphrase: PASSPHRASE,
      pin: TEST_PIN,
    });
  });
  afterAll(async () => {
    await gateway?.service.close('the test is over');
    await postgres?.stop();
    await provider?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('stays outside while somebody signs in whom no rule names', async () => {
    expect((await signIn('bob')).state).toBe('done');
    expect(await organisation()).toBeNull();
    expect((await gateway.control.call('identity', {})).sentence).not.toBe('');
    await gateway.control.call('signOut', {});
  });

  it('belongs to the organisation once somebody of the group has signed in, and verifies from the root alone', async () => {
    expect((await signIn('ada')).state).toBe('done');
    expect([await organisation(), (await gateway.control.call('identity', {})).sentence]).toEqual(['acme', '']);
    const { env } = await gateway.connect();
    expect((await runClient(psql.path, ['-X', '-A', '-t', '-c', 'SELECT 7'], env)).out).toBe('7\n');
    await eventually('everything in the store', async () => {
      const { state, queue } = await gateway.control.call('syncStatus', {});
      return state === 'up-to-date' && queue.objects === 0 ? true : null;
    });
    await run('trust', 'publish', at('store'), '--trust', at('trust'));
    await run('audit', 'init', '--root', root, '--name', 'eve', '--workspace', at('auditor'), ...passphrase);
    const { code, said } = await verified();
    expect([code, said]).toEqual([0, expect.stringContaining('ada')]);
    expect(said).not.toContain('FAILED');
  });

  it('keeps what was seen before the rule was taken back, and enrols nobody after', async () => {
    expect(
      await trust('issuer', 'disallow', provider.issuer, 'groups=agents', '--reason', 'the group has gone'),
    ).toMatchObject({ code: 0 });
    await run('trust', 'publish', at('store'), '--trust', at('trust'));
    expect(await verified()).toMatchObject({ code: 0 });
    // An auditor who sees it only now does not believe it.
    const other = ['--workspace', at('late')];
    await run('audit', 'init', '--root', root, '--name', 'late', ...other, ...passphrase);
    await run('audit', 'import', at('store'), ...other, ...passphrase);
    const late = await run('audit', 'verify', ...other);
    expect([late.code, late.said]).toEqual([1, expect.stringContaining('NOT VERIFIED')]);
  });
});
