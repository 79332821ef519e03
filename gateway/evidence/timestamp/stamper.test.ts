import { createHash, randomBytes } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import type { LogCheckpoint } from '../device/ports.ts';
import { sendQuery } from './send.ts';
import { createStamper } from './stamper.ts';
import { makeTsa } from './test-tsa.ts';
import { verifyToken } from './verify.ts';

const tsa = makeTsa();
const other = makeTsa();
afterAll(async () => {
  await tsa.remove();
  await other.remove();
});

const text = (size: number) => `countersign/device/01JDEVICE00000000000000001\n${size}\n${'A'.repeat(43)}=\n`;
const checkpoint = (size: number): LogCheckpoint => ({
  size,
  root: new Uint8Array(32),
  note: Buffer.from(
    `${text(size)}\n— countersign/device/01JDEVICE00000000000000001 ${Buffer.alloc(68).toString('base64')}\n`,
  ),
});
const valid = { from: '2020-01-01T00:00:00.000Z', until: '2120-01-01T00:00:00.000Z', revoked: null };

it('has checkpoints stamped by each authority that counts, now and then', async () => {
  const entry = { ...valid, name: 'ours', url: await tsa.listen(), certificate: tsa.root };
  const problems: string[] = [];
  let asked = 0;
  let now = Date.now();
  const stamp = createStamper({
    tsas: () => [
      { ...entry, revoked: { at: '2026-01-01T00:00:00.000Z', reason: 'stolen' } },
      { ...entry, until: '2021-01-01T00:00:00.000Z' },
      { ...entry, name: 'theirs', url: 'http://127.0.0.1:9/' },
      { ...entry, name: 'wrong', certificate: other.root, url: `${entry.url}?wrong` },
      entry,
    ],
    send: (...args) => {
      asked += 1;
      return sendQuery(...args);
    },
    random: randomBytes,
    now: () => now,
    onProblem: (sentence) => problems.push(sentence),
  });
  const [made, ...more] = await stamp(checkpoint(7));
  expect(more).toEqual([]);
  expect(made!.suffix).toBe('5.tsr');
  const digest = createHash('sha256').update(text(7)).digest();
  expect(tsa.verifies(made!.bytes, digest)).toBe(true);
  expect(verifyToken(made!.bytes, digest, [tsa.root]).ok).toBe(true);
  expect(asked).toBe(3);
  expect(problems).toEqual([
    expect.stringMatching(/^theirs did not stamp the device's log: the timestamp authority theirs cannot be reached/),
    expect.stringMatching(/^wrong did not stamp the device's log: wrong: .*does not lead to one that is trusted/),
  ]);
  expect(await stamp(checkpoint(8))).toEqual([]);
  now += 5 * 60 * 1000;
  expect(await stamp(checkpoint(9))).toHaveLength(1);
});

it('speaks TLS to one whose certificate a private authority signed, and to no other', async () => {
  const ca = tsa.privateAuthority();
  const url = await tsa.listen(undefined, 'webca');
  const entry = { ...valid, certificate: tsa.root, url };
  const problems: string[] = [];
  const stamp = createStamper({
    tsas: () => [
      { ...entry, name: 'unknown', url: `${url}?system` },
      { ...entry, name: 'another', url: `${url}?other`, ca: other.privateAuthority() },
      { ...entry, name: 'ours', ca: `${other.privateAuthority('spare')}${ca}` },
    ],
    send: sendQuery,
    random: randomBytes,
    now: Date.now,
    onProblem: (sentence) => problems.push(sentence),
  });
  const made = await stamp(checkpoint(7));
  expect(made.map(({ suffix }) => suffix)).toEqual(['3.tsr']);
  expect(tsa.verifies(made[0]!.bytes, createHash('sha256').update(text(7)).digest())).toBe(true);
  expect(problems.map((sentence) => sentence.replace(/^(\w+).*\((.*)\)$/, '$1 $2'))).toEqual([
    'unknown UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    expect.stringMatching(/^another [A-Z_]+$/),
  ]);
});
