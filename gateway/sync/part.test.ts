import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tarHeader } from '../recording/tar.ts';
import { decryptPart, encryptPart } from './age.ts';
import { parsePartName, partName, readPart, writePart } from './part.ts';
import { PartChain } from './test-support.ts';

const SID = '01JTEST0000000000000000001';
const bytes = (text: string) => new TextEncoder().encode(text);
const code = (expected: string) => expect.objectContaining({ code: expected });

const first = {
  sid: SID,
  n: 0,
  prev: '',
  last: false,
  ranges: [
    { name: 'units-000000.bin', offset: 0, bytes: bytes('units') },
    { name: 'seg-000000.jsonl.zst', offset: 0, bytes: bytes('segment') },
    { name: 'heads-000000.notes', offset: 0, bytes: bytes('head') },
    { name: 'open.json', offset: 0, bytes: bytes('{}\n') },
  ],
};
const second = (prev: string) => ({
  sid: SID,
  n: 1,
  prev,
  last: true,
  ranges: [
    { name: 'units-000000.bin', offset: 5, bytes: bytes('more') },
    { name: 'SHA256SUMS', offset: 0, bytes: bytes('sums') },
  ],
});

describe('a part', () => {
  it('is read as it was written', () => {
    const { hash, ...part } = readPart(writePart(first));
    expect({ ...part, ranges: part.ranges.map((range) => ({ ...range, bytes: new Uint8Array(range.bytes) })) }).toEqual(
      first,
    );
    expect(hash).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  });

  it('of any ranges is read as it was written', () => {
    const range = fc.record({
      name: fc.integer({ min: 0, max: 999_999 }).map((n) => `units-${String(n).padStart(6, '0')}.bin`),
      offset: fc.integer({ min: 0, max: 2 ** 25 }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 2000 }),
    });
    const ranges = fc
      .uniqueArray(range, { selector: ({ name }) => name, maxLength: 20 })
      .map((list) => list.sort((a, b) => (a.name < b.name ? -1 : 1)));
    fc.assert(
      fc.property(ranges, fc.boolean(), (list, last) => {
        const read = readPart(writePart({ sid: SID, n: 7, prev: '', last, ranges: list }));
        expect(read.ranges.map((one) => [one.name, one.offset, [...one.bytes]])).toEqual(
          list.map((one) => [one.name, one.offset, [...one.bytes]]),
        );
      }),
    );
  });

  it('is refused when it was cut anywhere, or any of its bytes was changed', () => {
    const whole = writePart(first);
    for (let length = 0; length < whole.length; length += 1)
      expect(() => readPart(whole.subarray(0, length))).toThrow(code('SYNC_BAD_PART'));
    const { hash } = readPart(whole);
    let refused = 0;
    for (let at = 0; at < whole.length; at += 1) {
      const changed = whole.slice();
      changed[at]! ^= 1;
      try {
        // What part.json alone says (n, last, prev) is bound by the next part's `prev`.
        expect(readPart(changed).hash).not.toBe(hash);
      } catch (error) {
        expect(error).toEqual(code('SYNC_BAD_PART'));
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(whole.length - 80);
  });

  it('never breaks its reader', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), (noise) => {
        const tar = Buffer.concat([tarHeader('part.json', noise.length), noise, Buffer.alloc(1536)]);
        for (const input of [noise, tar]) expect(() => readPart(input)).toThrow(code('SYNC_BAD_PART'));
      }),
    );
  });

  it.each([
    ['a name that is no file of a recording', { name: 'verify.sh', offset: 0, bytes: bytes('x') }],
    ['a torn tail', { name: 'torn-units-000000.bin-12.bin', offset: 0, bytes: bytes('x') }],
    ['nothing of a file', { name: 'open.json', offset: 0, bytes: bytes('') }],
    ['a place that no file of a recording has', { name: 'open.json', offset: 2 ** 40, bytes: bytes('x') }],
    ['more than 8 MiB', { name: 'units-000000.bin', offset: 0, bytes: new Uint8Array(8 * 1024 * 1024 + 1) }],
  ])('is not made with %s', (_, range) => {
    expect(() => writePart({ ...first, ranges: [range] })).toThrow(code('SYNC_BAD_PART'));
  });

  it('binds what is there: heads before the segments they cover are refused', () => {
    expect(() => writePart({ ...first, ranges: first.ranges.toReversed() })).toThrow(code('SYNC_BAD_PART'));
  });
});

describe('the parts of a session', () => {
  it('follow each other', () => {
    const chain = new PartChain(SID);
    const one = readPart(writePart(first));
    expect(chain.follow(one)).toBeNull();
    expect([chain.next, chain.complete]).toEqual([1, false]);
    expect(chain.follow(readPart(writePart(second(one.hash))))).toBeNull();
    expect([chain.next, chain.complete]).toEqual([2, true]);
  });

  it('show one that is missing, of another session, another version, or leaves bytes out', () => {
    const chain = new PartChain(SID);
    const one = readPart(writePart(first));
    const other = readPart(writePart({ ...first, last: true }));
    expect(chain.follow(readPart(writePart(second(one.hash))))).toContain('part 0 is to come');
    expect(chain.follow(readPart(writePart({ ...first, sid: 'another' })))).toContain('session another');
    expect(chain.follow(one)).toBeNull();
    expect(chain.follow(readPart(writePart(second(other.hash))))).toContain('does not follow');
    const gap = { ...second(one.hash), ranges: [{ name: 'units-000000.bin', offset: 6, bytes: bytes('more') }] };
    expect(chain.follow(readPart(writePart(gap)))).toContain('5 bytes so far');
    const end = readPart(writePart(second(one.hash)));
    expect(chain.follow(end)).toBeNull();
    expect(chain.follow(readPart(writePart({ ...second(end.hash), n: 2 })))).toContain('the last');
  });
});

it.each([
  ['part-000000.tar', { n: 0, retry: 0, encrypted: false }],
  ['part-000012.r3.tar.age', { n: 12, retry: 3, encrypted: true }],
  ['part-12.tar', null],
  ['part-000012.r0.tar', null],
  ['part-000012.tar.gz', null],
])('the name %s', (name, expected) => {
  expect(parsePartName(name)).toEqual(expected);
  if (expected?.retry === 0) expect(partName(expected.n, expected.encrypted)).toBe(name);
});

describe('encryption', () => {
  it('lets each recipient read and nobody else', async () => {
    const [ada, bob, eve] = await Promise.all([1, 2, 3].map(() => generateX25519Identity()));
    const recipients = await Promise.all([ada!, bob!].map((identity) => identityToRecipient(identity)));
    const sealed = await encryptPart(writePart(first), recipients);
    for (const identity of [ada!, bob!])
      expect(readPart(await decryptPart(sealed, [eve!, identity])).ranges).toHaveLength(4);
    await expect(decryptPart(sealed, [eve!])).rejects.toEqual(code('SYNC_NOT_FOR_US'));
    const [version, stanza, body] = Buffer.from(sealed).toString('latin1').split('\n') as [string, string, string];
    const crowd = `${version}\n${`${stanza}\n${body}\n`.repeat(200_000)}--- `;
    await expect(decryptPart(Buffer.from(crowd, 'latin1'), [ada!])).rejects.toEqual(code('SYNC_BAD_PART'));
    await expect(decryptPart(sealed.subarray(0, sealed.length - 1), [ada!])).rejects.toEqual(code('SYNC_BAD_PART'));
    await expect(encryptPart(bytes('x'), ['age1nobody'])).rejects.toEqual(code('SYNC_BAD_RECIPIENT'));
  });
});
