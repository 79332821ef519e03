import { describe, expect, it } from 'vitest';
import type { Verdict } from '../contract/decision.ts';
import type { Parameter, StatementOperation } from '../contract/operation.ts';
import type { ActionDigestInput } from '../contract/operation-digest.ts';
import type { DecisionInput } from '../pipeline/ports.ts';
import { type ApprovalEvent, createApprovals } from './approvals.ts';
import { actionDigest, statementDigest } from './digest.ts';
import type { ApprovalLimits } from './limits.ts';
import { localTime, testOperation, testTime, testVerdict } from './test-operation.ts';

function setup(limits: Partial<ApprovalLimits> = {}, passkeyMissing: string | null = null) {
  const time = testTime();
  const events: ApprovalEvent[] = [];
  let ids = 0;
  const approvals = createApprovals({
    clock: time.clock,
    schedule: time.schedule,
    newId: () => `id-${++ids}`,
    limits,
    passkeyMissing: () => passkeyMissing,
    onEvent: (event) => events.push(event),
    localTime,
  });
  const hold = (operation: StatementOperation = testOperation(), verdict: Verdict = testVerdict()) => {
    const held = approvals.hold(operation, verdict);
    const decide = (changes: Partial<DecisionInput> = {}) =>
      approvals.decide({
        approvalId: held.approvalId,
        digest: operation.digest,
        decision: 'approve',
        scope: { kind: 'once' },
        message: null,
        channel: 'console',
        level: 'click',
        decidedBy: 'dev',
        ...changes,
      });
    return { ...held, decide };
  };
  return { time, events, approvals, hold };
}

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('an approval', () => {
  it('waits, is approved once, and is then history', async () => {
    const { approvals, hold, events, time } = setup();
    const held = hold();
    expect(approvals.waiting).toBe(1);
    held.setEstimate(12);
    expect(approvals.get(held.approvalId)).toMatchObject({ state: 'waiting', estimatedRows: 12 });
    held.decide();
    const outcome = await held.outcome;
    expect(outcome).toMatchObject({
      state: 'approved',
      approval: { decidedBy: 'dev', channel: 'console', grantId: null },
    });
    expect(approvals.waiting).toBe(0);
    expect(time.timers).toBe(0);
    expect(events.map((event) => event.type === 'approval' && event.approval.state)).toEqual([
      'waiting',
      'waiting',
      'approved',
    ]);
    expect(() => held.decide()).toThrow(code('APPROVAL_NOT_WAITING'));
    expect(() => held.decide({ decision: 'deny' })).toThrow(code('APPROVAL_NOT_WAITING'));
    // Single use: the same operation asks again.
    expect(approvals.coveredBy(testOperation(), testVerdict())).toBeNull();
  });

  it('carries the words of a denial', async () => {
    const held = setup().hold();
    held.decide({ decision: 'deny', message: 'use staging' });
    expect(await held.outcome).toMatchObject({ state: 'denied', approval: { message: 'use staging' } });
  });

  it('is denied by expiry, which makes no rule', async () => {
    const { approvals, hold, time } = setup();
    const held = hold();
    time.pass(599_999);
    expect(approvals.waiting).toBe(1);
    time.pass(1);
    expect(await held.outcome).toMatchObject({ state: 'expired', approval: { channel: 'timeout', decidedBy: null } });
    expect(() => held.decide()).toThrow(code('APPROVAL_NOT_WAITING'));
    expect(approvals.grants()).toEqual([]);
  });

  it('expires by the clock when its timer is late', async () => {
    const { hold, time } = setup();
    const held = hold();
    time.sleep(600_000);
    expect(() => held.decide()).toThrow(code('APPROVAL_NOT_WAITING'));
    expect((await held.outcome).state).toBe('expired');
  });

  it('is withdrawn by its client, by the end of its session, by a new policy and by the end of the gateway', async () => {
    const { approvals, hold } = setup();
    const cancelled = hold();
    cancelled.withdraw('cancelled by the client');
    cancelled.withdraw('twice is harmless');
    expect(await cancelled.outcome).toMatchObject({
      state: 'withdrawn',
      approval: { message: 'cancelled by the client' },
    });
    expect(() => cancelled.decide()).toThrow(code('APPROVAL_NOT_WAITING'));
    const closed = hold();
    approvals.sessionClosed('other');
    expect(approvals.waiting).toBe(1);
    approvals.sessionClosed('session-1');
    expect((await closed.outcome).state).toBe('withdrawn');
    const outdated = hold();
    approvals.policyChanged('a'.repeat(64));
    expect(approvals.waiting).toBe(1);
    approvals.policyChanged('b'.repeat(64));
    expect((await outdated.outcome).state).toBe('withdrawn');
    const last = hold();
    approvals.close();
    expect((await last.outcome).state).toBe('withdrawn');
  });

  it('takes the level that the policy asks for', () => {
    const { hold, approvals } = setup();
    const held = hold(testOperation(), testVerdict({ level: 'pin' }));
    expect(() => held.decide()).toThrow(code('PRESENCE_TOO_LOW'));
    const passkey = hold(testOperation(), testVerdict({ level: 'passkey' }));
    expect(() => passkey.decide({ level: 'pin' })).toThrow(code('PRESENCE_TOO_LOW'));
    for (const channel of ['grant', 'timeout', 'gateway'] as const) {
      expect(() => held.decide({ level: 'pin', channel })).toThrow(code('PRESENCE_TOO_LOW'));
    }
    expect(approvals.waiting).toBe(2);
    expect(held.decide({ level: 'pin' }).state).toBe('approved');
    // Denying takes nothing.
    expect(passkey.decide({ decision: 'deny' }).state).toBe('denied');
  });

  it('is not asked for where nobody could give it', () => {
    const { hold, approvals } = setup({}, 'ada has no passkey');
    expect(() => hold(testOperation(), testVerdict({ level: 'passkey' }))).toThrow(code('PASSKEY_MISSING'));
    expect(approvals.waiting).toBe(0);
  });

  it('is unknown when it never was', () => {
    expect(() => setup().hold().decide({ approvalId: 'nothing' })).toThrow(code('APPROVAL_UNKNOWN'));
  });
});

describe('an approval is for exactly one operation', () => {
  const base = testOperation();
  const parameter = (changes: Partial<Parameter>) => [{ ...base.parameters[0]!, ...changes }, base.parameters[1]!];
  const changes: Record<string, Partial<StatementOperation>> = {
    session: { sessionId: 'session-2' },
    subject: { identity: { ...base.identity, subject: 'local:other' } },
    connection: { connectionId: 'other' },
    database: { database: 'other' },
    role: { role: 'postgres' },
    'search path': { searchPath: 'evil, public' },
    text: { text: `${base.text} ` },
    transaction: { transaction: 'in-transaction' },
    "a parameter's value": { parameters: parameter({ value: 'b3RoZXI=' }) },
    "a parameter's type": { parameters: parameter({ type: 1043 }) },
    "a parameter's format": { parameters: parameter({ format: 'binary' }) },
    'a parameter that is NULL': { parameters: parameter({ value: null }) },
    'an empty parameter': { parameters: parameter({ value: '' }) },
    'one parameter less': { parameters: base.parameters.slice(0, 1) },
    'one parameter more': { parameters: [...base.parameters, { type: 0, format: 'text', value: null }] },
    'parameters in another order': { parameters: base.parameters.toReversed() },
  };

  it.each(Object.entries(changes))('%s', (_, change) => {
    const changed = testOperation(change);
    expect(changed.digest).not.toBe(base.digest);
    const { hold, approvals } = setup();
    const held = hold(base);
    expect(() => held.decide({ digest: changed.digest })).toThrow(code('APPROVAL_MISMATCH'));
    expect(approvals.waiting).toBe(1);
    expect(held.decide().state).toBe('approved');
  });

  it('is bound to what an action runs, where, by what, and with which content', () => {
    const base: ActionDigestInput = {
      sessionId: 's',
      subject: 'local:dev',
      connectionId: 'cursor',
      protocol: 'agent',
      tool: 'Shell',
      place: '/home/dev/shop',
      text: 'sh deploy.sh',
      bindings: [{ name: '/home/dev/shop/deploy.sh', value: 'aa' }],
    };
    const others: Partial<ActionDigestInput>[] = [
      { sessionId: 't' },
      { subject: 'local:eve' },
      { connectionId: 'codex' },
      { protocol: 'mcp' },
      { tool: 'Write' },
      { place: '/home/dev' },
      { text: 'sh deploy.sh ' },
      { bindings: [] },
      { bindings: [{ name: '/home/dev/shop/deploy.sh', value: 'ab' }] },
      { bindings: [{ name: '/home/dev/shop/deploy.s', value: 'haa' }] },
    ];
    const digests = [{}, ...others].map((change) => actionDigest({ ...base, ...change }));
    expect(new Set(digests).size).toBe(digests.length);
  });

  it('tells NULL, an empty value and the word null apart', () => {
    const of = (value: string | null) =>
      statementDigest({ ...base, subject: 's', parameters: [{ type: 0, format: 'text', value }] });
    expect(new Set([of(null), of(''), of('null'), of('=null')]).size).toBe(4);
  });

  it('does not let one part run into the next', () => {
    const of = (database: string, role: string) => statementDigest({ ...base, subject: 's', database, role });
    expect(of('a', 'bc')).not.toBe(of('ab', 'c'));
    expect(of('a\n1:b', 'c')).not.toBe(of('a', 'b\n1:c'));
  });
});

describe('the queue is bounded', () => {
  it('per session and over all, and denies unasked', () => {
    const { approvals, hold } = setup({ waiting: 5, waitingPerSession: 3 });
    const first = hold();
    hold();
    hold();
    expect(() => hold()).toThrow(code('APPROVALS_FULL'));
    const other = testOperation({ sessionId: 'session-2' });
    hold(other);
    hold(other);
    expect(() => hold(testOperation({ sessionId: 'session-3' }))).toThrow(code('APPROVALS_FULL'));
    expect(approvals.waiting).toBe(5);
    first.withdraw('gone');
    hold();
  });

  it('by the size of what waits', () => {
    const { hold } = setup({ waitingSize: 1000 });
    expect(() => hold(testOperation({ text: 'x'.repeat(1001) }))).toThrow(code('APPROVALS_FULL'));
    hold(testOperation({ text: 'x'.repeat(900) }));
    expect(() => hold(testOperation({ text: 'x'.repeat(200) }))).toThrow(code('APPROVALS_FULL'));
  });

  it('and so is its history, by number and size', () => {
    const { approvals, hold } = setup({ history: 3, historySize: 1000 });
    for (let i = 0; i < 5; i++) hold().decide();
    expect(approvals.list({ state: 'all', offset: 0, limit: 10 })).toMatchObject({ total: 3 });
    hold(testOperation({ text: 'x'.repeat(900) })).decide();
    expect(approvals.list({ state: 'all', offset: 0, limit: 10 }).total).toBe(2);
    expect(approvals.list({ state: 'waiting', offset: 0, limit: 10 }).total).toBe(0);
  });

  it('lists waiting ones oldest first, then what was decided, latest first', () => {
    const { approvals, hold } = setup();
    const held = ['one', 'two', 'three', 'four'].map((text) => hold(testOperation({ text })));
    held[0]!.decide();
    held[2]!.decide();
    const texts = (offset: number, limit: number) =>
      approvals.list({ state: 'all', offset, limit }).items.map((item) => item.operation.text);
    expect(texts(0, 10)).toEqual(['two', 'four', 'three', 'one']);
    expect(texts(1, 2)).toEqual(['four', 'three']);
  });
});

describe('unanswered requests', () => {
  it('pause their session for five minutes after two in a row', () => {
    const { approvals, hold, time } = setup();
    hold();
    time.pass(600_000);
    hold();
    time.pass(600_000);
    expect(() => hold()).toThrow(code('APPROVALS_PAUSED'));
    expect(() => hold()).toThrow(/paused: for the next 5 minutes/);
    expect(approvals.paused()).toMatchObject([{ sessionId: 'session-1' }]);
    hold(testOperation({ sessionId: 'session-2' })).withdraw('');
    time.pass(300_000);
    expect(approvals.paused()).toEqual([]);
    hold();
  });

  it('count in a row only, and a person resumes', () => {
    const { approvals, hold, time } = setup();
    hold();
    time.pass(600_000);
    hold().decide();
    hold();
    time.pass(600_000);
    hold();
    time.pass(600_000);
    expect(() => hold()).toThrow(code('APPROVALS_PAUSED'));
    approvals.resume('session-1');
    hold();
  });
});
