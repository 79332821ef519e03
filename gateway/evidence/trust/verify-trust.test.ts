import { describe, expect, it } from 'vitest';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { cosign, parseNote, signNote } from '../format/signed-note.ts';
import { testSigner } from '../format/test-keys.ts';
import { COSIGNATURE } from '../format/vkey.ts';
import { always, chainOf, firstNote, month, NOW, revokedIn, root, rootVkey, signedNote, vkeyOf } from './test-trust.ts';
import { validAt } from './validity.ts';
import { noteAt, verifyTrust } from './verify-trust.ts';
import { witnessedBy } from './witnesses.ts';

const verify = (notes: Uint8Array[], from = rootVkey, now = NOW) => verifyTrust(p, from, notes, now);
const kinds = (notes: Uint8Array[], from = rootVkey) => verify(notes, from).problems.map(({ kind }) => kind);
const authority = testSigner('countersign/authority/berlin');

describe('the chain of trust notes', () => {
  const notes = chainOf([{}, { quorum: 0 }, { authorities: [{ ...always(), vkey: vkeyOf(authority) }] }, {}]);

  it('gives the newest note, in whatever order the files come', () => {
    for (const order of [notes, notes.toReversed(), [...notes, ...notes]]) {
      const trust = verify(order);
      expect(trust.problems).toEqual([]);
      expect(trust.note?.n).toBe(4);
      expect(trust.history.map(({ note }) => note.n)).toEqual([1, 2, 3, 4]);
      expect(noteAt(trust, month(2))?.n).toBe(2);
      expect(noteAt(trust, '2025-01-01T00:00:00.000Z')?.n).toBe(1);
    }
  });

  it('says which note is missing, and goes on with those that are there', () => {
    const trust = verify([notes[0]!, notes[3]!]);
    expect(trust.problems).toMatchObject([{ kind: 'missing', n: 2, sentence: 'trust notes 2 to 3 are missing' }]);
    expect(trust.note?.n).toBe(4);
    expect(verify(notes.slice(1)).problems.map(({ sentence }) => sentence)).toEqual(['trust note 1 is missing']);
  });

  it('shows a note that names another one before it', () => {
    const other = signedNote(firstNote({ validUntil: '2029-01-01T00:00:00.000Z' }));
    expect(kinds([other, ...notes.slice(1)])).toEqual(['prev']);
    expect(kinds([signedNote(firstNote({ prev: `${'A'.repeat(43)}=` }))])).toEqual(['prev']);
  });

  it('does not count a note that another key signed, whoever it says it is', () => {
    const impostor = testSigner('countersign/org/acme', 'impostor');
    const forged = signedNote(firstNote({ n: 5, issuedAt: month(5) }), impostor);
    const trust = verify([...notes, forged]);
    expect(trust.note?.n).toBe(4);
    expect(trust.problems).toMatchObject([{ kind: 'signature', n: 5 }]);
    const beside = signedNote(
      firstNote({ quorum: 0, sync: { prompts: 'omit', thoughts: 'omit', files: 'omit' } }),
      impostor,
    );
    expect(verify([beside, ...notes]).problems).toMatchObject([{ kind: 'signature', n: 1 }]);
    expect(verify([beside, ...notes]).note?.n).toBe(4);
    expect(verify(notes, vkeyOf(impostor))).toMatchObject({ note: null, history: [] });
  });

  it('shows two notes of one number, and relies on neither until a later one names the right one', () => {
    const other = signedNote({ ...verify(notes).note!, quorum: 0, validUntil: '2027-02-01T00:00:00.000Z' });
    expect(kinds([...notes, other])).toEqual(['twice']);
    expect(verify([...notes, other]).note).toBeNull();
    const five = chainOf([{}, { quorum: 0 }, { authorities: [{ ...always(), vkey: vkeyOf(authority) }] }, {}, {}])[4]!;
    const decided = verify([...notes, other, five]);
    expect(decided.problems.map(({ kind }) => kind)).toEqual(['twice']);
    expect(decided.note?.n).toBe(5);
  });

  it('says when the newest note has ended', () => {
    const trust = verify(notes, rootVkey, '2027-03-01T00:00:00.000Z');
    expect(trust.problems).toMatchObject([{ kind: 'expired', n: 4 }]);
    expect(trust.problems[0]!.sentence).toContain('ended on 2027-01-01');
  });

  it('shows a note that takes out a key, takes back a revocation, moves a beginning, or is dated before the last', () => {
    const vkey = vkeyOf(authority);
    const sentences = (first: object, second: object) =>
      verify(chainOf([{ authorities: [{ ...always(), vkey, ...first }] }, second])).problems.map((x) => x.sentence);
    expect(sentences({}, { authorities: [] })[0]).toContain('takes out authority countersign/authority/berlin');
    expect(sentences(revokedIn(1), { authorities: [{ ...always(), vkey }] })[0]).toContain('takes back');
    expect(sentences({}, { authorities: [{ ...always({ from: month(2) }), vkey }] })[0]).toContain(
      'moves the beginning',
    );
    expect(sentences({}, { issuedAt: '2025-01-01T00:00:00.000Z' })[0]).toContain('is dated');
    expect(sentences({}, { authorities: [{ ...revokedIn(2), vkey }] })).toEqual([]);
  });

  it.each([
    ['a key of another purpose', { authorities: [{ ...always(), vkey: rootVkey }] }, 'is not a key of that kind'],
    [
      'a witness with a key that is none’s',
      { witnesses: [{ ...always(), vkey: rootVkey }] },
      'is not a key of that kind',
    ],
    [
      'a key twice',
      { authorities: [1, 2].map(() => ({ ...always(), vkey: vkeyOf(authority) })) },
      'stands in it twice',
    ],
    [
      'an entry that ends before it begins',
      { authorities: [{ ...always({ until: month(1) }), vkey: vkeyOf(authority) }] },
      'ends before',
    ],
    ['more witnesses asked for than named', { quorum: 1 }, 'more witnesses'],
  ])('shows a note with %s', (_, change, sentence) => {
    expect(verify([signedNote(firstNote(change))]).problems[0]?.sentence).toContain(sentence);
  });

  it('says of a file that is no trust note why, and counts the others', () => {
    const altered = Buffer.from(Buffer.from(notes[3]!).toString().replace('"n":4', '"n":5'));
    const acne = testSigner('countersign/org/acne');
    const foreign = signedNote(firstNote({ org: 'acne', root: vkeyOf(acne) }), acne);
    const trust = verify([...notes, Buffer.from('hello'), altered, foreign]);
    expect(trust.note?.n).toBe(4);
    expect(trust.problems.map(({ kind }) => kind)).toEqual(['unreadable', 'unreadable', 'signature']);
  });

  it.each(['', 'countersign/org/acme', vkeyOf(authority), rootVkey.replace('+', '-')])(
    'refuses the root %j',
    (text) => {
      expect(() => verify(notes, text)).toThrow('the root is not a key of the form');
    },
  );
});

describe('a change of root', () => {
  const next = testSigner('countersign/org/acme', 'second root');
  const notes = chainOf([{}, { root: vkeyOf(next) }, {}, {}], [root, root, next, next]);

  it('is followed from the old root, and verifies from the new one', () => {
    for (const from of [rootVkey, vkeyOf(next)]) {
      const trust = verify(notes, from);
      expect(trust.problems).toEqual([]);
      expect(trust.history.map(({ note }) => note.n)).toEqual([1, 2, 3, 4]);
    }
    expect(verify(notes).roots.map(({ from, until }) => [from, until.slice(0, 7)])).toEqual([
      [month(1), '2026-02'],
      [month(2), '9999-12'],
    ]);
  });

  it('ends what the old root can sign', () => {
    const late = chainOf([{}, { root: vkeyOf(next) }, {}, {}, {}], [root, root, next, next, root])[4]!;
    expect(verify([...notes, late]).note?.n).toBe(4);
    expect(kinds([...notes, late])).toEqual(['signature']);
  });

  it('does not let a key in that the old root did not name', () => {
    const thief = testSigner('countersign/org/acme', 'thief');
    expect(verify(chainOf([{}, {}, {}], [root, root, thief])).note?.n).toBe(2);
  });
});

describe('the time at which a key counts', () => {
  const ok = (entry: Parameters<typeof validAt>[0], when: string | null) => validAt(entry, when, NOW).ok;

  it('is from its beginning to its end', () => {
    const entry = always({ from: month(3), until: month(6) });
    expect([2, 3, 5, 6].map((n) => ok(entry, month(n)))).toEqual([false, true, true, false]);
  });

  it('ends with its revocation, and what was seen before stays', () => {
    expect([4, 5].map((n) => ok(revokedIn(5), month(n)))).toEqual([true, false]);
  });

  it('is today for what nobody saw before: a key that was revoked or has ended does not count', () => {
    expect(ok(always(), null)).toBe(true);
    expect(ok(revokedIn(5), null)).toBe(false);
    expect(ok(always({ until: month(11) }), null)).toBe(false);
    expect(validAt(revokedIn(5), null, NOW)).toMatchObject({ why: expect.stringContaining('stolen') });
  });
});

describe('witnesses', () => {
  const w1 = testSigner('witness.example/1', '1', COSIGNATURE);
  const w2 = testSigner('witness.example/2', '2', COSIGNATURE);
  const { text, signatures } = parseNote(signNote('countersign/device/X\n1\nroot\n', [root]));
  const seconds = (n: number) => Date.parse(month(n)) / 1000;
  const cosigned = (...more: ReturnType<typeof cosign>[]) => ({ text, signatures: [...signatures, ...more] });
  const trust = (first: object, quorum = 2) =>
    verify(
      chainOf([
        {
          quorum,
          witnesses: [
            { ...always(), vkey: vkeyOf(w1), ...first },
            { ...always(), vkey: vkeyOf(w2) },
          ],
        },
      ]),
    );
  const both = cosigned(cosign(text, w1, seconds(4)), cosign(text, w2, seconds(3)));

  it('give the earliest time, and are as many as the trust note asks for', () => {
    expect(witnessedBy(p, trust({}), both, month(6))).toEqual({
      by: [
        { name: expect.stringContaining('example/2'), at: month(3) },
        { name: expect.stringContaining('example/1'), at: month(4) },
      ],
      enough: true,
      earliest: month(3),
      problems: [],
    });
    const one = witnessedBy(p, trust({}), cosigned(cosign(text, w1, seconds(4))), null);
    expect(one).toMatchObject({ enough: false, earliest: month(4) });
    expect(witnessedBy(p, trust({}), cosigned(), month(6))).toMatchObject({ by: [], earliest: month(6) });
  });

  it('count after their revocation only for what others saw before it', () => {
    const revoked = trust(revokedIn(5));
    expect(witnessedBy(p, revoked, both, null).enough).toBe(true);
    const late = cosigned(cosign(text, w1, seconds(4)), cosign(text, w2, seconds(6)));
    expect(witnessedBy(p, revoked, late, month(4)).enough).toBe(true);
    expect(witnessedBy(p, revoked, late, month(5))).toMatchObject({
      enough: false,
      problems: [expect.stringContaining('revoked')],
    });
    expect(witnessedBy(p, revoked, late, null).enough).toBe(false);
  });

  it('count for no time outside their own', () => {
    const rotated = trust(always({ until: month(4) }));
    expect(witnessedBy(p, rotated, both, null)).toMatchObject({
      enough: false,
      problems: [expect.stringContaining('ended')],
    });
    expect(witnessedBy(p, trust(always({ from: month(4) })), both, null).enough).toBe(true);
  });

  it('are told apart from who only uses their name', () => {
    const thief = { ...w1, sign: w2.sign };
    const forged = cosigned(cosign(text, thief, seconds(1)));
    expect(witnessedBy(p, trust({}, 0), forged, null)).toMatchObject({
      by: [],
      problems: [expect.stringContaining('not its own')],
    });
    const stranger = testSigner('witness.example/3', '3', COSIGNATURE);
    expect(witnessedBy(p, trust({}, 0), cosigned(cosign(text, stranger, 1)), null)).toMatchObject({
      by: [],
      problems: [],
    });
  });
});
