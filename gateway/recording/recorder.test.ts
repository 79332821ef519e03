import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Recorder, StatementSummary } from '../pipeline/ports.ts';
import { events, pieces, readSession } from './reader.ts';
import { createRecorder } from './recorder.ts';
import { recoverRecordings } from './recovery.ts';
import {
  allExchanges,
  allFolders,
  decision,
  sessionId,
  sessionInfo,
  statement,
  temporaryFolder,
  text,
} from './test-support.ts';
import { verifySession } from './verify.ts';

const root = temporaryFolder('recorder');
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));
let count = 0;
const fresh = () => join(root, String(count++));

describe('a session', () => {
  it('gives each exchange its own bytes, times and statements', async () => {
    const dir = fresh();
    const recorder = createRecorder({ dir });
    const sealed: [string, boolean][] = [];
    recorder.onSealed((id, closed) => sealed.push([id, closed]));
    const session = recorder.open(sessionInfo(sessionId(1)));
    for (let i = 0; i < 5000; i += 1) {
      session.request(i, Buffer.from(`q${i}`));
      session.response(i, Buffer.from(`r${i}`));
      session.statement(
        i,
        statement({
          fingerprint: `f${i % 3}`,
          text: i < 3 ? `text ${i}` : null,
          rows: i,
          masked: i % 7 === 0 ? { US_SSN: 1 } : null,
          error: i === 1234 ? '22012' : null,
          objects: [`public.t${i % 3}`],
          flags: i % 2 === 0 ? ['output-tagged'] : [],
        }),
      );
      session.end(i);
    }
    await session.close('done');
    await recorder.close();
    const [folder = ''] = await allFolders(dir);
    const found = await allExchanges(folder);
    expect(found).toHaveLength(5000);
    found.forEach((exchange, i) => {
      expect([exchange.exchange, text(exchange.up), text(exchange.down)]).toEqual([i, `q${i}`, `r${i}`]);
      expect(exchange).toMatchObject({ complete: true, damaged: false });
      expect(exchange.statements).toHaveLength(1);
      expect(exchange.statements[0]).toMatchObject({
        fingerprint: `f${i % 3}`,
        text: i < 3 ? `text ${i}` : null,
        rows: i,
        masked: i % 7 === 0 ? { US_SSN: 1 } : null,
        error: i === 1234 ? '22012' : null,
        decision: decision(),
        objects: [`public.t${i % 3}`],
      });
      expect(exchange.statements[0]!.flags ?? []).toEqual(i % 2 === 0 ? ['output-tagged'] : []);
      expect(exchange.endedAt).toBeGreaterThanOrEqual(exchange.startedAt);
    });
    const middle = found[3210]!;
    const page = await allExchanges(folder, { fromUnit: middle.firstUnit, toUnit: found[3213]!.firstUnit });
    expect(page.map((exchange) => exchange.exchange)).toEqual([3210, 3211, 3212]);
    expect(page[0]!.statements[0]!.fingerprint).toBe('f0');
    const closed = await readSession(folder);
    expect(closed.close?.counts).toMatchObject({
      exchanges: 5000,
      statements: 5000,
      errors: 1,
      bytesUp: 23_890,
      masked: { US_SSN: 715 },
    });
    expect(sealed.at(-1)).toEqual([sessionId(1), true]);
    expect((await verifySession(folder)).ok).toBe(true);
    expect(fs.readdirSync(join(dir, 'journal'))).toEqual([]);
  });

  it('keeps which columns were masked, with a line of its own and without, and says nothing where none was', async () => {
    const dir = fresh();
    const recorder = createRecorder({ dir });
    const session = recorder.open(sessionInfo(sessionId(1)));
    const given: Partial<StatementSummary>[] = [
      { masked: { US_SSN: 3 }, maskedColumns: [[0, [2]]] },
      {
        masked: { US_SSN: 3 },
        maskedColumns: [
          [0, [0, 4]],
          [7, null],
        ],
        own: true,
        class: 'write',
      },
      // A value that could not be read became NULL: there is nothing to count.
      { maskedColumns: [[1, [0]]] },
      { maskedColumns: null },
      { own: true, class: 'write', maskedColumns: null },
      {},
    ];
    given.forEach((one, i) => {
      session.request(i, Buffer.from('q'));
      session.statement(i, statement(one));
      session.end(i);
    });
    await session.close('done');
    await recorder.close();
    const [folder = ''] = await allFolders(dir);
    const found = (await allExchanges(folder)).flatMap(({ statements }) => statements);
    expect(found.map(({ maskedColumns }) => maskedColumns)).toEqual(
      given.map(({ maskedColumns }) => maskedColumns ?? null),
    );
    const log = spawnSync('zstd', ['-dc', join(folder, 'seg-000000.jsonl.zst')], { encoding: 'utf8' }).stdout;
    expect(log.split('maskedColumns')).toHaveLength(2);
    expect((await verifySession(folder)).ok).toBe(true);
  });

  it('keeps exchanges apart that overlap, statements with lines of their own, and large bytes', async () => {
    const dir = fresh();
    const recorder = createRecorder({ dir });
    const session = recorder.open(sessionInfo(sessionId(1)));
    const large = Buffer.alloc(3_000_000, 'abcdefghij');
    const asked = decision({ approvalId: 'a1', decidedBy: 'ada', channel: 'console', message: 'fine' });
    session.request(0, large);
    session.request(1, Buffer.from('second'));
    session.event('asked', { approval: 'a1', big: 'x'.repeat(100_000) });
    session.response(0, Buffer.from('zero'));
    session.statement(
      0,
      statement({ own: true, text: 'UPDATE a', decision: asked, objects: ['public.a'], heldMs: 12, class: 'write' }),
    );
    session.statement(0, statement({ own: true, text: 'x'.repeat(70_000), class: 'write' }));
    await session.durable();
    session.end(0);
    session.response(1, large);
    session.statement(1, statement({ text: 'SELECT' }));
    session.end(1);
    await session.close('done');
    await recorder.close();
    const [folder = ''] = await allFolders(dir);
    const [first, second] = await allExchanges(folder);
    expect(Buffer.concat(first!.up.map((piece) => piece.bytes!)).equals(large)).toBe(true);
    expect(first!.statements).toHaveLength(2);
    expect(first!.statements[0]).toMatchObject({
      own: true,
      text: 'UPDATE a',
      decision: asked,
      objects: ['public.a'],
      heldMs: 12,
    });
    expect(first!.statements[1]).toMatchObject({ own: true, text: null });
    expect(Buffer.concat(second!.down.map((piece) => piece.bytes!)).equals(large)).toBe(true);
    expect(text(second!.up)).toBe('second');
    const [limited] = await allExchanges(folder, { fromUnit: second!.firstUnit, maxBytes: 100_000 });
    expect(limited).toMatchObject({ exchange: 1, truncated: true, bytesDown: 3_000_000 });
    let streamed = 0;
    for await (const piece of pieces(folder, { exchange: 1 }))
      if (piece.direction === 'down') streamed += piece.bytes!.length;
    expect(streamed).toBe(3_000_000);
    const noted = [];
    for await (const event of events(folder)) noted.push(event);
    expect(noted).toMatchObject([{ type: 'asked', detail: { approval: 'a1', big: 'x'.repeat(100_000) } }]);
    expect((await verifySession(folder)).ok).toBe(true);
  });

  it('can be followed while it runs, without being closed', async () => {
    const dir = fresh();
    const recorder = createRecorder({ dir });
    const session = recorder.open(sessionInfo(sessionId(1)));
    const grew = new Promise<void>((resolve) => {
      let opened = false;
      recorder.onSealed(() => {
        if (opened) resolve();
        opened = true;
      });
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    session.request(0, Buffer.from('q'));
    session.response(0, Buffer.from('r'));
    session.end(0);
    await grew;
    const [folder = ''] = await allFolders(dir);
    expect(await allExchanges(folder)).toMatchObject([{ exchange: 0, complete: true }]);
    expect(await readSession(folder)).toMatchObject({ state: 'open', close: null });
    expect(await verifySession(folder)).toMatchObject({ ok: true, state: 'open' });
    await recorder.close();
  });
});

/** RLIMIT_FSIZE stands for a full disk where nothing can be mounted; a small tmpfs is one. */
function fill(recorder: Recorder): { sentence: string; written: number } {
  const session = recorder.open(sessionInfo(sessionId(1)));
  const bytes = Buffer.alloc(30_000, 'x');
  for (let i = 0; i < 100_000; i += 1) {
    try {
      session.request(i, bytes);
    } catch (error) {
      expect(() => session.response(i, bytes)).toThrow(expect.objectContaining({ code: 'RECORDING_FAILED' }));
      expect(() => recorder.open(sessionInfo(sessionId(2)))).toThrow(
        expect.objectContaining({ code: 'RECORDING_FAILED' }),
      );
      expect(error).toMatchObject({ code: 'RECORDING_FAILED' });
      return { sentence: (error as Error).message, written: i };
    }
  }
  throw new Error('the disk did not fill up');
}

const mounts = process.getuid?.() === 0 && process.platform === 'linux';
describe.skipIf(!mounts)('a full disk (needs root to mount one)', () => {
  it('stops forwarding with a sentence, and loses nothing that was recorded', async () => {
    const dir = fresh();
    fs.mkdirSync(dir);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', dir]);
    expect(mounted.status).toBe(0);
    try {
      const recorder = createRecorder({ dir, journalBytes: 5_000_000 });
      const { sentence, written } = fill(recorder);
      expect(written).toBeGreaterThan(100);
      expect(sentence).toContain('free space there');
      expect(recorder.failure).toBe(sentence);
      await recorder.close();
      spawnSync('mount', ['-o', 'remount,size=200m', dir]);
      await recoverRecordings(dir);
      const [folder = ''] = await allFolders(dir);
      const found = await allExchanges(folder, { maxBytes: 1_000_000 });
      expect(found.map((exchange) => exchange.bytesUp)).toEqual(new Array(written).fill(30_000));
      expect((await readSession(folder)).state).toBe('incomplete');
      expect((await verifySession(folder)).checks.filter((check) => check.status === 'failed')).toEqual([]);
    } finally {
      spawnSync('umount', [dir]);
    }
  });
});

describe('a folder that cannot be used', () => {
  it('is refused when the recorder is made', () => {
    const dir = fresh();
    fs.writeFileSync(dir, 'a file where a folder should be');
    expect(() => createRecorder({ dir })).toThrow(expect.objectContaining({ code: 'RECORDING_FAILED' }));
  });

  it('stops the recorder when it goes away while it runs', async () => {
    const dir = fresh();
    const recorder = createRecorder({ dir });
    const session = recorder.open(sessionInfo(sessionId(1)));
    session.request(0, Buffer.from('q'));
    await new Promise((resolve) => setTimeout(resolve, 200));
    fs.rmSync(join(dir, 'sessions'), { recursive: true });
    fs.writeFileSync(join(dir, 'sessions'), 'in the way');
    for (let i = 1; recorder.failure === null && i < 400; i += 1) {
      session.request(i, Buffer.from('q'));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(recorder.failure).toContain('Nothing is forwarded');
    await expect(session.durable()).rejects.toMatchObject({ code: 'RECORDING_FAILED' });
    await recorder.close();
  });
});
