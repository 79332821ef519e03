import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCommandComplete, writeReadyForQuery } from '../../gateway/protocols/postgres/codec/write-backend.ts';
import { writeQuery } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import type { RecordedExchange, RecordedStatement } from '../../gateway/recording/recorded.ts';
import { StoreCore } from '../../gateway/store/core.ts';
import { ALLOWED, FakeRecordings, type FakeSession, fakeSession } from '../../gateway/store/test-recordings.ts';

/**
 * How fast recordings are indexed and searched, from synthetic exchanges that are made as they are
 * read (deriving statements from bytes is in the figure, reading and unpacking files is not):
 *   npx node test/bench/store.ts [statements, default 1000000]
 */

const COUNT = Number(process.argv[2] ?? 1_000_000);
const SESSIONS = 20;
const PER_SESSION = Math.ceil(COUNT / SESSIONS);

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}

const answer = concat(writeCommandComplete('SELECT 1'), writeReadyForQuery('idle'));
const TABLES = ['customers', 'orders', 'order_items', 'staff', 'invoices', 'payments', 'products', 'shipments'];
const facts = (exchange: number): RecordedStatement => ({
  exchange,
  fingerprint: '0123456789abcdef',
  class: 'read',
  op: 'SELECT',
  decision: ALLOWED,
  own: false,
  text: null,
  digest: null,
  rows: 1,
  error: null,
  heldMs: 0,
  masked: null,
  objects: [],
});

/** Every statement has a text of its own: the worst case for storing texts once. */
function exchangeOf(session: number, i: number): RecordedExchange {
  const n = session * PER_SESSION + i;
  const table = TABLES[n % TABLES.length]!;
  const sql = `SELECT id, name, email FROM public.${table} WHERE ${table}_id = ${n} AND status = 'st${n % 100}' ORDER BY created_at DESC LIMIT 10`;
  const at = 1_700_000_000_000_000 + n * 1000;
  const up = writeQuery(sql);
  return {
    exchange: i,
    up: [{ unit: i * 2, at, bytes: up }],
    down: [{ unit: i * 2 + 1, at: at + 400, bytes: answer }],
    statements: [facts(i)],
    startedAt: at,
    endedAt: at + 400,
    complete: true,
    firstUnit: i * 2,
    lastUnit: i * 2 + 1,
    truncated: false,
    damaged: false,
    bytesUp: up.length,
    bytesDown: answer.length,
  };
}

class Synthetic extends FakeRecordings {
  override async *exchanges(folder: string, { fromUnit = 0 } = {}): AsyncGenerator<RecordedExchange> {
    const session = [...this.sessions.keys()].indexOf(folder);
    for (let i = Math.ceil(fromUnit / 2); i < PER_SESSION; i++) yield exchangeOf(session, i);
  }
}

const sessions = Array.from(
  { length: SESSIONS },
  (_, i): FakeSession => fakeSession(`01S${String(i).padStart(4, '0')}`, []),
);
const folder = mkdtempSync(join(tmpdir(), 'cs-bench-'));
try {
  const file = join(folder, 'index.db');
  const store = new StoreCore({ file, recordingsDir: folder, role: 'write', source: new Synthetic(...sessions) });
  const started = performance.now();
  const cpu = process.cpuUsage();
  await store.rebuild({ fresh: false }, () => {}, new AbortController().signal);
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const total = SESSIONS * PER_SESSION;
  const cpuUs = (used.user + used.system) / total;
  const megabytes = statSync(file).size / 1e6;
  console.log(
    `indexed ${total} statements in ${seconds.toFixed(1)} s: ${Math.round(total / seconds)}/s, ${cpuUs.toFixed(1)} µs CPU each, ${megabytes.toFixed(0)} MB, RSS ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
  );
  const reader = new StoreCore({ file, recordingsDir: folder, role: 'read', source: new Synthetic(...sessions) });
  const page = { offset: 0, limit: 50 };
  const filter = { offset: 0, limit: 50 };
  time('latest 50 of a common term (select)', () => reader.search({ text: 'select' }, page).items.length);
  time('latest 50 of a table (public.orders)', () => reader.search({ text: 'public.orders' }, page).items.length);
  time('a rare term', () => reader.search({ text: `${total - 12_345}` }, page).items.length);
  time('a prefix (cust*)', () => reader.search({ text: 'cust*' }, page).items.length);
  time('sessions by a common term', () => reader.sessions({ ...filter, text: 'select' }).items.length);
  time('sessions by a rare term', () => reader.sessions({ ...filter, text: `${total - 12_345}` }).items.length);
  time(
    '50 statements in the middle of a session',
    () => reader.statements('01S0007', { offset: PER_SESSION >> 1, limit: 50 }).items.length,
  );
  reader.close();
  const removing = performance.now();
  store.removeSession('01S0003');
  console.log(
    `removing a session of ${PER_SESSION} statements: ${((performance.now() - removing) / 1000).toFixed(1)} s`,
  );
  store.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function time(what: string, work: () => number): void {
  const times: number[] = [];
  let found = 0;
  for (let i = 0; i < 21; i++) {
    const start = performance.now();
    found = work();
    times.push(performance.now() - start);
  }
  const [first] = times;
  times.sort((a, b) => a - b);
  console.log(`${what}: ${found} found, first ${first!.toFixed(2)} ms, median ${times[10]!.toFixed(2)} ms`);
}
