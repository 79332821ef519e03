import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Alert } from '../contract/alert.ts';
import type { Session } from '../contract/session.ts';
import { decision, sessionInfo, statement } from '../recording/test-support.ts';
import type { SiemEvent } from '../siem/mapping/event.ts';
import { createMonitor } from './monitor.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cs-monitor-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function setup(options: { texts?: boolean; all?: boolean; rules?: object[] } = {}) {
  const rules = (options.rules ?? []).map((rule, i) => ({ id: `r${i}`, title: `Rule ${i}`, severity: 'low', ...rule }));
  writeFileSync(join(home, 'alerts.json'), JSON.stringify({ version: 1, rules }));
  const told = { siem: [] as SiemEvent[], alerts: [] as Alert[], log: [] as unknown[], ended: [] as string[] };
  let now = 1_772_600_000_000;
  const open = new Set(['s1']);
  const monitor = createMonitor({
    home,
    siem: {
      happened: (event) => told.siem.push(event),
      wants: (statements) => options.all === true || statements === 'noteworthy',
      wantsTexts: options.texts ?? false,
    },
    device: () => null,
    sessionOf: (id) => (open.has(id) ? ({ id, statements: 3, denied: 1 } as Session) : null),
    publish: (alert) => told.alerts.push(alert),
    logged: (entry) => told.log.push(entry),
    endSession: (_id, reason) => told.ended.push(reason),
    onProblem: (sentence) => expect.fail(sentence),
    now: () => now,
    protection: 'unprotected',
  });
  const info = sessionInfo('s1');
  let index = 0;
  return {
    monitor,
    told,
    open,
    info,
    pass: (ms: number) => {
      now += ms;
    },
    run(summary: Parameters<typeof statement>[0]) {
      const place = { exchange: index, index: index++, startedAt: now * 1000, endedAt: now * 1000 + 1500 };
      monitor.tap.statement(info, place, statement(summary));
    },
  };
}

describe('the SIEM', () => {
  it('is told of sessions, of what is noteworthy, and of requests; of texts where it wants them', () => {
    const { monitor, told, info, run } = setup();
    monitor.tap.opened(info, 1);
    run({ text: 'SELECT 1' });
    run({ text: 'DROP TABLE a', class: 'destructive', own: true, decision: decision({ effect: 'deny' }) });
    monitor.tap.event(info, 2, 'asked', { approvalId: 'A', digest: 'd', policyIds: ['p'] });
    monitor.tap.event(info, 3, 'decided', { approvalId: 'A', effect: 'deny', decidedBy: 'grace', channel: 'console' });
    monitor.tap.event(info, 3, 'cancel-requested', {});
    monitor.tap.closed(info, 4, 'done');
    monitor.close();
    expect(told.siem.filter(({ type }) => type !== 'alert').map(({ type }) => type)).toEqual([
      'sign-in',
      'statement',
      'asked',
      'decided',
      'session-closed',
    ]);
    expect(told.siem[1]).toMatchObject({ verdict: 'denied', index: 1, text: null, durationMs: 1.5 });
    expect(told.siem.at(-1)).toMatchObject({ counts: { statements: 3, denied: 1, bytesUp: 0 } });
    const more = setup({ texts: true, all: true });
    more.run({ text: 'SELECT 1' });
    more.monitor.close();
    expect(more.told.siem[0]).toMatchObject({ type: 'statement', text: 'SELECT 1' });
  });

  it('is told of refused clients, of no more than 60 in a minute, and of how many more there were', () => {
    const { monitor, told, pass } = setup();
    for (let i = 0; i < 1000; i += 1) monitor.refused('the token is not valid');
    expect(told.siem).toHaveLength(60);
    expect(told.siem[0]).toMatchObject({ type: 'sign-in', refused: 'the token is not valid', session: { id: null } });
    pass(60_000);
    monitor.refused('the token is not valid');
    monitor.refused('the token is not valid');
    monitor.close();
    expect(told.siem.slice(60)).toMatchObject([
      { refused: 'the token is not valid (940 more were refused before)' },
      { refused: 'the token is not valid' },
    ]);
  });
});

describe('an alert', () => {
  it('is in the device’s log and told to consoles, whatever else its rule says', () => {
    const { monitor, told, run } = setup({ rules: [{ when: 'event.rows > 5', actions: [] }] });
    run({ rows: 6 });
    monitor.close();
    expect(told.log).toEqual([{ type: 'alert', rule: 'r0', sid: 's1', exchange: 0, severity: 'low' }]);
    expect(told.alerts).toMatchObject([{ rule: { id: 'r0' }, actions: [] }]);
    expect(told.siem).toEqual([]);
  });

  it('pauses its session until a person resumes it or it ends, and ends it', async () => {
    const rule = { when: 'event.rows > 5', quietMinutes: 0, actions: ['siem', 'pause-session', 'end-session'] };
    const { monitor, told, open, info, run } = setup({ rules: [rule] });
    const next = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    expect(monitor.heldBecause('s1')).toBeNull();
    run({ rows: 6 });
    await next();
    expect(monitor.heldBecause('s1')).toBe('This session raised the alert “Rule 0”.');
    expect(told.ended).toEqual(['the alert “Rule 0” ended this session']);
    expect(told.siem).toMatchObject([{ type: 'alert', rule: { id: 'r0', title: 'Rule 0' }, related: ['s1/0'] }]);
    expect([monitor.resume('s1'), monitor.resume('s1')]).toEqual([true, false]);
    expect(monitor.heldBecause('s1')).toBeNull();
    run({ rows: 7 });
    await next();
    expect(monitor.heldBecause('s1')).not.toBeNull();
    monitor.tap.closed(info, 5, 'done');
    expect(monitor.heldBecause('s1')).toBeNull();
    open.delete('s1');
    run({ rows: 8 });
    monitor.close();
    expect(monitor.heldBecause('s1')).toBeNull();
  });
});
