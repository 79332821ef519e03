import { describe, expect, it } from 'vitest';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { ApproverEntry, TrustNote } from '../format/documents.ts';
import type { ApprovalDecision } from '../format/mailbox-documents.ts';
import { signDocument } from '../format/signed-document.ts';
import { testSigner } from '../format/test-keys.ts';
import { approversAt, judgeDecision } from './approvers.ts';
import { findEntry } from './changes.ts';
import { breaksOf, faultsOf } from './entries.ts';
import { always, chainOf, firstNote, month, NOW, revokedIn, rootVkey, vkeyOf } from './test-trust.ts';
import { verifyTrust } from './verify-trust.ts';
import { stateInWords } from './words.ts';

const bob = testSigner('countersign/approver/bob');
const eve = testSigner('countersign/approver/eve');
const entry = (changes: Partial<ApproverEntry> = {}): ApproverEntry => ({
  ...always(),
  person: 'bob@example.com',
  groups: ['dba'],
  vkey: vkeyOf(bob),
  recipient: `age1${'q'.repeat(58)}`,
  ...changes,
});
const noteOf = (approvers: ApproverEntry[]): TrustNote => firstNote({ approvers });

const decision = (changes: Partial<ApprovalDecision> = {}): ApprovalDecision => ({
  v: 1,
  org: 'acme',
  device: '01JTESTDEVCE00000000000001',
  approval: 'id-1',
  nonce: '0'.repeat(32),
  digest: 'a'.repeat(64),
  decision: 'approve',
  person: 'bob@example.com',
  vkey: vkeyOf(bob),
  level: 'pin',
  proof: null,
  message: null,
  at: month(5),
  ...changes,
});
const signed = (changes: Partial<ApprovalDecision> = {}, signer = bob) =>
  signDocument('approval-decision', decision(changes), [signer]);
const judge = (bytes: Uint8Array, approvers = [entry()], when: string | null = month(5)) =>
  judgeDecision(p, noteOf(approvers), bytes, when, NOW);

describe('approvers in the trust note', () => {
  it('are verified with it, named in words, and found by their names', () => {
    const trust = verifyTrust(p, rootVkey, chainOf([{}, { approvers: [entry()] }]), NOW);
    expect(trust.problems).toEqual([]);
    expect(stateInWords(trust.note!, NOW).join('\n')).toContain('approver bob@example.com of dba');
    for (const name of ['bob@example.com', 'bob', vkeyOf(bob)])
      expect(findEntry(trust.note!, 'approvers', name).person).toBe('bob@example.com');
    expect(() => findEntry(firstNote(), 'approvers', 'bob')).toThrow(/has none called bob/);
  });

  it('are not taken out, and get other groups by another entry', () => {
    const [before, after] = [noteOf([entry()]), noteOf([entry({ groups: ['dba', 'admins'] })])];
    expect(breaksOf(before, after)).toEqual([expect.stringContaining('takes out approver bob@example.com of dba')]);
    expect(breaksOf(before, noteOf([entry({ until: month(6) }), entry({ groups: ['admins'] })]))).toEqual([]);
    expect(faultsOf(p.sha256, noteOf([entry(), entry({ person: 'eve@example.com' })]))).toEqual([
      expect.stringContaining('is given to bob@example.com and eve@example.com'),
    ]);
    expect(faultsOf(p.sha256, noteOf([entry({ vkey: rootVkey })]))).toEqual([
      expect.stringContaining('is not a key of that kind'),
    ]);
  });

  it('decide by their own key', () => {
    expect(judge(signed())).toMatchObject({ ok: true, groups: ['dba'], decision: { person: 'bob@example.com' } });
    expect(approversAt(noteOf([entry(), entry({ vkey: vkeyOf(eve), ...revokedIn(3) })]), NOW, NOW)).toHaveLength(1);
    expect(approversAt(null, NOW, NOW)).toEqual([]);
  });

  it.each<[string, () => ReturnType<typeof judge>, RegExp]>([
    ['signed by another key', () => judge(signed({}, eve)), /not signed by the key that it names/],
    ['by a key that no note names', () => judge(signed({ vkey: vkeyOf(eve) }, eve)), /names no approver/],
    ['in somebody else’s name', () => judge(signed({ person: 'eve@example.com' })), /is not eve@example.com’s but bob/],
    ['after its key was revoked', () => judge(signed(), [entry(revokedIn(4))]), /was revoked/],
    [
      'of which nothing is known from before the revocation',
      () => judge(signed(), [entry(revokedIn(6))], null),
      /was revoked/,
    ],
    ['after its end', () => judge(signed(), [entry({ until: month(4) })]), /it ended/],
    ['of another organisation', () => judge(signed({ org: 'evil' })), /organisation evil/],
    [
      'by a device’s key',
      () => judge(signed({ vkey: vkeyOf(testSigner('countersign/device/x')) }, testSigner('countersign/device/x'))),
      /not signed/,
    ],
    ['that is another document', () => judge(chainOf([{}])[0]!), /another kind/],
    [
      'that was changed',
      () => judge(Buffer.from(Buffer.from(signed()).toString().replace('"pin"', '"click"'))),
      /not signed/,
    ],
    ['that is noise', () => judge(Buffer.from('noise')), /cannot be read/],
  ])('do not count with a decision %s', (_, verdict, why) => {
    expect(verdict()).toMatchObject({ ok: false, why: expect.stringMatching(why) });
  });

  it('count for what somebody saw before their key was revoked', () => {
    expect(judge(signed(), [entry(revokedIn(6))])).toMatchObject({ ok: true });
  });
});
