import { describe, expect, it } from 'vitest';
import type { ApproverVote } from '../../contract/approvers.ts';
import type { Identity } from '../../contract/identity.ts';
import type { ApprovalDecision } from '../../evidence/format/mailbox-documents.ts';
import { signDocument } from '../../evidence/format/signed-document.ts';
import { testSigner } from '../../evidence/format/test-keys.ts';
import { always, chainOf, month, NOW, revokedIn, rootVkey, vkeyOf } from '../../evidence/trust/test-trust.ts';
import { verifyTrust } from '../../evidence/trust/verify-trust.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { approverCheck, type DemandedApproval } from './approver-facts.ts';

const bob = testSigner('countersign/approver/bob');
const DIGEST = 'a'.repeat(64);
const ADA: Identity = { subject: 'acme:1', display: 'ada', kind: 'oidc', verified: true, groups: [] };
const trustWith = (validity = always()) => {
  const approver = {
    ...validity,
    person: 'bob',
    groups: ['dba'],
    vkey: vkeyOf(bob),
    recipient: `age1${'q'.repeat(58)}`,
  };
  return verifyTrust(p, rootVkey, chainOf([{ approvers: [approver] }]), NOW);
};
const signed = (changes: Partial<ApprovalDecision> = {}): string =>
  Buffer.from(
    signDocument(
      'approval-decision',
      {
        v: 1,
        org: 'acme',
        device: '01JTESTDEVCE00000000000001',
        approval: 'id-1',
        nonce: '0'.repeat(32),
        digest: DIGEST,
        decision: 'approve',
        person: 'bob',
        vkey: vkeyOf(bob),
        level: 'pin',
        proof: null,
        message: null,
        at: month(5),
        ...changes,
      },
      [bob],
    ),
  ).toString();
const vote = (changes: Partial<ApproverVote> = {}): ApproverVote => ({
  person: 'bob',
  groups: ['dba'],
  channel: 'mailbox',
  level: 'pin',
  at: month(5),
  note: signed(),
  ...changes,
});
const asked = (changes: Partial<DemandedApproval> = {}): DemandedApproval => ({
  id: 'id-1',
  digest: DIGEST,
  level: 'pin',
  effect: 'allow',
  demand: { needs: [{ group: 'dba', count: 1 }], notRequester: true },
  votes: [vote()],
  ...changes,
});
const check = (one: DemandedApproval, trust = trustWith()) => approverCheck([one], ADA, trust, month(5));

describe('approvers, verified again', () => {
  it('are named where each signed for exactly this request', async () => {
    expect(await check(asked())).toMatchObject({
      status: 'ok',
      sentence: expect.stringContaining('id-1 by bob (pin, 2026-05'),
    });
    expect(await check(asked({ effect: 'deny', votes: [vote({ note: signed({ decision: 'deny' }) })] }))).toMatchObject(
      { status: 'ok' },
    );
    expect(await approverCheck([], ADA, trustWith(), null)).toBeNull();
  });

  it('are not checked without a trust note, or where somebody only the machine vouches for is needed', async () => {
    expect((await check(asked(), { ...trustWith(), note: null }))?.status).toBe('not-checked');
    const { note: _, ...local } = vote({ person: 'eve', channel: 'console' });
    expect(await check(asked({ votes: [local] }))).toMatchObject({
      status: 'not-checked',
      sentence: expect.stringContaining('its own word'),
    });
  });

  it.each<[string, Partial<DemandedApproval>, RegExp]>([
    [
      'whose signature was altered',
      { votes: [vote({ note: signed().replace('"level":"pin"', '"level":"click"') })] },
      /not signed by the key/,
    ],
    ['of another request', { votes: [vote({ note: signed({ approval: 'id-2' }) })] }, /another request/],
    ['of another operation', { votes: [vote({ note: signed({ digest: 'b'.repeat(64) }) })] }, /another request/],
    ['that denies', { votes: [vote({ note: signed({ decision: 'deny' }) })] }, /it is a denial/],
    [
      'in a group that nobody gave',
      { votes: [vote({ groups: ['dba', 'security'] })] },
      /not say that bob is of security/,
    ],
    ['recorded as of another level', { votes: [vote({ level: 'passkey' })] }, /another thing than is recorded/],
    ['that proved too little', { votes: [vote({ level: 'click', note: signed({ level: 'click' }) })] }, /took a pin/],
    [
      'by a passkey without its word',
      { level: 'passkey', votes: [vote({ level: 'passkey', note: signed({ level: 'passkey' }) })] },
      /no word of the passkey/,
    ],
    ['of nobody', { votes: undefined }, /one person of dba had not approved/],
    [
      'of too few',
      { demand: { needs: [{ group: 'dba', count: 2 }], notRequester: false } },
      /one person of dba had not/,
    ],
    ['of who asked', { votes: [vote({ person: 'ADA' }), vote()] }, /who approved it all the same/],
    ['that is no list', { votes: 'bob' }, /no form that can be read/],
    ['without what was wanted', { demand: undefined }, /whom policy wanted is not recorded/],
  ])('fail with a decision %s', async (_, changes, why) => {
    expect(await check(asked(changes))).toMatchObject({ status: 'failed', sentence: expect.stringMatching(why) });
  });

  it('fail by a key that had been revoked', async () => {
    expect(await check(asked(), trustWith(revokedIn(4)))).toMatchObject({
      status: 'failed',
      sentence: expect.stringContaining('revoked'),
    });
  });
});
