import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionFolder } from '../recording/files.ts';
import { createRecorder } from '../recording/recorder.ts';
import { recoverRecordings } from '../recording/recovery.ts';
import { allFolders, sessionId, sessionInfo, statement, temporaryFolder } from '../recording/test-support.ts';
import { verifySession } from '../recording/verify.ts';
import { type Cursor, nextCut, readRange, START } from './cut.ts';

let dir: string;
let folder: string;
const OPENED = sessionInfo('').openedAt;

/** A session of several segment and unit files: noise does not compress. */
beforeAll(async () => {
  dir = temporaryFolder('cut');
  const recorder = createRecorder({ dir });
  const session = recorder.open(sessionInfo(sessionId(1)));
  const noise = Buffer.alloc(256 * 1024);
  for (let n = 0; n < 90; n += 1) {
    for (let i = 0; i < noise.length; i += 4) noise.writeUInt32LE(Math.imul(i + n * 7919, 2654435761) >>> 0, i);
    session.request(n, Buffer.from(`SELECT ${n}`));
    session.response(n, noise);
    session.statement(n, statement({ own: true, text: `SELECT ${n}`, digest: 'ab'.repeat(32) }));
    session.end(n);
    if (recorder.failure !== null) throw new Error(recorder.failure);
    await session.drained();
  }
  await session.close('done');
  await recorder.close();
  [folder = ''] = await allFolders(dir);
}, 60_000);
afterAll(() => fs.rmSync(dir, { recursive: true }));

/** Puts the ranges of all cuts together again, as an auditor does. */
function copyByCuts(from: string, to: string, max?: number): number {
  fs.mkdirSync(to, { recursive: true });
  let cursor: Cursor = START;
  for (let parts = 0; ; parts += 1) {
    const cut = nextCut(from, cursor, max);
    if (cut === null) return parts;
    if (max !== undefined) expect(cut.ranges.reduce((sum, range) => sum + range.length, 0)).toBeLessThanOrEqual(max);
    for (const range of cut.ranges) {
      const file = join(to, range.name);
      expect(fs.existsSync(file) ? fs.statSync(file).size : 0).toBe(range.offset);
      fs.appendFileSync(file, readRange(from, range));
    }
    expect(cut.more).toBe(!cut.last);
    cursor = cut.cursor;
  }
}

describe('the parts of a closed session', () => {
  it.each([undefined, 3 * 1024 * 1024, 600 * 1024])('make it up again, byte for byte (at most %s)', async (max) => {
    const copy = join(dir, `copy-${max}`);
    const parts = copyByCuts(folder, copy, max);
    expect(parts).toBeGreaterThan(max === undefined ? 2 : 7);
    for (const name of fs.readdirSync(folder))
      expect(fs.readFileSync(join(copy, name)).equals(fs.readFileSync(join(folder, name)))).toBe(true);
    expect((await verifySession(copy)).ok).toBe(true);
  });

  it('go as they are where a file is damaged', () => {
    const damaged = join(dir, 'damaged');
    fs.cpSync(folder, damaged, { recursive: true });
    const path = join(damaged, 'units-000000.bin');
    const bytes = fs.readFileSync(path);
    bytes.fill(0, 1_000_000, 3_000_000);
    fs.writeFileSync(path, bytes);
    copyByCuts(damaged, join(dir, 'damaged-copy'));
    expect(fs.readFileSync(join(dir, 'damaged-copy', 'units-000000.bin')).equals(bytes)).toBe(true);
  });
});

describe('the parts of an open session', () => {
  /** The files as they were when `n` bytes of each kind's last write were there. */
  const at = (name: string, sizes: Record<string, number>) => {
    const open = join(dir, name);
    fs.cpSync(folder, open, { recursive: true });
    fs.rmSync(join(open, 'SHA256SUMS'));
    fs.rmSync(join(open, 'SHA256SUMS.sig'));
    for (const [file, size] of Object.entries(sizes)) fs.truncateSync(join(open, file), size);
    return open;
  };

  it('end at a head, whatever has been written after it', () => {
    const whole = nextCut(folder, START, 3 * 1024 * 1024)!;
    const sizeOf = (kind: string) => whole.ranges.find(({ name }) => name.startsWith(kind))!.length;
    for (const file of fs.readdirSync(folder))
      if (/-00000[1-9]\./.test(file)) expect(file).toMatch(/^(units|seg|heads)-/);
    const open = at('open', { 'heads-000000.notes': sizeOf('heads') + 100 });
    for (const file of fs.readdirSync(open)) if (/-00000[1-9]\./.test(file)) fs.rmSync(join(open, file));
    const cut = nextCut(open, START)!;
    expect(cut.ranges).toEqual(whole.ranges);
    expect([cut.last, cut.more]).toEqual([false, false]);
    expect(nextCut(open, cut.cursor)).toBeNull();
  });

  it('say when what was sent is gone from the disk', () => {
    const { cursor } = nextCut(folder, START, 3 * 1024 * 1024)!;
    const open = at('shorter', { 'units-000000.bin': 1000 });
    expect(() => nextCut(open, cursor)).toThrow(/units-000000.bin is shorter/);
  });

  it('are nothing before the first head', () => {
    const open = join(dir, 'young');
    fs.mkdirSync(open);
    fs.copyFileSync(join(folder, 'open.json'), join(open, 'open.json'));
    fs.copyFileSync(join(folder, 'seg-000000.jsonl.zst'), join(open, 'seg-000000.jsonl.zst'));
    expect(nextCut(open, START)).toBeNull();
  });
});

it('a session that was cut off, recovered and sent in part before verifies where it was put together', async () => {
  const home = join(dir, 'crashed');
  const running = sessionFolder(home, sessionId(1), OPENED);
  fs.mkdirSync(running, { recursive: true });
  const copy = join(dir, 'crashed-copy');
  fs.mkdirSync(copy);
  const put = (cut: { ranges: { name: string; offset: number; length: number }[] }) => {
    for (const range of cut.ranges) fs.appendFileSync(join(copy, range.name), readRange(running, range));
  };
  fs.cpSync(folder, running, { recursive: true });
  for (const file of fs.readdirSync(running)) if (/-00000[1-9]\.|SUMS/.test(file)) fs.rmSync(join(running, file));
  // Half a write: its units are there and its lines are not.
  const head = nextCut(running, START, 3 * 1024 * 1024)!;
  for (const kind of ['seg-', 'heads-']) {
    const range = head.ranges.find(({ name }) => name.startsWith(kind))!;
    fs.truncateSync(join(running, range.name), range.length);
  }
  const first = nextCut(running, START)!;
  put(first);
  await recoverRecordings(home);
  put(nextCut(running, first.cursor)!);
  expect((await verifySession(copy)).checks.filter(({ status }) => status === 'failed')).toEqual([]);
  expect((await verifySession(copy)).state).toBe('incomplete');
});
