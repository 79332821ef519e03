import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { runCountersign } from '../support/gateway.ts';
import { startOidcProvider, type TestOidcProvider } from '../support/oidc-provider.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, setTestPin, startClient, TEST_PIN } from '../support/side-by-side.ts';

/** What one person's agent asks for on one machine, somebody else approves on another: nothing between them but a folder. */
const psql = component('psql');
const PASSPHRASE = 'a passphrase of the test';
const POLICY = `@id("all") permit (principal, action == Action::"run", resource);
@id("writes") @require("pin") @approvers("dba") @notRequester("yes") @expires("120") @reason("Changes take a DBA.")
forbid (principal, action == Action::"run", resource) when { context.class == "write" };
@id("two") @require("pin") @approvers("dba") @approvals("2") @expires("120") @reason("This takes two DBAs.")
forbid (principal, action == Action::"run", resource) when { context.class == "destructive" };
`;

describe.skipIf(psql.missing)('approval by somebody else (needs psql)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cs-approvers-'));
  const at = (name: string) => join(dir, name);
  const passphrase = ['--passphrase-file', at('passphrase')];
  let provider: TestOidcProvider;
  let postgres: TestPostgres;
  let a: TestService;
  let b: TestService;
  let root: string;
  let env: NodeJS.ProcessEnv;

  const run = async (...args: string[]) => {
    const done = await runCountersign(at('home'), args, '', { ...process.env, COUNTERSIGN_AUDIT: at('auditor') });
    return { code: done.code, said: done.out + done.err, out: done.out.trim() };
  };
  const trust = (...args: string[]) => {
    const key = readdirSync(at('trust')).find((name) => /^root-.*\.key$/.test(name))!;
    return run('trust', ...args, '--trust', at('trust'), '--key', join(at('trust'), key), '--yes', ...passphrase);
  };
  const notes = () =>
    readdirSync(at('trust/notes')).map((name) => readFileSync(join(at('trust/notes'), name)).toString('base64'));
  async function join_(gateway: TestService, account: string): Promise<void> {
    await setTestPin(gateway);
    const { issuer, clientId } = provider;
    await gateway.control.call('putProvider', { provider: { id: 'acme', issuer, clientId }, pin: TEST_PIN });
    const enrolment = { root, trust: notes(), keyring: false, passphrase: PASSPHRASE, pin: TEST_PIN };
    await gateway.control.call('enrolDevice', enrolment);
    const { id, url } = await gateway.control.call('signIn', {});
    await fetch(await provider.signIn(url!, account));
    await eventually('the sign-in', async () => {
      const view = await gateway.control.call('signInState', { id });
      return view.state === 'waiting' ? null : view;
    });
    const setup = { target: { kind: 'folder', path: at('mailbox') } };
    await gateway.control.call('setUpMailbox', { setup, pin: TEST_PIN });
  }
  const takeTrust = (gateway: TestService) =>
    gateway.control.call('enrolDevice', {
      root,
      trust: notes(),
      keyring: false,
      passphrase: PASSPHRASE,
      pin: TEST_PIN,
    });
  const sql = (text: string) => startClient(psql.path, ['-X', '-c', text], env);
  const waiting = (gateway: TestService, what: string) =>
    eventually(what, async () => (await gateway.control.call('approvals', {})).items[0] ?? null);
  const decide = (
    gateway: TestService,
    one: { id: string; operation: { digest: string } },
    decision: 'approve' | 'deny',
  ) => gateway.control.call('decide', { id: one.id, digest: one.operation.digest, decision, pin: TEST_PIN });
  const synced = () =>
    eventually('everything in the store', async () => {
      const { state, queue } = await a.control.call('syncStatus', {});
      return state === 'up-to-date' && queue.objects === 0 ? true : null;
    });
  const inMailbox = () =>
    readdirSync(at('mailbox'), { recursive: true }).filter((name) => String(name).endsWith('.age')).length;

  beforeAll(async () => {
    for (const folder of ['home', 'home-b', 'store', 'mailbox']) mkdirSync(at(folder), { mode: 0o700 });
    writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    provider = await startOidcProvider();
    for (const name of ['ada', 'bob'])
      provider.accounts.set(name, { email: `${name}@acme.example`, groups: ['agents', 'dba'] });
    const found = (await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json()) as {
      jwks_uri: string;
    };
    writeFileSync(at('jwks.json'), await (await fetch(found.jwks_uri)).text());
    postgres = await startPostgres();
    await postgres.query('CREATE TABLE orders AS SELECT g AS id, 1 AS paid FROM generate_series(1, 5) AS g');
    root = (await run('trust', 'init', 'acme', '--trust', at('trust'), ...passphrase)).out;
    const issuer = ['issuer', 'add', provider.issuer, '--audience', provider.clientId, '--keys', at('jwks.json')];
    expect(await trust(...issuer, '--rule', 'groups=agents')).toMatchObject({ code: 0 });
    const connections = [superuserConnection(postgres)];
    a = await startTestService({ home: at('home'), policy: POLICY, connections });
    b = await startTestService({ home: at('home-b'), connections: [] });
    await join_(a, 'ada');
    await join_(b, 'bob');
    await a.control.call('setUpSync', { setup: { target: { kind: 'folder', path: at('store') } }, pin: TEST_PIN });
    ({ env } = await a.connect());
  });
  afterAll(async () => {
    await a?.service.close('the test is over');
    await b?.service.close('the test is over');
    await postgres?.stop();
    await provider?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('is denied unasked while the trust note names nobody', async () => {
    const done = await sql('UPDATE orders SET paid = 2 WHERE id < 100').ended;
    expect(done.out).toContain('needs one person of dba, other than ');
    expect(done.out).toContain('countersign trust approver add');
  });

  it('lets an UPDATE through once a DBA on another machine has approved it, and not whoever asked', async () => {
    const card = await b.control.call('makeApproverKey', { name: 'bob', pin: TEST_PIN });
    writeFileSync(at('bob.json'), JSON.stringify(card));
    const person = (await b.control.call('identity', {})).identity.display;
    const added = await trust('approver', 'add', person, at('bob.json'), '--group', 'dba');
    expect(added.said).toContain('adds approver');
    for (const gateway of [a, b]) await takeTrust(gateway);
    expect((await b.control.call('mailbox', {})).approver).toMatchObject({ person, groups: ['dba'] });

    const client = sql('UPDATE orders SET paid = 2 WHERE id < 100');
    const here = await waiting(a, 'the request at A');
    await expect(decide(a, here, 'approve')).rejects.toThrow(/is who asks/);
    const there = await waiting(b, 'the request at B');
    expect(there).toMatchObject({
      state: 'waiting',
      operation: { text: 'UPDATE orders SET paid = 2 WHERE id < 100', digest: here.operation.digest },
    });
    expect(there.from?.device).toBe((await a.control.call('device', {})).id);
    expect((await a.control.call('approval', { id: here.id })).mailbox).toContain(`Sent to ${person}`);
    await expect(
      b.control.call('decide', { id: there.id, digest: there.operation.digest, decision: 'approve' }),
    ).rejects.toMatchObject({ code: 'PIN_REQUIRED' });
    expect(await decide(b, there, 'approve')).toMatchObject({ state: 'approved', decidedBy: person });
    expect(await client.ended).toMatchObject({ code: 0, out: 'UPDATE 5\n' });
    await expect(decide(b, there, 'approve')).rejects.toMatchObject({ code: 'APPROVAL_NOT_WAITING' });
    await eventually('the mailbox empty', async () => (inMailbox() === 0 ? true : null));
  });

  it('denies what a DBA elsewhere denies, with the reason', async () => {
    const client = sql('UPDATE orders SET paid = 3 WHERE id < 100');
    const there = await waiting(b, 'the request at B');
    const message = 'not before the release';
    await b.control.call('decide', { id: there.id, digest: there.operation.digest, decision: 'deny', message });
    expect((await client.ended).out).toContain(message);
  });

  it('is withdrawn where it was shown when the client goes away', async () => {
    const client = sql('UPDATE orders SET paid = 4 WHERE id < 100');
    await waiting(b, 'the request at B');
    client.process.kill('SIGKILL');
    await eventually('nothing at B', async () =>
      (await b.control.call('approvals', {})).items.length === 0 ? true : null,
    );
    const { items } = await b.control.call('approvals', { state: 'all' });
    expect(items.some(({ state, operation }) => state === 'withdrawn' && operation.text.includes('paid = 4 '))).toBe(
      true,
    );
  });

  it('takes two different people for two: who asks, signed in here and of the group, and one elsewhere', async () => {
    const client = sql('TRUNCATE orders');
    const here = await waiting(a, 'the request at A');
    expect(await decide(a, here, 'approve')).toMatchObject({ state: 'waiting' });
    const there = await waiting(b, 'the request at B');
    await decide(b, there, 'approve');
    expect((await client.ended).out).toContain('TRUNCATE');
  });

  it('is in the recording with the approver’s signature, which the auditor verifies again', async () => {
    await synced();
    await run('trust', 'publish', at('store'), '--trust', at('trust'));
    await run('audit', 'init', '--root', root, '--name', 'eve', '--workspace', at('auditor'), ...passphrase);
    await run('audit', 'import', at('store'), ...passphrase);
    const { said } = await run('audit', 'verify', '--all');
    const person = (await b.control.call('identity', {})).identity.display;
    expect(said).toContain('Approved by whom policy wanted');
    expect(said).toContain(`${person} (pin, `);
    expect(said).not.toContain('FAILED');
  });

  it('counts for nothing once the approver’s key was taken back', async () => {
    const person = (await b.control.call('identity', {})).identity.display;
    const client = sql('UPDATE orders SET paid = 5 WHERE id < 100');
    await waiting(b, 'the request at B');
    expect(await trust('approver', 'revoke', person, '--reason', 'has left')).toMatchObject({ code: 0 });
    await takeTrust(a);
    const there = await waiting(b, 'the request at B');
    await decide(b, there, 'approve');
    const here = (await a.control.call('approvals', {})).items[0]!;
    const told = await eventually('that it was not taken', async () => {
      const { mailbox } = await a.control.call('approval', { id: here.id });
      return mailbox?.includes('not taken') ? mailbox : null;
    });
    expect(told).toContain('revoked');
    await decide(a, here, 'deny');
    expect((await client.ended).code).not.toBe(0);
  });
});
