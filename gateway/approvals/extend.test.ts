import { describe, expect, it } from 'vitest';
import type { Verdict } from '../contract/decision.ts';
import type { Operation } from '../contract/operation.ts';
import { createApprovals } from './approvals.ts';
import { testOperation, testTime, testVerdict } from './test-operation.ts';

function setup(longestMs?: number) {
  const time = testTime();
  let ids = 0;
  const expiries: string[] = [];
  const approvals = createApprovals({
    clock: time.clock,
    schedule: time.schedule,
    newId: () => `id-${++ids}`,
    longestMs,
    onEvent: (event) => {
      if (event.type === 'approval') expiries.push(`${event.approval.state} ${event.approval.expiresAt.slice(11, 19)}`);
    },
  });
  const hold = (operation: Operation = testOperation(), verdict: Verdict = testVerdict(), clientMs?: number) =>
    approvals.hold(operation, verdict, clientMs);
  const settle = (held: { approvalId: string }, decision: 'approve' | 'deny', digest = testOperation().digest) =>
    approvals.decide({
      approvalId: held.approvalId,
      digest,
      decision,
      scope: { kind: 'once' },
      message: null,
      channel: 'console',
      level: 'click',
      decidedBy: 'dev',
    });
  return { time, approvals, hold, settle, expiries };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('extending', () => {
  it('gives the policy’s time again, is told, and then denies all the same', async () => {
    const { time, approvals, hold, expiries } = setup();
    const held = hold();
    time.pass(500_000);
    approvals.extend(held.approvalId);
    time.pass(599_999);
    expect(approvals.waiting).toBe(1);
    time.pass(1);
    expect((await held.outcome).state).toBe('expired');
    expect(expiries).toEqual(['waiting 10:10:00', 'waiting 10:18:20', 'expired 10:18:20']);
    expect(time.timers).toBe(0);
  });

  it('ends at ten times the policy’s time, however often somebody asks', async () => {
    const { time, approvals, hold } = setup();
    const held = hold();
    expect(approvals.get(held.approvalId)?.latestAt).toBe('2026-01-05T11:50:00.000Z');
    for (let minutes = 0; minutes < 109; minutes += 1) {
      time.pass(60_000);
      approvals.extend(held.approvalId);
    }
    expect(approvals.get(held.approvalId)?.expiresAt).toBe('2026-01-05T11:50:00.000Z');
    time.pass(60_000);
    expect((await held.outcome).state).toBe('expired');
  });

  it('never goes past what the client or the gateway waits', async () => {
    const patient = setup();
    const impatient = patient.hold(testOperation(), testVerdict(), 90_000);
    patient.time.pass(60_000);
    expect(patient.approvals.extend(impatient.approvalId).expiresAt).toBe('2026-01-05T10:01:30.000Z');
    patient.time.pass(30_000);
    expect((await impatient.outcome).state).toBe('expired');
    const strict = setup(20_000);
    const held = strict.hold();
    expect(strict.approvals.extend(held.approvalId).expiresAt).toBe('2026-01-05T10:00:20.000Z');
    strict.time.pass(20_000);
    expect((await held.outcome).state).toBe('expired');
  });

  it('never shortens, and a decision after it counts', async () => {
    const { time, approvals, hold, settle, expiries } = setup();
    const held = hold();
    approvals.extend(held.approvalId);
    expect(expiries).toHaveLength(1);
    time.pass(400_000);
    approvals.extend(held.approvalId);
    time.pass(400_000);
    settle(held, 'approve');
    expect((await held.outcome).state).toBe('approved');
  });

  it('is refused for what does not wait, by the clock and not by the timer', async () => {
    const { time, approvals, hold } = setup();
    expect(() => approvals.extend('nothing')).toThrow(code('APPROVAL_UNKNOWN'));
    const held = hold();
    time.sleep(600_000);
    expect(() => approvals.extend(held.approvalId)).toThrow(code('APPROVAL_NOT_WAITING'));
    expect((await held.outcome).state).toBe('expired');
    expect(() => approvals.extend(held.approvalId)).toThrow(/it is expired/);
  });
});

describe('similar requests', () => {
  it('are those of the same shape by the same person on the same connection, the latest first', () => {
    const { time, approvals, hold, settle } = setup();
    const others: Operation[] = [
      testOperation({ connectionId: 'billing' }),
      testOperation({ effects: { fingerprint: 'ffffffffffffffff' } }),
      testOperation({ identity: { ...testOperation().identity, subject: 'local:eve' } }),
    ];
    for (const other of others) settle(hold(other), 'approve', other.digest);
    for (let i = 0; i < 4; i++) settle(hold(), 'approve');
    settle(hold(), 'deny');
    hold();
    time.pass(600_000);
    const asked = hold(testOperation({ text: 'UPDATE orders SET status = $1 WHERE id = $2 -- again' }));
    const { counts, items } = approvals.similar(asked.approvalId);
    expect(counts).toEqual({ approved: 4, denied: 1, expired: 1, withdrawn: 0 });
    expect(items.map(({ state }) => state)).toEqual(['expired', 'denied', 'approved', 'approved', 'approved']);
    expect(() => approvals.similar('nothing')).toThrow(code('APPROVAL_UNKNOWN'));
  });
});
