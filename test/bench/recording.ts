import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { sessionFolders } from '../../gateway/recording/reader.ts';
import { createRecorder } from '../../gateway/recording/recorder.ts';
import { sessionId, sessionInfo, statement } from '../../gateway/recording/test-support.ts';
import { verifySession } from '../../gateway/recording/verify.ts';

/**
 * What recording costs by itself: no PostgreSQL, no sockets. CPU of the worker is read from the kernel
 * per thread (Linux). Traffic as in the targets: 167 B an exchange, and 32 KiB result chunks.
 */
function threadCpu(): Map<string, { name: string; ns: number }> {
  const out = new Map<string, { name: string; ns: number }>();
  for (const task of fs.readdirSync('/proc/self/task')) {
    try {
      const [ns = '0'] = fs.readFileSync(`/proc/self/task/${task}/schedstat`, 'utf8').split(' ');
      out.set(task, { name: fs.readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim(), ns: Number(ns) });
    } catch {
      // The thread has ended.
    }
  }
  return out;
}

function spent(before: Map<string, { ns: number }>): { main: number; others: number } {
  let main = 0;
  let others = 0;
  for (const [task, { ns }] of threadCpu()) {
    const delta = ns - (before.get(task)?.ns ?? 0);
    if (task === String(process.pid)) main += delta;
    else others += delta;
  }
  return { main: main / 1000, others: others / 1000 };
}

function sizeOf(folder: string): number {
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + fs.statSync(join(entry.parentPath, entry.name)).size, 0);
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function verifyAll(dir: string): Promise<number> {
  const started = performance.now();
  for await (const folder of sessionFolders(dir)) {
    const verification = await verifySession(folder);
    if (!verification.ok)
      throw new Error(JSON.stringify(verification.checks.filter((check) => check.status === 'failed')));
  }
  return performance.now() - started;
}

async function small(sessions: number, seconds: number, rate: number, ownEvery: number): Promise<void> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const recorder = createRecorder({ dir });
  const open = Array.from({ length: sessions }, (_, i) => recorder.open(sessionInfo(sessionId(i))));
  await pause(300);
  const before = threadCpu();
  const started = performance.now();
  let queries = 0;
  let payload = 0;
  let inMain = 0;
  const samples: Buffer[] = [];
  while (performance.now() - started < seconds * 1000) {
    const due = Math.floor(((performance.now() - started) / 1000) * rate);
    const t = performance.now();
    for (; queries < due; queries += 1) {
      const session = open[queries % sessions]!;
      const exchange = Math.floor(queries / sessions);
      const account = Math.floor(Math.random() * 100_000);
      const request = Buffer.from(
        `B\0\0\0\x22\0P0\0\0\0\0\x01\0\0\0\x06${account}\0\0E\0\0\0\x09\0\0\0\0\0S\0\0\0\x04`,
        'latin1',
      );
      const response = Buffer.from(
        `2\0\0\0\x04T\0\0\0\x21\0\x01abalance\0\0\0@\0\0\x03\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0D\0\0\0\x10\0\x01\0\0\0\x06${Math.floor(Math.random() * 100000)}C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I`,
        'latin1',
      );
      const own = ownEvery > 0 && queries % ownEvery === 0;
      session.request(exchange, request);
      session.response(exchange, response);
      session.statement(
        exchange,
        statement({ own, text: own ? 'UPDATE accounts SET balance = balance + $1 WHERE id = $2' : null }),
      );
      session.end(exchange);
      payload += request.length + response.length;
      if (samples.length < 20_000) samples.push(request, response);
    }
    inMain += performance.now() - t;
    await pause(2);
  }
  const cpu = spent(before);
  await recorder.close();
  const disk = sizeOf(join(dir, 'sessions'));
  const verifyMs = await verifyAll(dir);
  const joined = Buffer.concat(samples);
  console.log(
    `small sessions=${sessions} own=${ownEvery} queries=${queries} payload/query=${(payload / queries).toFixed(0)} B: ` +
      `main ${((inMain * 1000) / queries).toFixed(2)} µs, worker ${(cpu.others / queries).toFixed(2)} µs a query; ` +
      `size ${(disk / payload).toFixed(3)} of payload (plain zstd-1 ${(zstdCompressSync(joined, { params: { 100: 1 } }).length / joined.length).toFixed(3)}); ` +
      `verify ${(payload / 1e3 / verifyMs).toFixed(0)} MB/s`,
  );
  fs.rmSync(dir, { recursive: true });
}

async function bulk(megabytes: number): Promise<void> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const recorder = createRecorder({ dir });
  const session = recorder.open(sessionInfo(sessionId(0)));
  const chunks = Array.from({ length: 64 }, (_, c) => {
    let text = '';
    for (let i = 0; text.length < 65_536; i += 1)
      text += `D\0\0\0\x28${c * 4000 + i}\x00customer ${Math.floor(Math.random() * 1e6)}\x00${Math.random().toString(36).slice(2, 12)}@example.com\x00`;
    return Buffer.from(text.slice(0, 65_536), 'latin1');
  });
  await pause(300);
  const before = threadCpu();
  const started = performance.now();
  session.request(0, Buffer.from('SELECT * FROM customers'));
  const total = megabytes * 16;
  for (let i = 0; i < total; i += 1) {
    session.response(0, chunks[i % chunks.length]!);
    if (session.backlog > 16 * 1024 * 1024) await session.drained();
  }
  session.statement(0, statement({ rows: 1e6 }));
  session.end(0);
  await session.close('done');
  const wall = performance.now() - started;
  const cpu = spent(before);
  const rss = process.memoryUsage().rss;
  await recorder.close();
  const payload = total * 65_536;
  const disk = sizeOf(join(dir, 'sessions'));
  const verifyMs = await verifyAll(dir);
  console.log(
    `bulk ${(payload / 1e6).toFixed(0)} MB: main ${(cpu.main / 1e3 / (payload / 1e6)).toFixed(2)}, worker ${(cpu.others / 1e3 / (payload / 1e6)).toFixed(2)} ms/MB, ` +
      `${(payload / 1e3 / wall).toFixed(0)} MB/s; size ${(disk / payload).toFixed(3)} (plain zstd-1 ${(zstdCompressSync(Buffer.concat(chunks), { params: { 100: 1 } }).length / (64 * 65_536)).toFixed(3)}); verify ${(payload / 1e3 / verifyMs).toFixed(0)} MB/s; RSS while recording ${(rss / 1e6).toFixed(0)} MB`,
  );
  fs.rmSync(dir, { recursive: true });
}

async function durable(): Promise<void> {
  const dir = fs.mkdtempSync(join(tmpdir(), 'countersign-bench-'));
  const recorder = createRecorder({ dir });
  const session = recorder.open(sessionInfo(sessionId(0)));
  await pause(500);
  const times: number[] = [];
  for (let i = 0; i < 500; i += 1) {
    const t = performance.now();
    session.request(i, Buffer.from('UPDATE t SET a = 1'));
    await session.durable();
    times.push((performance.now() - t) * 1000);
    session.end(i);
  }
  times.sort((a, b) => a - b);
  console.log(`durable: p50 ${times[250]!.toFixed(0)} µs, p99 ${times[495]!.toFixed(0)} µs`);
  await recorder.close();
  fs.rmSync(dir, { recursive: true });
}

/** What the machine gives at this moment: figures above are to be read against it (0.31 µs and 0.6 ms/MB when quiet). */
function calibrate(): void {
  const block = Buffer.alloc(1 << 20, 'abc');
  const timed = (times: number, run: () => unknown) => {
    for (let i = 0; i < times / 10; i += 1) run();
    const before = process.cpuUsage();
    for (let i = 0; i < times; i += 1) run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  };
  const tiny = block.subarray(0, 80);
  console.log(
    `machine now: SHA-256 of 80 B ${timed(200_000, () => crypto.hash('sha256', tiny, 'binary')).toFixed(2)} µs, ` +
      `${(timed(50, () => crypto.hash('sha256', block, 'binary')) / 1000).toFixed(2)} ms/MiB`,
  );
}

calibrate();
await small(8, 4, 20_000, 0);
await small(64, 4, 20_000, 0);
await small(400, 4, 20_000, 0);
await small(8, 4, 20_000, 20);
await bulk(200);
await durable();
calibrate();
