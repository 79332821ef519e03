import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alertsOf } from '../../gateway/alerts/replay.ts';
import { parseAlertRules } from '../../gateway/alerts/rules-file.ts';
import type { Alert, AlertAction } from '../../gateway/contract/alert.ts';
import type { Approval } from '../../gateway/contract/decision.ts';
import * as recordings from '../../gateway/recording/reader.ts';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, type TestService } from '../support/service.ts';
import {
  eventually,
  nextHeld,
  runClient,
  type SideBySide,
  setTestPin,
  startClient,
  startSideBySide,
  TEST_PIN,
} from '../support/side-by-side.ts';

const psql = component('psql');
const POLICY = `
@id("all") permit (principal, action, resource);
@id("no-drops") forbid (principal, action == Action::"run", resource) when { context.class == "destructive" };
`;

let postgres: TestPostgres;
let sides: SideBySide;
let out: string;

beforeAll(async () => {
  out = mkdtempSync(join(tmpdir(), 'cs-alerts-'));
  postgres = await startPostgres();
  await postgres.query(`
    CREATE TABLE orders (id int, email text); CREATE TABLE salaries (id int);
    INSERT INTO orders SELECT i, 'a' || i || '@example.com' FROM generate_series(1, 20000) i`);
  const columns = [{ table: 'orders', column: 'email', entity: 'EMAIL_ADDRESS' as const }];
  sides = await startSideBySide(postgres, { policy: POLICY, connection: { id: 'shop', columns } });
  await setTestPin(sides);
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
  rmSync(out, { recursive: true, force: true });
});

describe.skipIf(psql.missing)(`alerts and the SIEM${psql.missing ? ` (${psql.missing})` : ''}`, () => {
  it('an agent that goes too far is told of to consoles, the history, the SIEM, and again from its recording', async () => {
    const { control } = sides;
    const path = join(out, 'events.log');
    const destination = { id: 'team', kind: 'file', path, statements: 'all' } as const;
    await control.call('putSiem', { id: 'team', destination, pin: TEST_PIN });
    const heard: Alert[] = [];
    const stop = new AbortController();
    const listening = control.events((event) => {
      if (event.type === 'alert') heard.push(event.alert);
    }, stop.signal);
    const { env } = await sides.connect('shop');
    const sql = ['SELECT * FROM salaries', 'SELECT * FROM orders', ...Array(6).fill('DROP TABLE orders')];
    await runClient(psql.path, ['-X', '-c', 'SELECT 1'], { ...env, PGPASSWORD: 'not a token' });
    await runClient(psql.path, ['-X', ...sql.flatMap((text) => ['-c', text])], env);
    const expected = ['first-touch', 'first-touch', 'many-tagged-rows', 'denied-destructive-burst'];
    const history = await eventually('the alerts', async () => {
      const { items, total } = await control.call('alerts', {});
      return total >= expected.length ? items : null;
    });
    expect(history.map(({ rule }) => rule.id).reverse()).toEqual(expected);
    expect(history.map(({ sentence }) => sentence).join('\n')).toMatch(
      /First touch of a table: (public\.)?salaries, by psql/,
    );
    await eventually('the alerts on the stream', () => (heard.length >= expected.length ? true : null));
    expect(heard.toReversed()).toEqual(history);
    stop.abort();
    await listening;

    const lines = () => (existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []);
    await eventually(
      'the session’s end in the SIEM',
      () => lines().find((line) => line.includes('/session-closed')) ?? null,
    );
    const told = lines().map((line) => JSON.parse(line) as { class_uid: number; metadata: { uid: string } });
    const count = (what: string) => told.filter(({ metadata }) => metadata.uid.includes(what)).length;
    expect([
      count('/sign-in') - count('none/sign-in'),
      count('/statement/'),
      count('/alert/'),
      count('/session-closed'),
    ]).toEqual([1, 8, 4, 1]);
    // psql tries again without TLS.
    expect(count('none/sign-in')).toBeGreaterThan(0);
    expect(readFileSync(path, 'utf8')).not.toMatch(/a\d+@example|SELECT \* FROM/);
    const [status] = (await control.call('siemStatus', {})).items;
    expect(status).toMatchObject({ waiting: 0, dropped: 0, error: null });

    const [session] = (await control.call('sessions', {})).items;
    const folder = await recordings.findSession(join(sides.service.home, 'recordings'), session!.id);
    const again: Alert[] = [];
    for await (const alert of alertsOf(parseAlertRules('none', null), recordings, [folder!])) again.push(alert);
    expect(again).toEqual(heard);
  });

  /** A gateway with one rule, on whoever reads salaries. */
  async function withRule(action: AlertAction, work: (gateway: TestService, env: NodeJS.ProcessEnv) => Promise<void>) {
    const rule = (when: string) =>
      JSON.stringify({
        version: 1,
        rules: [{ id: 'hands-off', title: 'Hands off', severity: 'critical', when, actions: [action] }],
      });
    const home = mkdtempSync(join(tmpdir(), 'cs-service-'));
    writeFileSync(join(home, 'alerts.json'), rule("event.objects.exists(o, o.endsWith('salaries')"));
    await expect(startTestService({ connections: [], home })).rejects.toMatchObject({ code: 'ALERT_RULE_BROKEN' });
    writeFileSync(join(home, 'alerts.json'), rule("event.objects.exists(o, o.endsWith('salaries'))"));
    const { host, port, user, password: secret } = postgres;
    const where = { id: 'shop', kind: 'postgres' as const, host, port, user, database: 'postgres', secret };
    const connections = [{ ...where, tls: { mode: 'disable' as const } }];
    const gateway = await startTestService({ connections, home, policy: POLICY });
    try {
      await work(gateway, (await gateway.connect('shop')).env);
    } finally {
      await gateway.stop();
    }
  }

  const asks = (...texts: string[]) => ['-X', '-At', ...texts.flatMap((text) => ['-c', text])];

  it('a rule ends the session; one that is broken does not let the gateway start', async () => {
    await withRule('end-session', async (_gateway, env) => {
      const run = await runClient(psql.path, asks('SELECT 1', 'SELECT * FROM salaries', 'SELECT pg_sleep(5)'), env);
      expect(run.out).toMatch(/the alert “Hands off” ended this session/);
    });
  });

  it('a rule pauses the session: what it runs waits for a person, until one lets it go on', async () => {
    await withRule('pause-session', async (gateway, env) => {
      await setTestPin(gateway);
      const { control } = gateway;
      const texts = [
        "SELECT 'first'",
        'SELECT * FROM salaries',
        "SELECT 'second'",
        "SELECT 'third'",
        "SELECT 'fourth'",
      ];
      const client = startClient(psql.path, asks(...texts), env);
      const approve = ({ id, operation: { digest } }: Approval) =>
        control.call('decide', { id, digest, decision: 'approve', pin: TEST_PIN });
      const second = await nextHeld(control);
      expect(second.operation.text).toBe("SELECT 'second'");
      expect(second.verdict.reason).toBe('This session raised the alert “Hands off”.');
      await approve(second);
      const third = await nextHeld(control, [second.id]);
      await control.call('resumeSession', { id: third.operation.sessionId, pin: TEST_PIN });
      await approve(third);
      expect((await client.ended).out.split('\n').filter(Boolean)).toEqual(['first', 'second', 'third', 'fourth']);
      expect((await control.call('approvals', { state: 'all' })).total).toBe(2);
      await expect(
        control.call('resumeSession', { id: third.operation.sessionId, pin: TEST_PIN }),
      ).rejects.toMatchObject({ code: 'SESSION_NOT_PAUSED' });
    });
  });
});
