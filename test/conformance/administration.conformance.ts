import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand } from '../../gateway/cli/test-cli.ts';
import type { ConnectionInput } from '../../gateway/contract/connection.ts';
import { component } from '../components.ts';
import { loggedEntries } from '../support/device-log.ts';
import { devicePassphrase, enrolDevice } from '../support/enrolled-device.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { TEST_PIN as pin, runClient, setTestPin } from '../support/side-by-side.ts';

/** Settings that are signed once by the command, and that a gateway takes out of the store; held against psql. */
const psql = component('psql');
const POLICY = `@id("all") permit (principal, action, resource);
@id("drop") @reason("the organisation drops nothing")
forbid (principal, action, resource) when { context has class && context.class == "destructive" };
`;
const EVER = { from: '2020-01-01T00:00:00.000Z', until: '9999-01-01T00:00:00.000Z', revoked: null };

describe.skipIf(psql.missing)('signed administration (needs psql)', () => {
  let postgres: TestPostgres;
  let folder: string;
  let home: string;
  let gateway: TestService;
  const at = (name: string) => join(folder, name);
  const ok = async (...args: string[]) => {
    const { code, out, notes } = await runCommand(args);
    expect([code, notes]).toEqual([0, expect.any(String)]);
    return out;
  };
  const sign = (number: number, ...more: string[]) =>
    ok(
      ...['admin', 'sign', '--org', 'acme', '--number', String(number), '--key', at('ops.key'), '--name', 'ops'],
      ...['--out', at(`set-${number}`), '--passphrase-file', at('passphrase'), ...more],
    );
  const publish = (number: number) => ok('admin', 'publish', at(`set-${number}`), at('store'));
  const refresh = () => gateway.control.call('refreshAdministration', {});
  const said = async (sql: string) => {
    const { env } = await gateway.connect('team');
    return (await runClient(psql.path, ['-X', '-A', '-t', '-c', sql], env)).out;
  };
  const connection = (changes: Partial<ConnectionInput> = {}) => {
    const { secret: _, ...rest } = superuserConnection(postgres, { id: 'team', ...changes });
    return rest;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cs-administration-'));
    home = at('home');
    for (const name of ['home', 'store']) mkdirSync(at(name), { mode: 0o700 });
    writeFileSync(at('passphrase'), 'a passphrase of the test', { mode: 0o600 });
    const vkey = await ok('admin', 'keygen', 'ops', '--to', at('ops.key'), '--passphrase-file', at('passphrase'));
    const recipient = await identityToRecipient(await generateX25519Identity());
    await enrolDevice(home, recipient, { admins: [{ ...EVER, vkey }] });
    postgres = await startPostgres();
    gateway = await startTestService({ connections: [], home, devicePassphrase });
    await setTestPin(gateway);
    writeFileSync(at('policy.cedar'), POLICY);
    writeFileSync(at('connections.json'), JSON.stringify({ connections: [connection()] }));
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('works from a file that an installer put there, before there is a store', async () => {
    await sign(1, '--connections', at('connections.json'), '--emergency', 'forbid', '--lock', 'connections', 'policy');
    writeFileSync(join(home, 'administration.note'), readFileSync(at('set-1')));
    expect(await refresh()).toMatchObject({ set: { n: 1, connections: ['team'] }, problem: null });
    const { control } = gateway;
    // The same with its password, which is this machine's to enter.
    await control.call('putConnection', { id: 'team', connection: connection(), secret: postgres.password, pin });
    expect(await said('SELECT 42')).toContain('42');
    expect((await control.call('emergency', {})).refusal).toContain('countersign/admin/ops has fixed that');
  });

  it('is not changed on the machine, which says who fixed it', async () => {
    const { control } = gateway;
    const locked = { code: 'ADMINISTRATION_LOCKED', message: expect.stringContaining('countersign/admin/ops (set 1)') };
    await expect(
      control.call('putConnection', { id: 'team', connection: connection({ masking: 'off' }), pin }),
    ).rejects.toMatchObject(locked);
    await expect(control.call('deleteConnection', { id: 'team', pin })).rejects.toMatchObject(locked);
    await expect(control.call('stagePolicy', { text: POLICY })).rejects.toMatchObject(locked);
    await expect(control.call('putEmergency', { settings: { allowed: true }, pin })).rejects.toMatchObject({
      code: 'EMERGENCY_LOCKED',
    });
  });

  it('comes from the store, newest first, and its policy holds at once', async () => {
    await gateway.control.call('setUpSync', { setup: { target: { kind: 'folder', path: at('store') } }, pin });
    await sign(2, '--connections', at('connections.json'), '--policy', at('policy.cedar'), '--lock', 'policy');
    await publish(2);
    expect(await refresh()).toMatchObject({ set: { n: 2, locked: ['policy'] }, problem: null });
    expect(await said('DROP TABLE IF EXISTS t')).toContain('the organisation drops nothing');
  });

  it('refuses one that was changed or is older, says so, and stays with the last good one', async () => {
    const text = readFileSync(at('set-2'), 'utf8').replace('"n":2', '"n":9');
    writeFileSync(join(home, 'administration.note'), text);
    expect(await refresh()).toMatchObject({ set: { n: 2 }, problem: expect.stringContaining('no admin') });
    expect((await gateway.control.call('status', {})).administration).toContain('was refused');
    writeFileSync(join(home, 'administration.note'), readFileSync(at('set-1')));
    expect(await refresh()).toMatchObject({ set: { n: 2 } });
    expect(await said('DROP TABLE IF EXISTS t')).toContain('the organisation drops nothing');
    const entries = (await loggedEntries(home)).filter(({ type }) => type === 'administration');
    expect(entries).toMatchObject([
      { state: 'applied', set: 1 },
      { state: 'applied', set: 2 },
      { state: 'refused', set: 9 },
    ]);
  });

  it('stays in force over a restart without the store', async () => {
    await gateway.service.close('a restart');
    rmSync(at('store'), { recursive: true });
    gateway = await startTestService({ connections: [], home, devicePassphrase });
    expect(await gateway.control.call('administration', {})).toMatchObject({ set: { n: 2 } });
    expect(await said('DROP TABLE IF EXISTS t')).toContain('the organisation drops nothing');
  });
});
