import { spawnSync } from 'node:child_process';
import { hash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditReport } from '../../../gateway/audit/verify/report.ts';
import { createControlClient } from '../../../gateway/control/client.ts';
import { PolicyFiles } from '../../../gateway/policy/policy-files.ts';
import { unpackBundle } from '../../../gateway/recording/bundle.ts';
import { startService } from '../../../gateway/service.ts';
import { openFolderTarget } from '../../../gateway/sync/targets/folder.ts';
import { component } from '../../components.ts';
import { runCountersign } from '../../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { ALLOW_ALL, superuserConnection } from '../../support/service.ts';
import { eventually, runClient } from '../../support/side-by-side.ts';

/** An organisation, a laptop that joins it, a store, an auditor on another machine: with the commands that people type. */
const psql = component('psql');
const PASSPHRASE = 'a passphrase for tests';

describe.skipIf(psql.missing)('evidence from a laptop to an auditor (needs psql)', () => {
  let postgres: TestPostgres;
  let work = '';
  /** What the gateway's alert rules said while it happened. */
  let alerts: string[] = [];
  const at = (name: string) => join(work, name);
  const home = () => at('laptop');
  const env = { ...process.env };

  async function countersign(...args: string[]): Promise<string> {
    const { code, out, err } = await runCountersign(home(), args, '', env);
    expect({ args, code, err: code === 0 ? '' : err + out }).toEqual({ args, code: 0, err: '' });
    return out;
  }
  const secret = ['--passphrase-file'];

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'cs-audit-'));
    secret.push(at('passphrase'));
    writeFileSync(at('passphrase'), `${PASSPHRASE}\n`, { mode: 0o600 });
    env.COUNTERSIGN_AUDIT = at('auditor');
    for (const name of ['laptop', 'store']) mkdirSync(at(name));
    chmodSync(home(), 0o700);
    postgres = await startPostgres();
    await postgres.query('CREATE TABLE notes (line text)');
  });
  afterAll(async () => {
    await postgres?.stop();
    rmSync(work, { recursive: true, force: true });
  });

  it('an organisation is made, and its auditor', async () => {
    const root = await countersign('trust', 'init', 'acme', '--trust', at('trust'), ...secret);
    writeFileSync(at('root'), root);
    await countersign('audit', 'init', '--root', at('root'), '--name', 'eve', ...secret);
    const { recipient, vkey } = JSON.parse(readFileSync(join(at('auditor'), 'workspace.json'), 'utf8')) as {
      recipient: string;
      vkey: string;
    };
    const next = ['--trust', at('trust'), ...secret, '--yes'];
    await countersign(
      'trust',
      'auditor',
      'add',
      'eve',
      '--role',
      'auditor',
      '--recipient',
      recipient,
      '--vkey',
      vkey,
      ...next,
    );
    await countersign('trust', 'authority', 'create', 'berlin', '--to', at('berlin.key'), ...secret);
    await countersign('trust', 'authority', 'add', at('berlin.key.pub'), ...next);
    await openFolderTarget({ kind: 'folder', path: at('store') }).setUp(AbortSignal.timeout(10_000));
    await countersign('trust', 'publish', at('store'), '--trust', at('trust'));
  });

  it('a laptop joins it', async () => {
    const key = ['--no-keyring', ...secret];
    await countersign('device', 'enrol', '--root', at('root'), '--request', at('request'), ...key);
    const enrol = ['--key', at('berlin.key'), '--trust', at('trust'), '--to', at('store'), ...secret, '--yes'];
    await countersign('trust', 'enrol', at('request'), ...enrol);
    await countersign('device', 'enrol', '--trust', at('store'), '--accept', at('store'), ...key);
  });

  it('what an agent does is in the store, encrypted to the auditor', async () => {
    const target = { kind: 'folder', path: at('store') };
    writeFileSync(join(home(), 'sync.json'), JSON.stringify({ version: 1, store: { id: '0123456789abcdef', target } }));
    new PolicyFiles(join(home(), 'policy')).writeActive(ALLOW_ALL, hash('sha256', ALLOW_ALL));
    const service = await startService({
      home: home(),
      postgresPort: 0,
      controlPort: 0,
      devicePassphrase: async () => PASSPHRASE,
    });
    try {
      const { secret: password, ...connection } = superuserConnection(postgres);
      await service.registerDemo(connection, password);
      const control = createControlClient({ socketPath: service.control.socketPath });
      for (const n of [1, 2, 3]) {
        const { env: client } = await control.call('mintToken', { id: 'demo' });
        await runClient(psql.path, ['-X', '-c', 'TABLE notes'], { ...process.env, ...client });
        const run = await runClient(psql.path, ['-X', '-A', '-t', '-c', `SELECT 'salary ' || ${n}`], {
          ...process.env,
          ...client,
        });
        expect(run.out).toContain(`salary ${n}`);
      }
      await eventually('everything in the store', async () => {
        const { counts, sessions } = await sessionsInStore(at('store'));
        return sessions === 6 && counts > 3 && (await idle(control)) ? true : null;
      });
      alerts = (await control.call('alerts', {})).items.map(({ id }) => id);
    } finally {
      await service.close('the test goes on');
    }
  });

  it('the auditor imports it, and it verifies from the root alone', async () => {
    const first = await countersign('audit', 'import', at('store'), ...secret);
    expect(first).toContain('6 sessions');
    expect(first).toContain('Alerts in what was imported: 1 low.');
    const report = JSON.parse(await countersign('audit', 'verify', '--json')) as AuditReport;
    expect(report).toMatchObject({ ok: true, counts: { devices: 1, sessions: 6, verified: 6, failed: 0, missing: 0 } });
    expect(await countersign('audit', 'import', at('store'), ...secret)).toContain('0 new');
    expect(await countersign('audit', 'sessions', 'search', 'salary')).toContain('salary');
    expect(await countersign('audit', 'replay', 'last', '--no-wait')).toContain('salary 3');
    await countersign('audit', 'bundle', 'last', '--out', at('last.tar'));
  });

  it('the alert rules find in it what they found while it happened', async () => {
    const { code, out } = await runCountersign(home(), ['audit', 'alerts', '--json'], '', env);
    const found = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; rule: { id: string } });
    expect({ code, found: found.map(({ id }) => id) }).toEqual({ code: 1, found: alerts });
    expect(found.map(({ rule }) => rule.id)).toEqual(['first-touch']);
  });

  it('another auditor verifies a bundle of it, with nothing but the root', async () => {
    env.COUNTERSIGN_AUDIT = at('other');
    await countersign('audit', 'init', '--root', at('root'), '--name', 'mallory', ...secret);
    await countersign('audit', 'import', at('last.tar'), ...secret);
    const verified = await countersign('audit', 'verify');
    expect(verified).toContain('1 of 1 session of 1 device verified');
    env.COUNTERSIGN_AUDIT = at('auditor');
  });

  it('a redacted copy of it verifies from the root alone too, and does not hold what was taken out', async () => {
    await countersign('audit', 'redact', 'last', '--statement', '0', '--out', at('redacted.tar'));
    env.COUNTERSIGN_AUDIT = at('fourth');
    await countersign('audit', 'init', '--root', at('root'), '--name', 'peggy', ...secret);
    await countersign('audit', 'import', at('redacted.tar'), '--no-keys');
    expect(await countersign('audit', 'verify')).toContain('1 of 1 session of 1 device verified');
    expect(await countersign('audit', 'replay', 'last', '--no-wait')).not.toContain('salary 3');
    env.COUNTERSIGN_AUDIT = at('auditor');
  });

  it('a bundle that the laptop itself makes verifies too, with standard tools and with the program', async () => {
    await countersign('sessions', 'export', 'last', '--format', 'bundle', '--out', at('own.tar'));
    env.COUNTERSIGN_AUDIT = at('third');
    await countersign('audit', 'init', '--root', at('root'), '--name', 'trent', ...secret);
    await countersign('audit', 'import', at('own.tar'), '--no-keys');
    expect(await countersign('audit', 'verify')).toContain('1 of 1 session of 1 device verified');
    env.COUNTERSIGN_AUDIT = at('auditor');
    const folder = await unpackBundle(at('own.tar'), at('third'));
    const script = ['gateway/recording/verify.sh', folder, readFileSync(at('root'), 'utf8').trim()];
    const { status, stdout } = spawnSync('bash', script, { encoding: 'utf8' });
    expect(stdout).not.toContain('FAILED');
    expect(stdout).toContain("the session's end is that of the log");
    expect(status).toBe(0);
  });

  it('a session that somebody deletes from the store is missed by who has not seen it yet', async () => {
    const device = readdirSync(join(at('store'), 'acme')).find((name) => name !== 'trust') ?? '';
    const days = readdirSync(join(at('store'), 'acme', device, 'sessions'), { recursive: true }) as string[];
    const part = days.find((name) => name.includes('part-000000')) ?? '';
    rmSync(join(at('store'), 'acme', device, 'sessions', part, '..'), { recursive: true });
    const again = await runCountersign(home(), ['audit', 'import', at('store'), ...secret], '', env);
    expect(again.code).toBe(0);
    const { code, out } = await runCountersign(home(), ['audit', 'verify'], '', env);
    expect(code).toBe(1);
    expect(out).toContain('The store has lost');
  });
});

async function sessionsInStore(store: string): Promise<{ counts: number; sessions: number }> {
  if (!existsSync(join(store, 'acme'))) return { counts: 0, sessions: 0 };
  const names = readdirSync(store, { recursive: true }) as string[];
  const parts = names.filter((name) => /part-\d{6}/.test(name));
  return { counts: names.length, sessions: new Set(parts.map((name) => name.split(/[/\\]/).at(-2))).size };
}

async function idle(control: ReturnType<typeof createControlClient>): Promise<boolean> {
  const { state, queue } = await control.call('syncStatus', {});
  return state === 'up-to-date' && queue.objects === 0;
}
