import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { AlertRuleView } from '../contract/alert.ts';
import type { RouteOutput } from '../contract/api.ts';
import { createRecorder } from '../recording/recorder.ts';
import { sessionId, sessionInfo, statement } from '../recording/test-support.ts';
import { runCommand } from './test-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'cs-cli-alerts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rules = (when: string) => {
  const file = join(folder, 'rules.json');
  writeFileSync(file, JSON.stringify({ version: 1, rules: [{ id: 'mine', title: 'Mine', severity: 'low', when }] }));
  return file;
};

describe('countersign alerts', () => {
  it('check: says what the rules do, or where one is wrong', async () => {
    const good = await runCommand(['alerts', 'check', rules('event.rows > 5')]);
    expect(good.code).toBe(0);
    expect(good.out).toMatch(/^denied-destructive-burst +high +on +shipped/m);
    expect(good.out).toMatch(/^mine +low +on +file +notify, siem +Mine \(at most one in 10 minutes of a session\)$/m);
    const bad = await runCommand(['alerts', 'check', rules('event.rows >')]);
    expect(bad.code).toBe(1);
    expect(bad.notes).toMatch(/rules\.json: the rule mine, column 13: /);
    expect((await runCommand(['alerts', 'check', join(folder, 'none')])).notes).toMatch(/cannot be read/);
  });

  it('test: what rules would have found in recordings', async () => {
    const dir = join(folder, 'home', 'recordings');
    const recorder = createRecorder({ dir });
    const session = recorder.open(sessionInfo(sessionId(1)));
    session.request(0, Buffer.from('q'));
    session.statement(0, statement({ rows: 7, objects: ['public.a\u202e'] }));
    session.end(0);
    await session.close('done');
    await recorder.close();
    const home = ['--home', join(folder, 'home')];
    const found = await runCommand([...home, 'alerts', 'test', rules('event.rows > 5')], {
      home: join(folder, 'home'),
    });
    expect(found.code).toBe(1);
    expect(found.out).toMatch(
      / low {7}Mine: SELECT, public\.a.*, allowed, 7 rows, by psql for Ada on demo\. +\[01JTEST/,
    );
    expect(found.out).not.toContain('\u202e');
    const one = ['alerts', 'test', rules('event.rows > 7'), '--session', 'last', '--json'];
    const shipped = await runCommand([...home, ...one], { home: join(folder, 'home') });
    expect(shipped.out.split('\n').map((line) => (JSON.parse(line) as { rule: { id: string } }).rule.id)).toEqual([
      'first-touch',
    ]);
  });

  it('list and history ask the gateway', async () => {
    const rule: AlertRuleView = {
      id: 'r',
      title: 'A\u001b[2Jrule',
      severity: 'low',
      when: 'true',
      how: '',
      actions: [],
      enabled: true,
      source: 'file',
    };
    const list = await runCommand(['alerts', 'list'], {
      answers: { alertRules: () => ({ items: [rule], missed: 3 }) },
    });
    expect(list.out).not.toContain('\u001b');
    expect(list.notes).toMatch(/3 statements came too fast/);
    const history = await runCommand(['alerts', 'history'], { answers: { alerts: () => ({ items: [], total: 0 }) } });
    expect(history.notes).toBe('There was no alert yet.');
    expect((await runCommand(['alerts', 'history', '--limit', 'x'])).code).toBe(2);
  });
});

describe('countersign siem', () => {
  type Status = RouteOutput<'siemStatus'>['items'][number];
  const status: Status = {
    destination: {
      id: 'team',
      kind: 'syslog',
      host: 'siem.example',
      port: 6514,
      facility: 13,
      format: 'ocsf',
      statements: 'noteworthy',
      texts: false,
    },
    hasSecret: false,
    waiting: 4,
    waitingSince: '2026-03-04T05:06:07.000Z',
    sent: 9,
    dropped: 2,
    lastSentAt: null,
    error: 'siem.example:6514: nothing listens there',
    nextTryAt: null,
  };

  it('setup: takes the PIN and a secret from a terminal, and tries', async () => {
    const answers = {
      putSiem: () => status,
      testSiem: () => ({ ok: false, sentence: 'team did not take a test event.' }),
    };
    const given = { answers, typed: ['Bearer x', '493817'] };
    const run = await runCommand(
      ['siem', 'setup', 'team', '--http', 'https://siem.example/in', '--secret', '--texts'],
      given,
    );
    expect(run.code).toBe(1);
    expect(run.asked.map(({ shown }) => shown)).toEqual([false, false]);
    expect(run.calls[0]).toMatchObject({
      name: 'putSiem',
      input: {
        id: 'team',
        secret: 'Bearer x',
        pin: '493817',
        destination: { kind: 'http', texts: true, statements: 'noteworthy' },
      },
    });
    expect(run.notes).toMatch(/waits until it can be sent/);
  });

  it.each([
    [['--syslog', 'a', '--file', '/b'], /give one of/],
    [[], /give one of/],
    [['--syslog', 'a:b'], /host and perhaps a port/],
    [['--syslog', 'a:99999'], /whole number/],
    [['--file', 'relative'], /absolute path/],
    [['--http', 'ftp://x'], /url/],
    [['--syslog', 'a', '--format', 'xml'], /format/],
  ])('setup refuses %j', async (args, sentence) => {
    const run = await runCommand(['siem', 'setup', 'x', ...args]);
    expect(run.code).toBe(2);
    expect(run.notes).toMatch(sentence);
  });

  it('status: says what waits and why', async () => {
    const run = await runCommand(['siem', 'status'], { answers: { siemStatus: () => ({ items: [status] }) } });
    expect(run.code).toBe(1);
    expect(run.out).toMatch(/9 sent; 4 waiting since 2026-03-04/);
    expect(run.out).toMatch(/2 given up, because the spool was full/);
    expect(run.out).toMatch(/nothing listens there/);
  });
});
