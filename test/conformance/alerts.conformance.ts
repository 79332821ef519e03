import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { alertsOf } from '../../gateway/alerts/replay.ts';
import { parseAlertRules } from '../../gateway/alerts/rules-file.ts';
import type { Alert } from '../../gateway/contract/alert.ts';
import * as recordings from '../../gateway/recording/reader.ts';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService } from '../support/service.ts';
import {
  eventually,
  runClient,
  type SideBySide,
  setTestPin,
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
    expect([count('/sign-in'), count('/statement/'), count('/alert/'), count('/session-closed')]).toEqual([1, 8, 4, 1]);
    expect(readFileSync(path, 'utf8')).not.toMatch(/a\d+@example|SELECT \* FROM/);
    const [status] = (await control.call('siemStatus', {})).items;
    expect(status).toMatchObject({ waiting: 0, dropped: 0, error: null });

    const [session] = (await control.call('sessions', {})).items;
    const folder = await recordings.findSession(join(sides.service.home, 'recordings'), session!.id);
    const again: Alert[] = [];
    for await (const alert of alertsOf(parseAlertRules('none', null), recordings, [folder!])) again.push(alert);
    expect(again).toEqual(heard);
  });

  it('a rule of its own ends the session, and one that is broken does not let the gateway start', async () => {
    const rule = (when: string) =>
      JSON.stringify({
        version: 1,
        rules: [{ id: 'hands-off', title: 'Hands off', severity: 'critical', when, actions: ['end-session'] }],
      });
    const home = mkdtempSync(join(tmpdir(), 'cs-service-'));
    writeFileSync(join(home, 'alerts.json'), rule("event.objects.exists(o, o == 'salaries' || o == 'public.salaries'"));
    await expect(startTestService({ connections: [], home })).rejects.toMatchObject({ code: 'ALERT_RULE_BROKEN' });
    writeFileSync(
      join(home, 'alerts.json'),
      rule("event.objects.exists(o, o == 'salaries' || o == 'public.salaries')"),
    );
    const { host, port, user, password } = postgres;
    const connection = {
      id: 'shop',
      kind: 'postgres' as const,
      host,
      port,
      user,
      database: 'postgres',
      tls: { mode: 'disable' as const },
    };
    const gateway = await startTestService({
      connections: [{ ...connection, secret: password }],
      home,
      policy: POLICY,
    });
    try {
      const { env } = await gateway.connect('shop');
      const run = await runClient(
        psql.path,
        ['-X', '-c', 'SELECT 1', '-c', 'SELECT * FROM salaries', '-c', 'SELECT pg_sleep(5)'],
        env,
      );
      expect(run.out).toMatch(/the alert “Hands off” ended this session/);
    } finally {
      await gateway.stop();
    }
  });
});
