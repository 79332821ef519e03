import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equal } from '../../recording/format/bytes.ts';
import { verifyConsistency } from '../../recording/format/consistency.ts';
import { leafHash, rootOf } from '../../recording/format/merkle.ts';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { isCheckpointOf, parseCheckpoint } from '../format/checkpoint.ts';
import type { NewLogEntry } from '../format/log-entries.ts';
import { testSigner } from '../format/test-keys.ts';
import { parseEntryBundle, parseHashTile, parseTileName } from '../format/tiles.ts';
import type { Signer } from '../format/vkey.ts';
import { openDeviceLog } from './device-log.ts';
import { frameOf } from './entry-frames.ts';
import { openLogFolder } from './log-folder.ts';

const DEVICE = '01JAAAAAAAAAAAAAAAAAAAAAAA';
const KEY = testSigner(`countersign/device/${DEVICE}`, 'first');
const NEXT = testSigner(`countersign/device/${DEVICE}`, 'second');
const DAY = 86_400_000;

/** What is left after it is what is really held. */
const collectGarbage = (): void => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
};

let dir: string;
let now: number;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'device-log-'));
  now = Date.UTC(2026, 0, 2, 3, 4, 5);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = async (
  options: { folder?: string; signer?: Signer; keys?: Signer[]; begun?: boolean; see?: (entry: Buffer) => void } = {},
) =>
  openDeviceLog({
    folder: options.folder ?? join(dir, 'log'),
    device: DEVICE,
    signer: async () => options.signer ?? KEY,
    keys: (options.keys ?? [KEY]).map((key) => key.vkey),
    begun: options.begun ?? false,
    clock: { now: () => now },
    gatherMs: 0,
    ...(options.see ? { see: options.see } : {}),
  });

const policy = (n: number): NewLogEntry => ({ type: 'policy', hash: `hash ${n}`, by: 'ada' });

/** Each entry in a commit of its own. */
async function written(count: number): Promise<void> {
  const log = await open();
  for (let n = 0; n < count; n += 1) await log.append(policy(n));
  await log.close();
}

const entriesOf = async (log: Awaited<ReturnType<typeof open>>) =>
  (await Array.fromAsync(log.entries(0))).map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as { n: number });

const entriesFile = () => join(dir, 'log', 'entries');
const checkpointFile = (size: number) => join(dir, 'log', 'checkpoints', String(size));

const MANY = process.env.COUNTERSIGN_FULL === '1' ? 1_000_000 : 200_000;

describe("the device's log", () => {
  it('holds what was appended, numbered, timed by the device’s clock, and signed for', async () => {
    const log = await open();
    const seen: number[] = [];
    log.onCheckpoint(({ size }) => seen.push(size));
    await Promise.all([log.append(policy(0)), log.append(policy(1)), log.append(policy(2))]);
    now += 1000;
    await log.append(policy(3));
    expect(await entriesOf(log)).toMatchObject([
      { v: 1, n: 0, t: '2026-01-02T03:04:05.000Z', type: 'policy', hash: 'hash 0', by: 'ada' },
      { n: 1 },
      { n: 2 },
      { n: 3, t: '2026-01-02T03:04:06.000Z' },
    ]);
    expect(seen).toEqual([3, 4]);
    const checkpoint = parseCheckpoint(log.checkpoint!.note);
    expect(isCheckpointOf(p, checkpoint, KEY.vkey)).toBe(true);
    const leaves = (await Array.fromAsync(log.entries(0))).map((bytes) => leafHash(p.sha256, bytes));
    expect(checkpoint).toMatchObject({ origin: `countersign/device/${DEVICE}`, size: 4 });
    expect(equal(checkpoint.root, rootOf(p.sha256, leaves))).toBe(true);
    await log.close();
    expect(readdirSync(join(dir, 'log', 'checkpoints')).sort()).toEqual(['3', '4']);
  });

  it('goes on where it was after a restart', async () => {
    await written(3);
    const seen: number[] = [];
    const log = await open({
      begun: true,
      see: (entry) => seen.push((JSON.parse(entry.toString()) as { n: number }).n),
    });
    expect(seen).toEqual([0, 1, 2]);
    await log.append(policy(3));
    expect((await entriesOf(log)).map(({ n }) => n)).toEqual([0, 1, 2, 3]);
    await log.close();
  });

  it('keeps its order when the clock is wrong by a day', async () => {
    const log = await open();
    await log.append(policy(0));
    now -= DAY;
    await log.append(policy(1));
    now += 2 * DAY;
    await log.append(policy(2));
    expect((await entriesOf(log)).map(({ n }) => n)).toEqual([0, 1, 2]);
    await log.close();
  });

  it('refuses an entry that no reader would take, and loses no place by it', async () => {
    const log = await open();
    await log.append(policy(0));
    await expect(log.append({ type: 'policy', hash: 'x'.repeat(2001), by: '' })).rejects.toThrow();
    const long = Array.from({ length: 400 }, (_, n) => [`S${n}`, 1, `${'A'.repeat(43)}=`] as [string, number, string]);
    await log.append({ type: 'heartbeat', open: long, queued: { objects: 0, bytes: 0 }, trust: 0 });
    await log.append(policy(2));
    expect((await entriesOf(log)).map(({ n }) => n)).toEqual([0, 1, 2]);
    await log.close();
  });

  it('changes its key: the old one signs for the entry that says so, the new one for what follows', async () => {
    const log = await open();
    const notes = new Map<number, Uint8Array>();
    log.onCheckpoint(({ size, note }) => notes.set(size, note));
    const all = [log.append(policy(0)), log.changeKey(NEXT), log.append(policy(2)), log.append(policy(3))];
    await Promise.all(all);
    const signedBy = (size: number, key: Signer) => isCheckpointOf(p, parseCheckpoint(notes.get(size)!), key.vkey);
    expect([...notes.keys()]).toEqual([2, 4]);
    expect([signedBy(2, KEY), signedBy(2, NEXT), signedBy(4, KEY), signedBy(4, NEXT)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    await log.close();
    const again = await open({ signer: NEXT, keys: [KEY, NEXT] });
    expect(again.problem).toBeNull();
    await again.close();
  });
});

describe('tiles and proofs', () => {
  it('give every published size again, at all widths around a tile’s', async () => {
    const log = await open();
    const roots = new Map<number, Uint8Array>();
    log.onCheckpoint(({ size, root }) => roots.set(size, root));
    const sizes = [1, 2, 255, 256, 257, 600];
    for (const size of sizes) {
      await Promise.all(Array.from({ length: size - log.size }, (_, at) => log.append(policy(log.size + at))));
    }
    for (const size of sizes) {
      const leaves: Uint8Array[] = [];
      for (const name of log.tiles(0, size)) {
        const { level, width } = parseTileName(name)!;
        const bytes = await log.readTile(name);
        if (level === 'entries')
          leaves.push(...parseEntryBundle(bytes, width).map((entry) => leafHash(p.sha256, entry)));
        else if (level === 0) {
          const { index } = parseTileName(name)!;
          expect(parseHashTile(bytes, width).map(String)).toEqual(
            leaves.slice(index * 256, index * 256 + width).map(String),
          );
        } else {
          expect(String(parseHashTile(bytes, width)[0])).toBe(String(rootOf(p.sha256, leaves.slice(0, 256))));
        }
      }
      expect(leaves).toHaveLength(size);
      expect(equal(rootOf(p.sha256, leaves), roots.get(size)!)).toBe(true);
      for (const old of sizes.filter((one) => one <= size)) {
        const proof = await log.consistency(old, size);
        const head = (of: number) => ({ size: of, root: roots.get(of)! });
        expect(verifyConsistency(p.sha256, head(old), head(size), proof)).toBe(true);
      }
    }
    await expect(log.readTile('tile/0/003')).rejects.toMatchObject({ code: 'DEVICE_LOG_NO_TILE' });
    await expect(log.readTile('../device.json')).rejects.toMatchObject({ code: 'DEVICE_LOG_NO_TILE' });
    await log.close();
  });

  it(`take ${MANY} entries without keeping them`, async () => {
    const folder = join(dir, 'log');
    await (await open()).close();
    const count = MANY;
    const part = 10_000;
    const frames = Buffer.concat(Array.from({ length: part }, (_, at) => frameOf(Buffer.from(`{"n":${at}}`))));
    for (let n = 0; n < count; n += part) writeFileSync(join(folder, 'entries'), frames, { flag: 'a' });
    collectGarbage();
    const before = process.memoryUsage();
    const opened = await openLogFolder(folder, [KEY.vkey], false, () => {});
    collectGarbage();
    const after = process.memoryUsage();
    expect(opened.tree.size).toBe(count);
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(20 * 1024 * 1024);
    const proof = await opened.tree.consistency(count - 1, count);
    expect(proof.length).toBeGreaterThan(5);
    expect(await opened.tree.readTile(`tile/2/000.p/${Math.floor(count / 65_536)}`)).toHaveLength(
      Math.floor(count / 65_536) * 32,
    );
    await opened.file.close();
  });
});

describe('what happens to it on disk', () => {
  it('a tail torn at any byte is set aside, and everything that was signed for stays', async () => {
    await written(2);
    const signed = readFileSync(entriesFile());
    const torn = frameOf(Buffer.from(JSON.stringify({ v: 1, n: 2, t: new Date(now).toISOString(), ...policy(2) })));
    const tornAt = async (cut: number) => {
      const folder = join(dir, `cut-${cut}`);
      cpSync(join(dir, 'log'), folder, { recursive: true });
      writeFileSync(join(folder, 'entries'), Buffer.concat([signed, torn.subarray(0, cut)]));
      const log = await open({ folder, begun: true });
      expect(log.problem).toBeNull();
      expect(log.torn).toBe(cut);
      await log.append(policy(2));
      expect((await entriesOf(log)).map(({ n }) => n)).toEqual([0, 1, 2]);
      expect(readFileSync(join(folder, 'torn-2.bin')).equals(torn.subarray(0, cut))).toBe(true);
      await log.close();
    };
    await Promise.all(Array.from({ length: torn.length - 1 }, (_, at) => tornAt(at + 1)));
  });

  it('a tail that a crash left as zeros is torn too', async () => {
    await written(2);
    writeFileSync(entriesFile(), Buffer.alloc(4096), { flag: 'a' });
    const log = await open({ begun: true });
    expect([log.problem, log.torn, log.size]).toEqual([null, 4096, 2]);
    await log.close();
  });

  it('a whole entry without a checkpoint stays, and the next one covers it', async () => {
    await written(2);
    writeFileSync(entriesFile(), frameOf(Buffer.from('{"v":1,"n":2,"type":"policy"}')), { flag: 'a' });
    const log = await open({ begun: true });
    expect([log.problem, log.size]).toEqual([null, 2]);
    await log.append(policy(3));
    expect(log.size).toBe(4);
    await log.close();
  });

  const attacks: [string, () => void, RegExp][] = [
    [
      'a cut tail',
      () => truncateSync(entriesFile(), readFileSync(entriesFile()).length - 1),
      /5 entries were signed for and 4 are there/,
    ],
    [
      'a deleted entry',
      () => {
        const bytes = readFileSync(entriesFile());
        const length = 8 + bytes.readUInt32BE(0);
        writeFileSync(entriesFile(), bytes.subarray(length));
      },
      /5 entries were signed for and 4 are there/,
    ],
    [
      'a changed entry',
      () => {
        const changed = readFileSync(entriesFile(), 'latin1');
        const entry = Buffer.from(changed.slice(8, 8 + Buffer.from(changed, 'latin1').readUInt32BE(0)), 'latin1');
        const forged = frameOf(Buffer.from(entry.toString().replace('ada', 'eve')));
        writeFileSync(entriesFile(), Buffer.concat([forged, readFileSync(entriesFile()).subarray(forged.length)]));
      },
      /its first 5 entries are not those that were signed for/,
    ],
    [
      'a flipped byte',
      () => {
        const bytes = readFileSync(entriesFile());
        bytes[20]! ^= 1;
        writeFileSync(entriesFile(), bytes);
      },
      /5 entries were signed for and 0 are there/,
    ],
    ['a lost file of entries', () => rmSync(entriesFile()), /5 entries were signed for and 0 are there/],
    [
      'lost checkpoints',
      () => rmSync(join(dir, 'log', 'checkpoints'), { recursive: true }),
      /its checkpoints are gone/,
    ],
    ['a lost folder', () => rmSync(join(dir, 'log'), { recursive: true }), /its checkpoints are gone/],
    ['a damaged checkpoint', () => truncateSync(checkpointFile(5), 20), /its checkpoint of 5 entries cannot be read/],
    [
      'a checkpoint by another key',
      () => {
        const note = readFileSync(checkpointFile(5), 'utf8');
        writeFileSync(checkpointFile(5), note.replace(/ ([A-Za-z0-9+/=]{92})\n$/, ` ${'A'.repeat(92)}\n`));
      },
      /not signed by a key of this device/,
    ],
  ];
  for (const [what, attack, sentence] of attacks) {
    it(`${what} stops everything, and nothing is changed by that`, async () => {
      await written(5);
      attack();
      const before = existsSync(entriesFile()) ? readFileSync(entriesFile()) : Buffer.alloc(0);
      const log = await open({ begun: true });
      expect(log.problem).toMatch(sentence);
      expect(log.problem).toMatch(/^Nothing is forwarded, because/);
      const failures: string[] = [];
      log.onFailure(({ code }) => failures.push(code));
      expect(failures).toEqual(['DEVICE_LOG_FAILED']);
      await expect(log.append(policy(9))).rejects.toMatchObject({ code: 'DEVICE_LOG_FAILED' });
      await log.close();
      expect(readFileSync(entriesFile()).equals(before)).toBe(true);
    });
  }

  it('a disk that takes nothing more stops it with a sentence', async () => {
    const log = await open();
    await log.append(policy(0));
    rmSync(join(dir, 'log', 'checkpoints'), { recursive: true });
    const failures: string[] = [];
    log.onFailure(({ message }) => failures.push(message));
    await expect(log.append(policy(1))).rejects.toMatchObject({ code: 'DEVICE_LOG_FAILED' });
    await expect(log.append(policy(2))).rejects.toThrow('restart the gateway');
    expect(failures).toEqual([log.problem]);
    await log.close();
  });
});
