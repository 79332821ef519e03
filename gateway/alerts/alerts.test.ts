import { readFileSync, rmSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Alert } from '../contract/alert.ts';
import type { StatementSummary } from '../pipeline/ports.ts';
import { decision, temporaryFolder } from '../recording/test-support.ts';
import { freshMemory, openAlertBook } from './book.ts';
import { createAlertEngine, toAlert } from './engine.ts';
import { type AlertEvent, FIELDS } from './event.ts';
import { parseAlertRules } from './rules-file.ts';
import { denied, destructive, happened, ruleOf, rulesOf } from './test-alerts.ts';

const root = temporaryFolder('alerts');
afterAll(() => rmSync(root, { recursive: true, force: true }));

const shipped = parseAlertRules('alerts.json', null);
const alertsFrom = (events: readonly AlertEvent[], rules = shipped) => {
  const engine = createAlertEngine(rules.rules, freshMemory());
  return events.flatMap((event) => engine.evaluate(event)).map(toAlert);
};
const ids = (alerts: readonly Alert[]) => alerts.map((alert) => alert.rule.id);
const times = (n: number, make: (i: number) => AlertEvent) => Array.from({ length: n }, (_, i) => make(i));

describe('what was evaluated before in its session', () => {
  const again = (event: AlertEvent, summary: Partial<StatementSummary> = {}): AlertEvent => ({
    ...event,
    at: event.at + 1,
    statement: { ...event.statement!, ...summary },
  });

  it('need not be evaluated again, where nothing differs that rules look at', () => {
    const engine = createAlertEngine(shipped.rules, freshMemory());
    const first = happened(0, { objects: ['public.orders'] });
    expect(engine.settled(first)).toBe(false);
    expect(ids(engine.evaluate(first).map(toAlert))).toEqual(['first-touch']);
    expect(engine.settled(again(first))).toBe(true);
    expect(engine.evaluate(again(first))).toEqual([]);
    for (const other of [{ rows: 99_999 }, { objects: ['public.other'] }, { error: '42501' }, { decision: denied }]) {
      expect(engine.settled(again(first, other))).toBe(false);
    }
    expect(engine.settled(happened(0, {}, 's2'))).toBe(false);
  });

  it('is evaluated each time where a rule counts, is quiet for a while, or looks at the time', () => {
    const rules = [
      { count: { over: 3, minutes: 1, by: ['person' as const] } },
      { quietMinutes: 0 },
      { when: 'event.at > timestamp("2020-01-01T00:00:00Z")', first: { of: 'op' as const, by: ['person' as const] } },
    ];
    for (const rule of rules) {
      const engine = createAlertEngine([ruleOf(rule)], freshMemory());
      const first = happened(0);
      engine.evaluate(first);
      expect(engine.settled(again(first))).toBe(false);
    }
  });
});

describe('the shipped rules', () => {
  const touched = { objects: [] };

  it('more than five denied destructive statements in ten minutes', () => {
    const burst = (minutesApart: number) => times(6, (i) => happened(i * minutesApart, { ...destructive, ...touched }));
    const [alert, ...more] = alertsFrom(burst(1));
    expect(more).toEqual([]);
    expect(alert).toMatchObject({ rule: { id: 'denied-destructive-burst' }, severity: 'high', count: 6 });
    expect(alert!.related).toHaveLength(6);
    expect(alert!.sentence).toBe(
      'Many denied destructive statements: 6 in 10 minutes, the last by psql for Ada on demo.',
    );
    expect(alertsFrom(burst(2.1))).toEqual([]);
    expect(alertsFrom(burst(1).slice(1))).toEqual([]);
    expect(alertsFrom(times(12, (i) => happened(i / 10, { ...destructive })))).toHaveLength(2);
  });

  it('an agent’s first touch of a table', () => {
    const objects = ['public.orders', 'public.customers'];
    const alerts = alertsFrom([
      happened(0, { objects: ['public.orders'] }),
      happened(1, { objects }),
      happened(2, { objects }),
      happened(3, { objects: ['public.denied'], decision: denied }),
    ]);
    expect(ids(alerts)).toEqual(['first-touch', 'first-touch']);
    expect(alerts[1]!.sentence).toBe('First touch of a table: public.customers, by psql for Ada on demo.');
    expect(alerts[0]!.actions).toEqual(['siem']);
  });

  it('a result of more than 10,000 rows with a tagged column', () => {
    const many = (summary: Partial<StatementSummary>) => ids(alertsFrom([happened(0, summary)]));
    expect(many({ rows: 10_001, masked: { EMAIL_ADDRESS: 10_001 } })).toEqual(['many-tagged-rows']);
    expect(many({ rows: 10_001, flags: ['output-tagged'] })).toEqual(['many-tagged-rows']);
    expect(many({ rows: 10_000, masked: { EMAIL_ADDRESS: 10_000 } })).toEqual([]);
    expect(many({ rows: 10_001 })).toEqual([]);
  });

  it('privileges, code on the server, observe mode', () => {
    const own = { own: true } as const;
    expect(ids(alertsFrom([happened(0, { ...own, class: 'privilege', op: 'GRANT' })]))).toEqual(['privilege-changed']);
    expect(ids(alertsFrom([happened(0, { ...own, class: 'privilege', error: '42501' })]))).toEqual([]);
    const code = [happened(0, { ...own, class: 'execute' }), happened(1, { ...own, class: 'execute' })];
    expect(ids(alertsFrom(code))).toEqual(['code-ran']);
    const observed = decision({ observed: 'deny' });
    expect(ids(alertsFrom([happened(0, { ...own, class: 'destructive', decision: observed })]))).toEqual([
      'observe-mode-let-through',
    ]);
  });

  it('an agent that tries names, and requests that nobody answers', () => {
    const failed = times(21, (i) => happened(i / 10, { own: true, error: '42P01' }));
    expect(ids(alertsFrom(failed))).toEqual(['probing']);
    expect(ids(alertsFrom(failed.slice(1)))).toEqual([]);
    const verdict = { ...decision().verdict, effect: 'ask' as const };
    const expired = decision({ effect: 'deny', verdict, approvalId: 'a', channel: 'timeout' });
    expect(ids(alertsFrom(times(4, (i) => happened(i, { own: true, decision: expired }))))).toEqual(['nobody-answers']);
  });
});

describe('a rule', () => {
  it('counts each group by itself, in any order of arrival', () => {
    const rules = rulesOf({ count: { over: 2, minutes: 5, by: ['session'] } });
    const apart = [happened(0, {}, 'a'), happened(1, {}, 'b'), happened(2, {}, 'a'), happened(3, {}, 'b')];
    expect(alertsFrom(apart, rules)).toEqual([]);
    const [alert] = alertsFrom([...apart, happened(1.5, {}, 'a')], rules);
    expect(alert).toMatchObject({ count: 3, sessionId: 'a' });
    expect(alertsFrom([happened(0), happened(9), happened(3), happened(13.5)], rules)).toEqual([]);
  });

  it('is quiet for a while in a session, not in another', () => {
    const rules = rulesOf({ quietMinutes: 10 });
    const events = [happened(0), happened(9), happened(9, {}, 's2'), happened(10), happened(11)];
    expect(alertsFrom(events, rules).map((alert) => alert.sessionId)).toEqual(['s1', 's2', 's1']);
  });

  it('may speak of the session, the time and what was masked', () => {
    const matches = (when: string) => ruleOf({ when }).matches(happened(0, { masked: { IBAN_CODE: 2 }, rows: 7 }));
    expect(matches("event.person == 'ada' && !event.verified && 'team' in event.groups")).toBe(true);
    expect(matches("event.at.getFullYear() == 2026 && event.at > timestamp('2026-01-01T00:00:00Z')")).toBe(true);
    expect(matches("'IBAN_CODE' in event.masked && event.masked['IBAN_CODE'] == 2 && event.maskedValues == 2")).toBe(
      true,
    );
    expect(matches("event.objects.exists(o, o.startsWith('public.'))")).toBe(false);
    expect(matches("event.kind == 'session-opened' || event.rows > 100")).toBe(false);
  });

  it('that fails while it runs is told once and matches nothing', () => {
    const problems: string[] = [];
    const rules = [ruleOf({ id: 'bad', when: '10 / event.rows > 1', quietMinutes: 0 }), ruleOf({ id: 'good' })];
    const engine = createAlertEngine(rules, freshMemory(), (rule, sentence) => problems.push(`${rule}: ${sentence}`));
    expect(engine.evaluate(happened(0, { rows: 0 })).map(({ rule }) => rule.id)).toEqual(['good']);
    engine.evaluate(happened(1, { rows: 0, op: 'OTHER' }));
    expect(engine.evaluate(happened(2, { rows: 2 })).map(({ rule }) => rule.id)).toEqual(['bad']);
    expect(problems).toEqual(['bad: division by zero']);
  });

  it.each([
    ['event.rows >', /column 13/],
    ["event.rows > 'a'", /column 1: no such overload/],
    ['event.text == "x"', /column 7: No such key: text/],
    ["event.op == 'a' &&\n  event.foo == 1", /line 2, column 9/],
    ['event.rows', /gives int and not true or false/],
    ["event.person.matches('(a+)+$')", /regular expression/],
    ['event.objects.exists(o, event.flags.exists(f, f == o))', /loop in a loop/],
    [`event.rows > ${Array(500).fill('1').join(' + ')}`, /maxAstNodes/],
    [`${'('.repeat(100)}true${')'.repeat(100)}`, /maxDepth/],
    ['unknown', /column 1: Unknown variable/],
  ])('is refused with its place: %s', (when, sentence) => {
    expect(() => ruleOf({ when })).toThrow(
      expect.objectContaining({ code: 'ALERT_RULE_BROKEN', message: expect.stringMatching(sentence) }),
    );
  });

  it('made of anything is refused or answers', () => {
    const pieces = fc.constantFrom(
      ...'event . rows objects ( ) [ ] { } "a" 1 2.5 && || ! == in + - / ? : exists o , true'.split(' '),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        let rule: ReturnType<typeof ruleOf>;
        try {
          rule = ruleOf({ when: parts.join(' ') || ' ' });
        } catch (error) {
          return (error as { code?: string }).code === 'ALERT_RULE_BROKEN';
        }
        createAlertEngine([rule], freshMemory()).evaluate(happened(0));
        return true;
      }),
      { numRuns: 3000 },
    );
  });
});

describe('the file of rules', () => {
  const parse = (content: unknown) => parseAlertRules('alerts.json', JSON.stringify(content));
  const rule = { id: 'mine', title: 'Mine', severity: 'low', when: 'event.rows > 1' };

  it('adds to the shipped ones, replaces and disables them', () => {
    const replaced = { ...rule, id: 'first-touch' };
    const list = parse({ version: 1, rules: [rule, replaced], disable: ['probing'] }).list();
    expect(list).toHaveLength(shipped.list().length + 1);
    expect(list.find(({ id }) => id === 'mine')).toMatchObject({ source: 'file', actions: ['notify', 'siem'] });
    expect(list.find(({ id }) => id === 'first-touch')).toMatchObject({ source: 'file', when: 'event.rows > 1' });
    expect(list.find(({ id }) => id === 'probing')).toMatchObject({ enabled: false });
    const probing = times(30, () => happened(0, { own: true, error: '42P01' }));
    expect(alertsFrom(probing, parse({ version: 1, disable: ['probing'] }))).toEqual([]);
  });

  it.each([
    ['{', /not JSON/],
    [JSON.stringify({ version: 2 }), /version/],
    [JSON.stringify({ version: 1, rules: [{ ...rule, wen: 'x' }] }), /rules\.0: .*wen/],
    [JSON.stringify({ version: 1, rules: [rule, rule] }), /mine is there twice/],
    [JSON.stringify({ version: 1, disable: ['nothing'] }), /no shipped rule nothing/],
    [JSON.stringify({ version: 1, rules: [{ ...rule, when: 'event.rows >' }] }), /the rule mine, column 13/],
    [
      JSON.stringify({
        version: 1,
        rules: [{ ...rule, count: { over: 1, minutes: 1, by: [] }, first: { of: 'op', by: [] } }],
      }),
      /both/,
    ],
  ])('is refused: %s', (text, sentence) => {
    expect(() => parseAlertRules('alerts.json', text)).toThrow(sentence);
    expect(() => parseAlertRules('alerts.json', text)).toThrow(/^alerts\.json: /);
  });
});

describe('docs/alerts.md', () => {
  const text = readFileSync(new URL('../../docs/alerts.md', import.meta.url), 'utf8');

  it('has an example that can be used', () => {
    const [, example = ''] = /```json\n([\s\S]*?)```/.exec(text) ?? [];
    const own = parseAlertRules('example', example)
      .list()
      .filter(({ source }) => source === 'file');
    expect(own.map(({ id }) => id)).toEqual(['salaries-at-night', 'many-deletes', 'new-program']);
  });

  it('lists every field of an event and every shipped rule', () => {
    const [, table = ''] = /\| field of `event` [^\n]*\n([\s\S]*?)\n\n/.exec(text) ?? [];
    const names = table
      .split('\n')
      .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name));
    expect(names.sort()).toEqual(Object.keys(FIELDS).sort());
    for (const { id, severity } of shipped.list())
      expect(text).toMatch(new RegExp(`^\\| \`${id}\` \\|.*\\| ${severity} \\|$`, 'm'));
  });
});

describe('the book', () => {
  it('remembers over a restart, and forgets the oldest when it is full', () => {
    const file = `${root}/book.db`;
    const book = openAlertBook(file, 100);
    for (let i = 0; i < 150; i += 1) expect(book.isNew('r', `k${i}`)).toBe(true);
    expect(book.isNew('r', 'k149')).toBe(false);
    const [alert] = alertsFrom([happened(0)], rulesOf({}));
    expect([book.add(alert!), book.add(alert!)]).toEqual([true, false]);
    book.close();
    const again = openAlertBook(file, 100);
    expect(again.isNew('r', 'k149')).toBe(false);
    expect(again.isNew('r', 'k0')).toBe(true);
    expect(again.history({ offset: 0, limit: 10 })).toEqual({ items: [alert], total: 1 });
    again.close();
  });
});
