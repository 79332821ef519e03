import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StatementFilter } from '../../../gateway/contract/search.ts';
import { StoreCore } from '../../../gateway/store/core.ts';
import { connectTeamDb } from '../../../gateway/team-index/connect.ts';
import { ensureSchema } from '../../../gateway/team-index/schema.ts';
import { searchTeamIndex } from '../../../gateway/team-index/search.ts';
import { indexTeam } from '../../../gateway/team-index/writer.ts';
import { median } from './statistics.ts';
import { SyntheticRecordings } from './synthetic.ts';

export const SEARCHES: Readonly<Record<string, StatementFilter>> = {
  'a rare word': { text: 'needle7' },
  'a common word, latest 50': { text: 'select' },
  'a phrase (public.order_1)': { text: 'public.order_1' },
  'a beginning (ship*)': { text: 'ship*' },
  'everything, latest 50': {},
  'a table': { table: 'invoice_2' },
  'denied, on a table': { table: 'customer_0', verdict: 'denied' },
  'a common word of one person': { text: 'select', person: 'person77' },
  'a person by one agent on one connection': { person: 'person3', agent: 'claude', connection: 'db-2' },
  'one device': { device: '01D00000000000000000000123' },
  'an approver within a month': {
    approver: 'approver12',
    since: '2025-03-01T00:00:00Z',
    until: '2025-04-01T00:00:00Z',
  },
  'masked values of a type, two words': { entity: 'IBAN_CODE', text: 'select status' },
  'two common words that never meet': { text: 'truncate select' },
};

export interface SearchTime {
  what: string;
  found: number;
  total: number;
  firstMs: number;
  medianMs: number;
}

export interface IndexResult {
  engine: string;
  statements: number;
  sessions: number;
  seconds: number;
  perSecond: number;
  /** Of this process, in microseconds a statement; PostgreSQL's own is not in it. */
  cpuUs: number;
  peakMB: number;
  sizes: Record<string, number>;
  searches: SearchTime[];
  /** A second import of the same. */
  againSeconds: number;
}

const never = new AbortController().signal;
const page = { offset: 0, limit: 50 };
const RUNS = 7;

interface Importing {
  seconds: number;
  cpuUs: number;
  peakMB: number;
}

async function importing(statements: number, work: (look: () => void) => Promise<unknown>): Promise<Importing> {
  let peak = 0;
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 200);
  const cpu = process.cpuUsage();
  const started = performance.now();
  try {
    await work(look);
  } finally {
    clearInterval(timer);
  }
  look();
  const used = process.cpuUsage(cpu);
  return {
    seconds: (performance.now() - started) / 1000,
    cpuUs: (used.user + used.system) / statements,
    peakMB: peak / 1e6,
  };
}

async function timed(
  search: (filter: StatementFilter) => Promise<{ items: unknown[]; total: number }>,
): Promise<SearchTime[]> {
  const all: SearchTime[] = [];
  for (const [what, filter] of Object.entries(SEARCHES)) {
    const times: number[] = [];
    let found = 0;
    let total = 0;
    for (let run = 0; run < RUNS; run++) {
      const started = performance.now();
      const answer = await search(filter);
      times.push(performance.now() - started);
      found = answer.items.length;
      total = answer.total;
    }
    all.push({ what, found, total, firstMs: times[0]!, medianMs: median(times) });
  }
  return all;
}

export async function sqlitePart(statements: number): Promise<IndexResult> {
  const folder = mkdtempSync(join(tmpdir(), 'cs-bench-'));
  const source = new SyntheticRecordings(statements);
  const file = join(folder, 'index.db');
  try {
    const store = new StoreCore({ file, recordingsDir: folder, role: 'write', source });
    const devices = source.devices();
    const took = await importing(source.statements, (look) => store.rebuild({ fresh: false, devices }, look, never));
    const started = performance.now();
    await store.rebuild({ fresh: false, devices }, () => {}, never);
    const againSeconds = (performance.now() - started) / 1000;
    const reader = new StoreCore({ file, recordingsDir: folder, role: 'read', source });
    const searches = await timed(async (filter) => reader.search(filter, page));
    reader.close();
    store.close();
    const sizes = { 'index.db': statSync(file).size / 1e6 };
    return result('SQLite', source, took, { sizes, searches, againSeconds });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function result(
  engine: string,
  source: SyntheticRecordings,
  took: Importing,
  rest: Pick<IndexResult, 'sizes' | 'searches' | 'againSeconds'>,
): IndexResult {
  const { statements, sessions } = source;
  return { engine, statements, sessions, ...took, perSecond: statements / took.seconds, ...rest };
}

/** @param url of an empty database; its password is in $PGPASSWORD. */
export async function postgresPart(statements: number, url: string): Promise<IndexResult> {
  const source = new SyntheticRecordings(statements);
  const db = await connectTeamDb(url, {
    env: process.env,
    askPassword: () => Promise.reject(new Error('nobody answers')),
  });
  try {
    await ensureSchema(db, { make: true });
    const run = (look: () => void) => indexTeam(db, source, source.teamSessions(), { signal: never, progress: look });
    const took = await importing(source.statements, run);
    const started = performance.now();
    await run(() => {});
    const againSeconds = (performance.now() - started) / 1000;
    // What an evening's autovacuum does: full text's pending entries go into the index.
    await db.query('VACUUM ANALYZE statements');
    const searches = await timed((filter) => searchTeamIndex(db, filter, page));
    const { rows } = await db.query<{ what: string; megabytes: number }>(`
      SELECT 'statements' AS what, sum(pg_table_size(inhrelid)) / 1e6 AS megabytes FROM pg_inherits WHERE inhparent = 'statements'::regclass
      UNION ALL SELECT regexp_replace(regexp_replace(c.relname, '^statements_(\\d+|other)_', ''), '_idx$', ''), sum(pg_relation_size(c.oid)) / 1e6
        FROM pg_inherits i JOIN pg_index x ON x.indrelid = i.inhrelid JOIN pg_class c ON c.oid = x.indexrelid
        WHERE i.inhparent = 'statements'::regclass GROUP BY 1
      UNION ALL SELECT c.relname, pg_total_relation_size(c.oid) / 1e6 FROM pg_class c
        WHERE c.relnamespace = 'countersign'::regnamespace AND c.relname IN ('facts', 'sessions', 'session_facets', 'facets')`);
    const sizes = Object.fromEntries(rows.map(({ what, megabytes }) => [what, Number(megabytes)]));
    return result('PostgreSQL', source, took, { sizes, searches, againSeconds });
  } finally {
    await db.end();
  }
}
