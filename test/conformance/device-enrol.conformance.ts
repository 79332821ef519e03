import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testSigner } from '../../gateway/evidence/format/test-keys.ts';
import { COSIGNATURE, formatVkey } from '../../gateway/evidence/format/vkey.ts';
import { startService } from '../../gateway/service.ts';
import { component } from '../components.ts';
import { COUNTERSIGN, type CommandRun, runCountersign } from '../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { runOnTerminal } from '../support/pseudo-terminal.ts';
import { ALLOW_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, TEST_PIN } from '../support/side-by-side.ts';

/** A device joins, changes its key and names a witness while its gateway runs and serves a client. */
const psql = component('psql');
const python = component('psycopg');
const PASSPHRASE = 'correct horse battery';

describe.skipIf(psql.missing || python.missing)('a device whose gateway runs (needs psql and Python)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cs-enrol-'));
  const at = (name: string) => join(dir, name);
  let postgres: TestPostgres;
  let gateway: TestService;
  let root: string;

  const run = async (...args: string[]): Promise<CommandRun> => {
    const done = await runCountersign(at('home'), args, '', { ...process.env, COUNTERSIGN_AUDIT: at('auditor') });
    expect({ args, code: done.code, said: done.code === 0 ? '' : done.err + done.out }).toEqual({
      args,
      code: 0,
      said: '',
    });
    return done;
  };
  /** A person types the PIN. */
  const typed = async (...args: string[]): Promise<string> => {
    const answers = [['Your PIN', TEST_PIN]] as const;
    const env = { ...process.env, COUNTERSIGN_HOME: at('home') };
    const done = await runOnTerminal(python.path, [...COUNTERSIGN, 'device', ...args], answers, env);
    expect({ args, code: done.code, shown: done.code === 0 ? '' : done.shown }).toEqual({ args, code: 0, shown: '' });
    return done.shown;
  };
  const passphrase = () => ['--passphrase-file', at('passphrase')];
  const query = async (n: number) =>
    expect(
      (await runClient(psql.path, ['-X', '-A', '-t', '-c', `SELECT ${n}`], (await gateway.connect()).env)).out,
    ).toBe(`${n}\n`);

  beforeAll(async () => {
    mkdirSync(at('store'));
    writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    postgres = await startPostgres();
    root = (await run('trust', 'init', 'acme', '--trust', at('trust'), ...passphrase())).out.trim();
    gateway = await startTestService({
      home: at('home'),
      policy: ALLOW_ALL,
      connections: [superuserConnection(postgres)],
    });
    await setTestPin(gateway);
    const setup = { target: { kind: 'folder' as const, path: at('store') } };
    await gateway.control.call('setUpSync', { setup, pin: TEST_PIN });
  });
  afterAll(async () => {
    await gateway?.service.close('the test is over');
    await postgres?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  it('joins an organisation, with the PIN and not without', async () => {
    await query(1);
    const ask = ['enrol', '--no-keyring', ...passphrase(), '--root', root, '--request', at('laptop.request')];
    const alone = await runCountersign(at('home'), ['device', ...ask]);
    expect([alone.code, alone.err]).toEqual([1, expect.stringContaining('here is none')]);
    await expect(gateway.control.call('enrolDevice', { root, pin: '000000' })).rejects.toMatchObject({
      code: 'PIN_WRONG',
    });
    expect(await typed(...ask)).toContain('encrypted with a passphrase');
    const key = join(at('trust'), readdirSync(at('trust')).find((name) => /^root-.*\.key$/.test(name))!);
    const trust = ['--key', key, '--trust', at('trust'), ...passphrase()];
    await run('trust', 'enrol', at('laptop.request'), ...trust, '--to', at('enrolments'), '--yes');
    expect(await typed('enrol', '--trust', at('trust'), '--accept', at('enrolments'))).toContain('belongs to acme');
    expect((await gateway.control.call('status', {})).device).toMatchObject({ org: 'acme', problem: null });
    await query(2);
  });

  it('changes its key between two sessions, and all of it verifies from the root alone', async () => {
    const before = (await gateway.control.call('device', {})).key;
    const shown = await typed('rotate-key', '--no-keyring', ...passphrase());
    expect(shown).toContain('The enrolment goes over to it');
    expect((await gateway.control.call('device', {})).key).not.toEqual(before);
    await query(3);
    await eventually('everything in the store', async () => {
      const { state, queue } = await gateway.control.call('syncStatus', {});
      return state === 'up-to-date' && queue.objects === 0 ? true : null;
    });
    await run('trust', 'publish', at('store'), '--trust', at('trust'));
    const auditor = ['--root', root, '--name', 'eve', '--workspace', at('auditor'), ...passphrase()];
    await run('audit', 'init', ...auditor);
    await run('audit', 'import', at('store'), ...passphrase());
    const { out } = await run('audit', 'verify', '--all');
    expect(out).not.toContain('FAILED');
    expect(out).toContain('Sessions 1 to 3');
  });

  it('names a witness, and says so in its log', async () => {
    const vkey = formatVkey(testSigner('witness.example/w1', 'w1', COSIGNATURE).vkey);
    await typed('witness', 'add', vkey, '--url', 'https://127.0.0.1:1');
    expect((await gateway.control.call('device', {})).witnesses).toEqual(['witness.example/w1']);
    await typed('witness', 'remove', 'witness.example/w1');
    expect((await gateway.control.call('device', {})).witnesses).toEqual([]);
  });

  it('begins again with the key that it has now', async () => {
    await gateway.service.close('restarted');
    const options = { home: at('home'), postgresPort: 0, controlPort: 0 };
    await expect(startService(options)).rejects.toMatchObject({ code: 'DEVICE_KEY_LOCKED' });
    const again = await startService({ ...options, devicePassphrase: async () => PASSPHRASE });
    gateway = { ...gateway, service: again };
  });
});
