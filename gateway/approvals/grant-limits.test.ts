import { describe, expect, it } from 'vitest';
import type { GrantScope } from '../contract/decision.ts';
import type { ActionOperation, Operation } from '../contract/operation.ts';
import type { ValueRule } from '../contract/value-rule.ts';
import { createApprovals } from './approvals.ts';
import { localTime, type OperationChanges, testOperation, testTime, testVerdict } from './test-operation.ts';

const SAME: ValueRule = { kind: 'same' };
const ANY: ValueRule = { kind: 'any' };
const refund = (id: number, more: OperationChanges = {}) =>
  testOperation({ text: `UPDATE orders SET status = 'paid' WHERE id = ${id}`, parameters: [], ...more });
const command = (text: string, more: Partial<ActionOperation> = {}): ActionOperation => ({
  ...testOperation(),
  protocol: 'agent',
  tool: 'Shell',
  place: '/code/shop',
  bindings: [],
  text,
  digest: text.padEnd(64, '0').slice(0, 64),
  effects: { ...testOperation().effects, class: 'execute', ops: [text.split(' ')[0]!], fingerprint: text },
  ...more,
});

/** Twenty rows each and 200 in all for thirty minutes in this conversation. */
const BATCH: GrantScope = {
  kind: 'conversation',
  minutes: 30,
  reach: 'pattern',
  values: [SAME, ANY],
  budget: { rowsEach: 20, rows: 200 },
};

function setup() {
  const time = testTime();
  let ids = 0;
  const shown: string[] = [];
  const approvals = createApprovals({
    clock: time.clock,
    schedule: time.schedule,
    newId: () => `id-${++ids}`,
    conversationOf: (session) => (session.startsWith('session') ? 'conversation-1' : null),
    onEvent: (event) =>
      event.type === 'approval' && event.approval.state === 'waiting' && shown.push(event.approval.id),
    localTime,
  });
  const grant = (scope: GrantScope, operation: Operation = refund(1)) => {
    const { approvalId } = approvals.hold(operation, testVerdict());
    return approvals.decide({
      approvalId,
      digest: operation.digest,
      decision: 'approve',
      scope,
      message: null,
      channel: 'console',
      level: 'click',
      decidedBy: 'dev',
    }).grantId!;
  };
  const covered = (operation: Operation) => approvals.coveredBy(operation, testVerdict())?.id ?? null;
  /** What a statement of so many estimated rows comes to: the grant, or null where a person is asked. */
  const counted = async (operation: Operation, rows: number | null) => {
    expect(covered(operation)).toBeNull();
    const before = shown.length;
    const hold = approvals.hold(operation, testVerdict());
    hold.setEstimate(rows);
    if (shown.length === before) return (await hold.outcome).approval.grantId;
    hold.withdraw('test');
    return null;
  };
  const last = () => approvals.grants()[0]!;
  return { time, approvals, shown, grant, covered, counted, last };
}
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('a grant with limits', () => {
  it('says them in its sentence', () => {
    const { grant, last } = setup();
    grant(BATCH);
    expect(last().sentence).toBe(
      "Statements like “UPDATE orders SET status = 'paid' WHERE id = ‹any number›” on demo/shop as app, at most 20 rows each, 200 rows in all, in this conversation, until 10:30",
    );
  });

  it('says the whole statement, over several lines and with parameters too', () => {
    const { grant, last } = setup();
    const text = "-- pay\nUPDATE orders\n   SET status = 'paid'\n WHERE id = $1";
    const parameters = [{ type: 23, format: 'text' as const, value: 'Nw==' }];
    grant({ ...BATCH, values: [SAME, { kind: 'most', most: 9 }] }, testOperation({ text, parameters }));
    expect(last().sentence).toContain("“-- pay\nUPDATE orders\n   SET status = 'paid'\n WHERE id = $1, $1 = ‹0 to 9›”");
  });

  it('covers other values where they may be others, in every session of its conversation', async () => {
    const { grant, counted } = setup();
    const id = grant(BATCH);
    expect(await counted(refund(2), 1)).toBe(id);
    expect(await counted(refund(3, { sessionId: 'session-2' }), 20)).toBe(id);
    expect(await counted(refund(4, { sessionId: 'elsewhere' }), 1)).toBeNull();
    expect(
      await counted(testOperation({ text: "UPDATE orders SET status = 'gone' WHERE id = 2", parameters: [] }), 1),
    ).toBeNull();
  });

  it('asks about what would touch more rows, or of which nobody can say', async () => {
    const { grant, counted, shown } = setup();
    const id = grant(BATCH);
    const before = shown.length;
    expect(await counted(refund(2), 21)).toBeNull();
    expect(await counted(refund(2), null)).toBeNull();
    expect(shown.length).toBe(before + 2);
    expect(await counted(refund(2), 20)).toBe(id);
    expect(shown.length).toBe(before + 2);
  });

  it('asks where the rows were not counted in time', () => {
    const { grant, approvals, shown, time } = setup();
    grant(BATCH);
    const before = shown.length;
    approvals.hold(refund(2), testVerdict());
    expect(approvals.list({ state: 'waiting', offset: 0, limit: 10 }).total).toBe(0);
    expect(approvals.waiting).toBe(0);
    time.pass(5_000);
    expect(shown.length).toBe(before + 1);
    expect(approvals.waiting).toBe(1);
  });

  it('counts what really happened, also of what it was made of, and asks when it is used up', async () => {
    const { grant, counted, approvals, last } = setup();
    const id = grant(BATCH);
    approvals.grantSpent(id, 20);
    for (let used = 20; used < 200; used += 20) {
      expect(await counted(refund(used), 20)).toBe(id);
      approvals.grantSpent(id, 20);
    }
    expect(last()).toMatchObject({ rows: 200, uses: 9, endedAt: null });
    expect(await counted(refund(1), 1)).toBeNull();
    expect(await counted(refund(1), 0)).toBeNull();
  });

  it('keeps rows of what has not ended yet, so that two at once do not spend the same', async () => {
    const { grant, counted, approvals } = setup();
    const id = grant({ ...BATCH, budget: { rows: 30 } });
    approvals.grantSpent(id, 1);
    expect(await counted(refund(2), 20)).toBe(id);
    expect(await counted(refund(3), 20)).toBeNull();
    approvals.grantSpent(id, 2);
    expect(await counted(refund(3), 20)).toBe(id);
  });

  it('keeps the larger of two that run in two sessions when it does not know which has ended', async () => {
    const { grant, counted, approvals } = setup();
    const id = grant({ ...BATCH, budget: { rows: 40 } });
    approvals.grantSpent(id, 1);
    expect(await counted(refund(2), 20)).toBe(id);
    expect(await counted(refund(3), 2)).toBe(id);
    approvals.grantSpent(id, 2);
    expect(await counted(refund(4), 20)).toBeNull();
    approvals.grantSpent(id, 5);
    expect(await counted(refund(4), 20)).toBe(id);
  });

  it.each([
    [[21], 'one touched 21 rows, and at most 20 were agreed to'],
    [Array.from({ length: 11 }, () => 19), '209 rows were touched in all, and 200 were agreed to'],
  ])('ends when more was touched than was agreed to', (rows, why) => {
    const { grant, approvals, last, covered } = setup();
    const id = grant(BATCH);
    for (const one of rows) approvals.grantSpent(id, one);
    expect(last()).toMatchObject({ id, endedAt: expect.any(String), endedBecause: why });
    expect(covered(refund(2))).toBeNull();
  });

  it('ends with its uses, its time and when it is revoked', () => {
    const { grant, covered, time, approvals } = setup();
    const uses = grant({ ...BATCH, budget: { uses: 3 } });
    expect([covered(refund(2)), covered(refund(3)), covered(refund(4))]).toEqual([uses, uses, null]);
    const timed = grant({ ...BATCH, budget: {} });
    expect(covered(refund(2))).toBe(timed);
    time.pass(30 * 60_000);
    expect(covered(refund(2))).toBeNull();
    const revoked = grant({ ...BATCH, budget: {} });
    approvals.revokeGrant(revoked);
    expect(covered(refund(2))).toBeNull();
  });

  it('is refused where its values cannot be told apart, where rules are missing, and outside of a conversation', () => {
    const { grant, approvals } = setup();
    const tricky = testOperation({ text: "UPDATE orders SET status = E'paid'", parameters: [] });
    expect(() => grant({ ...BATCH, values: [SAME] }, tricky)).toThrow(code('GRANT_REFUSED'));
    expect(() => grant({ ...BATCH, values: [SAME] })).toThrow(code('GRANT_REFUSED'));
    expect(() => grant({ ...BATCH, values: [{ kind: 'most', most: 5 }, SAME] })).toThrow(code('GRANT_REFUSED'));
    expect(() => grant(BATCH, refund(1, { sessionId: 'elsewhere' }))).toThrow(code('GRANT_REFUSED'));
    expect(approvals.grants()).toEqual([]);
  });
});

describe('a grant with limits for commands', () => {
  const BELOW: GrantScope = {
    kind: 'conversation',
    minutes: 60,
    reach: 'pattern',
    values: [{ kind: 'starts', starts: 'src/' }],
    budget: { uses: 50 },
  };

  it('covers the same program and subcommand below a folder', () => {
    const { grant, covered, last } = setup();
    const id = grant(BELOW, command('npx vitest run src/cart.test.ts'));
    expect(last().sentence).toBe(
      'Shell like “npx vitest run ‹src/…›” by demo in /code/shop, 50 times at most, in this conversation, until 11:00',
    );
    expect(covered(command('npx vitest run src/tax.test.ts'))).toBe(id);
    for (const other of [
      'npx vitset run src/tax.test.ts',
      'npx vitest run src/../x.test.ts',
      'npx vitest run test/tax.test.ts',
      'npx vitest run src/a.test.ts; rm -rf /',
      'npx vitest run src/a.test.ts src/b.test.ts',
      'npx vitest run --config=x src/a.test.ts',
    ])
      expect(covered(command(other))).toBeNull();
    expect(covered(command('npx vitest run src/tax.test.ts', { place: '/code/other' }))).toBeNull();
    const worse = command('npx vitest run src/tax.test.ts');
    expect(covered({ ...worse, effects: { ...worse.effects, flags: ['outside-workspace'] } })).toBeNull();
    expect(covered({ ...worse, bindings: [{ name: 'file:/code/shop/x', value: 'a' }] })).toBeNull();
  });

  it('has no budget of rows', () => {
    const { grant } = setup();
    const scope: GrantScope = { ...BELOW, budget: { rows: 5 } };
    expect(() => grant(scope, command('npx vitest run src/cart.test.ts'))).toThrow(code('GRANT_REFUSED'));
  });
});
