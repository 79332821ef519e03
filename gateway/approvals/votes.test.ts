import { describe, expect, it } from 'vitest';
import { type ApproverDemand, type ApproverVote, demandInWords, unmetNeeds } from '../contract/approvers.ts';
import type { PresenceLevel, Verdict } from '../contract/decision.ts';
import type { Identity } from '../contract/identity.ts';
import { createApprovals } from './approvals.ts';
import { localTime, testOperation, testTime, testVerdict } from './test-operation.ts';

const ADA: Identity = { subject: 'acme:1', display: 'ada@example.com', kind: 'oidc', verified: true, groups: ['dba'] };
const LOCAL: Identity = { subject: 'local:ada', display: 'ada', kind: 'local', verified: false, groups: ['dba'] };
const twoOfDba: ApproverDemand = { needs: [{ group: 'dba', count: 2 }], notRequester: false };
const other: ApproverDemand = { needs: [{ group: 'dba', count: 1 }], notRequester: true };

const vote = (person: string, changes: Partial<ApproverVote> = {}): ApproverVote => ({
  person,
  groups: ['dba'],
  channel: 'mailbox',
  level: 'pin',
  at: '2026-01-05T10:00:00.000Z',
  note: 'signed',
  ...changes,
});

function setup(person: Identity = ADA, missing: string | null = null) {
  const time = testTime();
  let ids = 0;
  const approvals = createApprovals({
    clock: time.clock,
    schedule: time.schedule,
    newId: () => `id-${++ids}`,
    localTime,
    approvers: { missing: () => missing, person: () => person },
  });
  const hold = (approvers: ApproverDemand, changes: Partial<Verdict> = {}, identity = ADA) =>
    approvals.hold(testOperation({ identity }), testVerdict({ approvers, grantable: false, ...changes }));
  const decide = (id: string, decision: 'approve' | 'deny' = 'approve', level: PresenceLevel = 'click') =>
    approvals.decide({
      approvalId: id,
      digest: approvals.get(id)!.operation.digest,
      decision,
      scope: { kind: 'once' },
      message: null,
      channel: 'console',
      level,
      decidedBy: person.display,
    });
  const digestOf = (id: string) => approvals.get(id)!.operation.digest;
  return { approvals, hold, decide, digestOf, time };
}

const code = (name: string) => expect.objectContaining({ code: name });

describe('who has to approve', () => {
  it('is said in words', () => {
    expect(demandInWords({ ...twoOfDba, notRequester: true }, 'ada@example.com')).toBe(
      'needs two people of dba, other than ada@example.com',
    );
    expect(demandInWords({ needs: [{ group: null, count: 1 }], notRequester: true }, 'ada')).toBe(
      'needs one person, other than ada',
    );
  });

  it('takes as many different people as are asked for, and the same one once', async () => {
    const { approvals, hold, decide, digestOf } = setup();
    const held = hold(twoOfDba);
    expect(decide(held.approvalId)).toMatchObject({ state: 'waiting', votes: [{ person: 'ada@example.com' }] });
    expect(() => decide(held.approvalId)).toThrow(/has approved it already/);
    expect(() => approvals.vote(held.approvalId, digestOf(held.approvalId), vote('ADA@example.com'))).toThrow(
      code('APPROVER_REFUSED'),
    );
    expect(approvals.waiting).toBe(1);
    const done = approvals.vote(held.approvalId, digestOf(held.approvalId), vote('bob@example.com'));
    expect(done).toMatchObject({
      state: 'approved',
      channel: 'mailbox',
      decidedBy: 'ada@example.com and bob@example.com',
    });
    expect((await held.outcome).approval.votes).toHaveLength(2);
    expect(() => approvals.vote(held.approvalId, digestOf(held.approvalId), vote('eve@example.com'))).toThrow(
      code('APPROVAL_NOT_WAITING'),
    );
  });

  it('ends with a denial by one, also after somebody approved, and by whoever is at the machine', async () => {
    const { hold, decide } = setup(LOCAL);
    const held = hold(twoOfDba, {}, LOCAL);
    expect(decide(held.approvalId, 'deny')).toMatchObject({ state: 'denied' });
    expect((await held.outcome).state).toBe('denied');
  });

  it.each<[string, Identity, ApproverDemand, RegExp]>([
    [
      'the requester, where policy wants somebody else',
      ADA,
      other,
      /needs one person of dba, other than ada@example.com; ada@example.com is who asks/,
    ],
    ['somebody of another group', { ...ADA, groups: ['everybody'] }, twoOfDba, /is in none of these groups/],
    ['a local account', LOCAL, twoOfDba, /nobody is signed in/],
    ['a workload', { ...ADA, kind: 'workload' }, twoOfDba, /nobody is signed in/],
  ])('is not %s at the machine, and it waits on', (_, person, demand, sentence) => {
    const { approvals, hold, decide } = setup(person);
    const held = hold(demand);
    expect(() => decide(held.approvalId, 'approve', 'passkey')).toThrow(sentence);
    expect(approvals.waiting).toBe(1);
  });

  it('is nobody where nobody vouches for who asks and it has to be somebody else', () => {
    const { hold, decide } = setup({ ...ADA, display: 'bob', subject: 'acme:2' });
    const held = hold(other, {}, LOCAL);
    expect(() => decide(held.approvalId)).toThrow(/nobody vouches for who ada is/);
  });

  it('proves as much as policy asks, wherever they are', () => {
    const { approvals, hold, decide, digestOf } = setup();
    const { approvalId } = hold(twoOfDba, { level: 'pin' });
    expect(() => decide(approvalId)).toThrow(code('PRESENCE_TOO_LOW'));
    expect(() => approvals.vote(approvalId, digestOf(approvalId), vote('bob', { level: 'click' }))).toThrow(
      code('PRESENCE_TOO_LOW'),
    );
    expect(() => approvals.vote(approvalId, '0'.repeat(64), vote('bob'))).toThrow(code('APPROVAL_MISMATCH'));
    expect(approvals.get(approvalId)?.votes).toBeUndefined();
  });

  it('is asked for at once, and denied unasked where too few can be reached', () => {
    const { hold } = setup(ADA, 'nobody of dba is in the trust note');
    expect(() => hold(twoOfDba)).toThrow(/needs two people of dba, and nobody of dba is in the trust note/);
    expect(() =>
      createApprovals({ ...setup(), clock: { now: () => 0 }, newId: () => 'x', schedule: () => () => {} }).hold(
        testOperation(),
        testVerdict({ approvers: twoOfDba }),
      ),
    ).toThrow(code('APPROVERS_MISSING'));
  });

  it('is not replaced by a grant, and makes none', () => {
    const { approvals, hold, digestOf } = setup();
    const first = approvals.hold(testOperation({ identity: ADA }), testVerdict());
    const scope = { kind: 'minutes', minutes: 5, reach: 'shape' } as const;
    const input = { decision: 'approve', message: null, channel: 'console', level: 'click', decidedBy: 'ada' } as const;
    approvals.decide({ ...input, approvalId: first.approvalId, digest: digestOf(first.approvalId), scope });
    const again = testOperation({ identity: ADA });
    expect(approvals.coveredBy(again, testVerdict())).not.toBeNull();
    expect(approvals.coveredBy(again, testVerdict({ approvers: twoOfDba }))).toBeNull();
    const { approvalId } = hold(twoOfDba, { grantable: true });
    expect(() => approvals.decide({ ...input, approvalId, digest: digestOf(approvalId), scope })).toThrow(
      code('GRANT_REFUSED'),
    );
  });

  it('has the policy’s time and no more: what travels says when it ends', () => {
    const { approvals, hold, time } = setup();
    const { approvalId } = hold(twoOfDba, { expiresSeconds: 60 });
    const { expiresAt, latestAt } = approvals.get(approvalId)!;
    expect(latestAt).toBe(expiresAt);
    time.pass(30_000);
    expect(approvals.extend(approvalId).expiresAt).toBe(expiresAt);
    time.pass(30_000);
    expect(approvals.get(approvalId)?.state).toBe('expired');
  });

  it('may be one person for two groups, and counts each group by itself', () => {
    const demand = {
      needs: [
        { group: 'dba', count: 1 },
        { group: 'security', count: 2 },
      ],
      notRequester: false,
    };
    const both = vote('bob', { groups: ['dba', 'security'] });
    expect(unmetNeeds(demand, [both])).toEqual([{ group: 'security', count: 1 }]);
    expect(unmetNeeds(demand, [both, vote('bob', { groups: ['security'] })])).toHaveLength(1);
    expect(unmetNeeds(demand, [both, vote('eve', { groups: ['security'] })])).toEqual([]);
  });
});
