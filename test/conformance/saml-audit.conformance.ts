import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { runCountersign } from '../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { freePort, startSamlProvider, type TestSamlProvider } from '../support/saml-provider.ts';
import { ALLOW_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, TEST_PIN } from '../support/side-by-side.ts';

const psql = component('psql');
const simplesaml = component('simplesamlphp');
const missing = psql.missing || simplesaml.missing;
const PASSPHRASE = 'a passphrase of the test';
const OWN = 'urn:countersign:gateway';

/** Who it was is verified from the root alone, by what a SAML provider signed; the provider itself may be gone. */
describe.skipIf(missing)(`an auditor of SAML sign-ins${missing ? ` (${missing})` : ''}`, () => {
  const dir = mkdtempSync(join(tmpdir(), 'cs-saml-audit-'));
  const at = (name: string) => join(dir, name);
  const passphrase = ['--passphrase-file', at('passphrase')];
  let provider: TestSamlProvider;
  let postgres: TestPostgres;
  let gateway: TestService;
  let root: string;

  async function run(...args: string[]): Promise<string> {
    const env = { ...process.env, COUNTERSIGN_AUDIT: at('auditor') };
    const { code, out, err } = await runCountersign(at('home'), args, '', env);
    expect({ args, code, said: code === 0 ? '' : err + out }).toEqual({ args, code: 0, said: '' });
    return out.trim();
  }
  const trust = (...args: string[]) => {
    const key = readdirSync(at('trust')).find((name) => /^root-.*\.key$/.test(name))!;
    return run('trust', ...args, '--trust', at('trust'), '--key', join(at('trust'), key), '--yes', ...passphrase);
  };
  const files = (folder: string) =>
    readdirSync(at(folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.note'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString('base64'));

  beforeAll(async () => {
    for (const folder of ['home', 'store', 'enrolments']) mkdirSync(at(folder), { mode: 0o700 });
    writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    provider = await startSamlProvider();
    provider.accounts.set('ada', { email: ['ada@acme.example'], groups: ['devs'] });
    writeFileSync(at('metadata.xml'), await (await fetch(provider.metadataUrl)).text());
    postgres = await startPostgres();
    root = await run('trust', 'init', 'acme', '--trust', at('trust'), ...passphrase);
    await trust('issuer', 'add', provider.entityId, '--audience', OWN, '--keys', at('metadata.xml'));
    gateway = await startTestService({
      home: at('home'),
      policy: ALLOW_ALL,
      connections: [superuserConnection(postgres)],
    });
    await setTestPin(gateway);
    const { control } = gateway;
    const setup = { target: { kind: 'folder' as const, path: at('store') } };
    await control.call('setUpSync', { setup, pin: TEST_PIN });
    const asked = { root, trust: files('trust/notes'), keyring: false, passphrase: PASSPHRASE, pin: TEST_PIN };
    const { request } = await control.call('enrolDevice', asked);
    writeFileSync(at('laptop.request'), Buffer.from(request!, 'base64'));
    await trust('enrol', at('laptop.request'), '--to', at('enrolments'));
    await control.call('enrolDevice', { accept: files('enrolments')[0]!, pin: TEST_PIN });
    const acs = `http://127.0.0.1:${await freePort()}/saml/acs`;
    const saml = { metadataUrl: provider.metadataUrl, acs, encrypted: true };
    const given = { id: 'acme', issuer: provider.entityId, clientId: OWN, saml };
    await control.call('putProvider', { provider: given, pin: TEST_PIN });
    const { xml } = await control.call('providerMetadata', { id: 'acme' });
    const encryptFor = /X509Certificate>([^<]+)</.exec(xml)![1]!.replaceAll(/\s/g, '');
    provider.register({ entityId: OWN, acs, encryptFor });
  });
  afterAll(async () => {
    await gateway?.service.close('the test is over');
    await postgres?.stop();
    await provider?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('says for whom a session was, by the provider’s own signature', async () => {
    const { control } = gateway;
    const { id, url } = await control.call('signIn', {});
    const { action, fields } = await provider.signIn(url!, 'ada');
    await fetch(action, { method: 'POST', body: new URLSearchParams(fields) });
    const view = await eventually('a sign-in', async () => {
      const found = await control.call('signInState', { id });
      return found.state === 'waiting' ? null : found;
    });
    expect(view).toMatchObject({ state: 'done' });
    const { env } = await gateway.connect();
    expect((await runClient(psql.path, ['-X', '-A', '-t', '-c', 'SELECT 7'], env)).out).toBe('7\n');
    await provider.stop();
    await eventually('everything in the store', async () => {
      const { state, queue } = await control.call('syncStatus', {});
      return state === 'up-to-date' && queue.objects === 0 ? true : null;
    });
    await run('trust', 'publish', at('store'), '--trust', at('trust'));
    await run('audit', 'init', '--root', root, '--name', 'eve', '--workspace', at('auditor'), ...passphrase);
    await run('audit', 'import', at('store'), ...passphrase);
    const said = await run('audit', 'verify', '--all');
    expect(said).not.toContain('FAILED');
    expect(said).toMatch(/It is for ada@acme.example .*acme:ada.*an answer made for this device/);
  });
});
