import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { GrantScope, PresenceLevel, Verdict } from '../contract/decision.ts';
import { OPERATION_CLASSES, type Operation } from '../contract/operation.ts';
import { createApprovals } from './approvals.ts';
import { createGrantFile, type GrantFile } from './grant-file.ts';
import { localTime, type OperationChanges, testOperation, testTime, testVerdict } from './test-operation.ts';

const SESSION: GrantScope = { kind: 'session', reach: 'shape' };
const HOUR: GrantScope = { kind: 'minutes', minutes: 60, reach: 'shape' };

function setup(grantFile?: GrantFile, time = testTime()) {
  const ended: string[] = [];
  let ids = 0;
  const approvals = createApprovals({
    clock: time.clock,
    schedule: time.schedule,
    ...(grantFile ? { grantFile } : {}),
    newId: () => `id-${++ids}`,
    onEvent: (event) => event.type === 'grant' && event.grant.endedAt !== null && ended.push(event.grant.id),
    localTime,
  });
  const grant = (
    scope: GrantScope,
    operation: Operation = testOperation(),
    verdict: Verdict = testVerdict(),
    level: PresenceLevel = 'click',
  ) => {
    const { approvalId } = approvals.hold(operation, verdict);
    return approvals.decide({
      approvalId,
      digest: operation.digest,
      decision: 'approve',
      scope,
      message: null,
      channel: 'console',
      level,
      decidedBy: 'dev',
    });
  };
  const covered = (operation: Operation = testOperation(), verdict: Verdict = testVerdict()) =>
    approvals.coveredBy(operation, verdict)?.id ?? null;
  return { time, ended, approvals, grant, covered };
}
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('a grant', () => {
  it('covers the shape with other values, counts its uses and says what it is', () => {
    const { approvals, grant, covered } = setup();
    const { grantId } = grant(SESSION);
    const other = testOperation({
      text: 'UPDATE orders SET status = 3 WHERE id = 4',
      parameters: [],
      transaction: 'in-transaction',
    });
    expect(covered(other)).toBe(grantId);
    expect(covered()).toBe(grantId);
    expect(approvals.grants()).toMatchObject([
      {
        id: grantId,
        uses: 2,
        scope: 'session',
        decidedBy: 'dev',
        sentence:
          'Statements of the shape “UPDATE orders SET status = $1 WHERE id = $2” on demo/shop as app, in this session, until 18:00',
      },
    ]);
  });

  const base = testOperation();
  it.each<[string, OperationChanges, Partial<Verdict>]>([
    ['another shape', { effects: { fingerprint: 'ffff000011112222' } }, {}],
    ['another subject', { identity: { ...base.identity, subject: 'local:other' } }, {}],
    ['another connection', { connectionId: 'other' }, {}],
    ['another database', { database: 'other' }, {}],
    ['another role', { role: 'postgres' }, {}],
    ['another search path', { searchPath: 'evil' }, {}],
    ['another class', { effects: { class: 'read' } }, {}],
    ['another policy', {}, { policyHash: 'b'.repeat(64) }],
    ['a policy that says once', {}, { grantable: false }],
    ['a policy that asks for the PIN', {}, { level: 'pin' }],
    ['a policy that asks for a passkey', {}, { level: 'passkey' }],
    ['a policy that denies', {}, { effect: 'deny' }],
  ])('does not cover %s', (_, operation, verdict) => {
    for (const scope of [SESSION, HOUR]) {
      const { grant, covered } = setup();
      grant(scope);
      expect(covered(testOperation(operation), testVerdict(verdict))).toBeNull();
      expect(covered()).not.toBeNull();
    }
  });

  it('of a session covers that session only; one of minutes covers all of them', () => {
    const other = testOperation({ sessionId: 'session-2' });
    const session = setup();
    session.grant(SESSION);
    expect(session.covered(other)).toBeNull();
    const minutes = setup();
    minutes.grant(HOUR);
    expect(minutes.covered(other)).not.toBeNull();
  });

  it.each(OPERATION_CLASSES.filter((name) => !['session', 'read', 'write'].includes(name)))(
    'is never made of class %s, nor covers it',
    (name) => {
      const { approvals, grant, covered } = setup();
      const worse = testOperation({ effects: { class: name } });
      expect(() => grant(SESSION, worse)).toThrow(code('GRANT_REFUSED'));
      // Nothing was decided: the person may still approve it once.
      expect(approvals.waiting).toBe(1);
      grant(SESSION);
      expect(covered(worse)).toBeNull();
    },
  );

  it('is not made where the policy says once, or asks for more than a click', () => {
    const { approvals, grant } = setup();
    expect(() => grant(SESSION, testOperation(), testVerdict({ grantable: false }))).toThrow(code('GRANT_REFUSED'));
    const { approvalId } = approvals.hold(testOperation(), testVerdict({ level: 'pin' }));
    expect(() =>
      approvals.decide({
        approvalId,
        digest: testOperation().digest,
        decision: 'approve',
        scope: HOUR,
        message: null,
        channel: 'console',
        level: 'pin',
        decidedBy: 'dev',
      }),
    ).toThrow(code('GRANT_REFUSED'));
    expect(approvals.grants()).toEqual([]);
  });
});

describe('a grant for exactly this', () => {
  const EXACT: GrantScope = { kind: 'minutes', minutes: 60, reach: 'exact' };
  const base = testOperation();

  it('covers the same again, in another session too, and says so', () => {
    const { approvals, grant, covered } = setup();
    const { grantId } = grant(EXACT);
    expect(covered(testOperation({ sessionId: 'session-2' }))).toBe(grantId);
    expect(approvals.grants()[0]?.sentence).toBe(
      'Exactly the statement “UPDATE orders SET status = $1 WHERE id = $2”, with the same parameters, on demo/shop as app, in any session, until 11:00',
    );
  });

  it.each<[string, OperationChanges]>([
    ['another text of the same shape', { text: 'UPDATE orders SET status = $1 WHERE id = $2 ' }],
    ['another value', { parameters: [base.parameters[0]!, { type: 23, format: 'text', value: 'OA==' }] }],
    ['a value of another type', { parameters: [base.parameters[0]!, { type: 20, format: 'text', value: 'Nw==' }] }],
    ['fewer values', { parameters: base.parameters.slice(0, 1) }],
    ['another transaction state', { transaction: 'in-transaction' }],
    ['another role', { role: 'postgres' }],
    ['another search path', { searchPath: 'evil' }],
    ['another person', { identity: { ...base.identity, subject: 'local:other' } }],
  ])('does not cover %s', (_, changes) => {
    const { grant, covered } = setup();
    grant(EXACT);
    expect(covered(testOperation(changes))).toBeNull();
    expect(covered()).not.toBeNull();
  });

  it('of a session covers that session only', () => {
    const { grant, covered } = setup();
    grant({ kind: 'session', reach: 'exact' });
    expect(covered(testOperation({ sessionId: 'session-2' }))).toBeNull();
    expect(covered()).not.toBeNull();
  });
});

describe('a grant for days', () => {
  const DAYS: GrantScope = { kind: 'minutes', minutes: 30 * 24 * 60, reach: 'exact' };
  const MINUTE = 60_000;

  it('takes the PIN, and then lasts until its day', () => {
    const { approvals, time, grant, covered } = setup();
    expect(() => grant(DAYS)).toThrow(code('PRESENCE_TOO_LOW'));
    expect(approvals.waiting).toBe(1);
    const { grantId } = grant(DAYS, testOperation(), testVerdict(), 'pin');
    expect(approvals.grants()[0]).toMatchObject({
      standing: true,
      sentence: expect.stringContaining('2026-02-04 10:00'),
    });
    time.pass(30 * 24 * 60 * MINUTE - 1);
    expect(covered()).toBe(grantId);
    time.pass(1);
    expect(covered()).toBeNull();
  });

  it('is there again after a restart, with its uses, and only while the policy is the same', () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-'));
    try {
      const time = testTime();
      const problems: string[] = [];
      const start = (policyHash = testVerdict().policyHash) => {
        const file = join(folder, 'grants.json');
        const onProblem = (sentence: string) => void problems.push(sentence);
        return setup(createGrantFile({ file, clock: time.clock, policyHash, onProblem }), time);
      };
      const first = start();
      const { grantId } = first.grant(DAYS, testOperation(), testVerdict(), 'pin');
      first.grant({ kind: 'minutes', minutes: 480, reach: 'exact' });
      first.covered();
      first.approvals.close();
      const second = start();
      expect(second.approvals.grants()).toMatchObject([{ id: grantId, uses: 1 }]);
      expect(second.covered()).toBe(grantId);
      expect(start('b'.repeat(64)).approvals.grants()).toEqual([]);
      time.pass(30 * 24 * 60 * MINUTE);
      expect(second.ended).toEqual([grantId]);
      expect(start().approvals.grants()).toEqual([]);
      const again = start();
      const { grantId: revoked } = again.grant(DAYS, testOperation(), testVerdict(), 'pin');
      again.approvals.revokeGrant(revoked!);
      expect(start().covered()).toBeNull();
      expect(problems).toEqual([]);
      writeFileSync(join(folder, 'grants.json'), '[{"standing":true}]');
      expect(start().approvals.grants()).toEqual([]);
      expect(problems).toEqual([expect.stringContaining('cannot be read')]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('a grant ends', () => {
  it('when its minutes are over', () => {
    const { time, ended, grant, covered } = setup();
    const { grantId } = grant(HOUR);
    time.pass(60 * 60_000 - 1);
    expect(covered()).toBe(grantId);
    time.pass(1);
    expect(ended).toEqual([grantId]);
    expect(covered()).toBeNull();
  });

  it('by the clock when its timer is late', () => {
    const { time, grant, covered } = setup();
    grant(HOUR);
    time.sleep(60 * 60_000);
    expect(covered()).toBeNull();
  });

  it('after eight hours, though its session lives on', () => {
    const { time, grant, covered } = setup();
    grant(SESSION);
    time.pass(8 * 60 * 60_000 - 1);
    expect(covered()).not.toBeNull();
    time.pass(1);
    expect(covered()).toBeNull();
  });

  it('with its session, by revocation, and by a change of the policy', () => {
    const { approvals, grant, covered, ended } = setup();
    const first = grant(SESSION).grantId!;
    approvals.sessionClosed('session-1');
    expect(covered()).toBeNull();
    const second = grant(HOUR).grantId!;
    approvals.sessionClosed('session-1');
    expect(covered()).toBe(second);
    expect(approvals.revokeGrant(second)).toMatchObject({ id: second, revokedAt: expect.any(String), uses: 1 });
    expect(covered()).toBeNull();
    expect(approvals.revokeGrant(second).revokedAt).not.toBeNull();
    const third = grant(HOUR).grantId!;
    approvals.policyChanged('a'.repeat(64));
    expect(covered()).toBe(third);
    approvals.policyChanged('b'.repeat(64));
    // Coming back to the old policy does not bring it back.
    approvals.policyChanged('a'.repeat(64));
    expect(covered()).toBeNull();
    expect(ended).toEqual([first, second, third]);
    expect(() => approvals.revokeGrant('nothing')).toThrow(code('GRANT_UNKNOWN'));
  });
});

it('refuses more than two hundred live grants', () => {
  const { grant } = setup();
  for (let i = 0; i < 200; i++) grant(HOUR);
  expect(() => grant(HOUR)).toThrow(code('GRANTS_FULL'));
});
