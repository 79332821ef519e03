import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { component } from '../../components.ts';
import { run } from './processes.ts';

/** What one run of a load yields. */
export interface Sample {
  /** Queries a second; for bulk loads MB of results a second. */
  rate: number;
  /** Queries, or MB. */
  amount: number;
  /** Median time of a transaction in microseconds; 1 client only. */
  p50: number | null;
}

export interface Load {
  name: string;
  kind: 'queries' | 'bulk';
  /** Runs it against the server that `env` names, as `application_name` the load's name. */
  run(env: Record<string, string>): Promise<Sample>;
}

/** Rows of the bulk table. */
export const BULK_ROWS = 1_000_000;
const SCALE = 10;

const clientEnvironment = (env: Record<string, string>, name: string): NodeJS.ProcessEnv => ({
  ...process.env,
  // A password of the caller's own must not reach the servers under test.
  PGPASSWORD: '',
  ...env,
  PGAPPNAME: `bench ${name}`,
  PGSSLMODE: 'disable',
  PGGSSENCMODE: 'disable',
});

const PIPELINE = 10;
const scripts = {
  pipelined: [
    '\\set aid random(1, 100000 * :scale)',
    '\\startpipeline',
    ...Array.from({ length: PIPELINE }, () => 'SELECT abalance FROM pgbench_accounts WHERE aid = :aid;'),
    '\\endpipeline',
  ],
  update: [
    '\\set aid random(1, 100000 * :scale)',
    'UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;',
  ],
};

interface PgbenchOptions {
  clients: number;
  mode: 'simple' | 'prepared';
  seconds: number;
  work: 'select' | 'read-write' | keyof typeof scripts;
}

/** pgbench, whose transactions a second are turned into queries a second where one has several. */
export function pgbench(name: string, options: PgbenchOptions): Load {
  const { clients, mode, seconds, work } = options;
  return {
    name,
    kind: 'queries',
    async run(env) {
      const folder = mkdtempSync(join(tmpdir(), 'cs-bench-load-'));
      try {
        const args = ['-n', '-c', String(clients), '-j', '1', '-T', String(seconds), '-M', mode];
        let each = 1;
        if (work === 'select') args.push('-S');
        else if (work !== 'read-write') {
          const script = join(folder, 'script.sql');
          writeFileSync(script, `${scripts[work].join('\n')}\n`);
          args.push('-f', script, '-s', String(SCALE));
          if (work === 'pipelined') each = PIPELINE;
        }
        if (clients === 1) args.push('-l', '--log-prefix', join(folder, 'log'));
        const result = await run(component('pgbench').path, args, { env: clientEnvironment(env, name), cwd: folder });
        const tps = /tps = ([\d.]+) \(without/.exec(result.stdout)?.[1];
        const count = /transactions actually processed: (\d+)/.exec(result.stdout)?.[1];
        const failed = /failed transactions: (\d+)/.exec(result.stdout)?.[1] ?? '0';
        if (result.status !== 0 || !tps || !count || failed !== '0') {
          throw new Error(`pgbench (${name}): ${result.stderr || result.stdout}`);
        }
        return {
          rate: Number(tps) * each,
          amount: Number(count) * each,
          p50: clients === 1 ? medianLatency(folder) : null,
        };
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** From pgbench's log: client, transaction number, microseconds, … */
function medianLatency(folder: string): number {
  const times: number[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.startsWith('log')) continue;
    for (const line of readFileSync(join(folder, name), 'latin1').split('\n')) {
      const time = line.split(' ', 3)[2];
      if (time !== undefined) times.push(Number(time));
    }
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1]!;
}

/** One statement whose result is thrown away. */
export function bulk(name: string, sql: string): Load {
  const client = fileURLToPath(new URL('../discard.ts', import.meta.url));
  return {
    name,
    kind: 'bulk',
    async run(env) {
      const result = await run(process.execPath, [client, sql], { env: clientEnvironment(env, name) });
      if (result.status !== 0) throw new Error(`${name}: ${result.stderr}`);
      const { ms, bytes } = JSON.parse(result.stdout) as { ms: number; bytes: number };
      return { rate: bytes / 1000 / ms, amount: bytes / 1e6, p50: null };
    },
  };
}

/** pgbench's tables, and `people`: short rows with names, times and prose, of which nothing looks like a secret. */
export async function prepare(env: Record<string, string>): Promise<void> {
  const psql = component('psql').path;
  const clean = clientEnvironment(env, 'prepare');
  const made = await run(component('pgbench').path, ['-i', '-q', '-s', String(SCALE)], { env: clean });
  if (made.status !== 0) throw new Error(`pgbench -i: ${made.stderr}`);
  const words =
    "ARRAY['order','late','customer','called','again','about','the','blue','chair','which','arrived','broken','and','wants','money','back','before','Friday']";
  const word = `(${words})[1 + floor(random() * 18)::int]`;
  const sql = `
    CREATE TABLE people AS
      SELECT i AS id,
        initcap(substr(md5(random()::text), 1, 6)) || ' ' || initcap(substr(md5(random()::text), 1, 9)) AS name,
        timestamptz '2026-01-01 00:00:00+00' + i * interval '17.3 seconds' AS created,
        round((random() * 9000)::numeric, 2) AS amount,
        ${Array.from({ length: 6 }, () => word).join(" || ' ' || ")} AS note
      FROM generate_series(1, ${BULK_ROWS}) AS i;
    VACUUM ANALYZE people;
    CHECKPOINT;`;
  for (const statement of sql.split(';').filter((part) => part.trim() !== '')) {
    const done = await run(psql, ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-c', statement], { env: clean });
    if (done.status !== 0) throw new Error(`psql: ${done.stderr}`);
  }
}
