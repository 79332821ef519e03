import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { sessionStatements } from '../support/recordings.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { runClient, type SideBySide, startSideBySide } from '../support/side-by-side.ts';

const pgbench = component('pgbench');
const enough = pgbench.missing === false;

let postgres: TestPostgres;
let sides: SideBySide;
let folder: string;

beforeAll(async () => {
  if (!enough) return;
  folder = mkdtempSync(join(tmpdir(), 'cs-pgbench-'));
  postgres = await startPostgres();
  sides = await startSideBySide(postgres, { policy: ALLOW_ALL });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

/** Runs pgbench through the gateway under a name of its own and reads what it says it did. */
async function bench(name: string, ...args: string[]): Promise<{ transactions: number; out: string }> {
  const run = await runClient(pgbench.path, ['-n', ...args], { ...sides.gateway, PGAPPNAME: name });
  expect(run.out, run.out).toMatch(/number of failed transactions: 0/);
  expect(run.code).toBe(0);
  const transactions = Number(/number of transactions actually processed: (\d+)/.exec(run.out)?.[1]);
  return { transactions, out: run.out };
}

describe.skipIf(pgbench.missing)('pgbench', () => {
  it('fills its tables', async () => {
    const run = await runClient(pgbench.path, ['-i', '-q', '-s', '1'], sides.gateway);
    expect(run.code, run.out).toBe(0);
    expect(await postgres.query('SELECT count(*) FROM pgbench_accounts')).toEqual([{ count: '100000' }]);
  });

  it.each(['simple', 'extended', 'prepared'])(
    'selects by the %s protocol, and every SELECT is recorded',
    async (mode) => {
      const name = `select ${mode}`;
      const { transactions } = await bench(name, '-S', '-M', mode, '-c', '4', '-t', '250');
      expect(transactions).toBe(1000);
      const ops = await sessionStatements(sides.service.home, name);
      expect(ops.filter(({ op }) => op === 'SELECT').length).toBeGreaterThanOrEqual(1000);
      expect(ops.filter(({ shape }) => shape?.includes('SELECT abalance')).length).toBe(1000);
    },
  );

  it('runs its default transactions with 32 clients, each statement of which is recorded', async () => {
    const { transactions } = await bench('default', '-c', '32', '-j', '2', '-t', '10');
    expect(transactions).toBe(320);
    const ops = await sessionStatements(sides.service.home, 'default');
    const number = (op: string) => ops.filter((statement) => statement.op === op).length;
    expect(number('UPDATE')).toBe(3 * 320);
    expect(number('INSERT')).toBe(320);
    expect(number('COMMIT')).toBe(320);
    expect(await postgres.query('SELECT count(*) FROM pgbench_history')).toEqual([{ count: '320' }]);
  });

  it('runs a pipeline', async () => {
    const file = join(folder, 'pipeline.sql');
    const selects = Array.from({ length: 20 }, (_, i) => `SELECT abalance FROM pgbench_accounts WHERE aid = ${i + 1};`);
    writeFileSync(file, `\\startpipeline\n${selects.join('\n')}\n\\endpipeline\n`);
    for (const mode of ['extended', 'prepared']) {
      const { transactions } = await bench(`pipeline ${mode}`, '-f', file, '-M', mode, '-c', '2', '-t', '50');
      expect(transactions).toBe(100);
      const ops = await sessionStatements(sides.service.home, `pipeline ${mode}`);
      expect(ops.filter(({ shape }) => shape?.includes('abalance')).length).toBe(2000);
    }
  });

  it('retries serialization failures as it does directly', async () => {
    const file = join(folder, 'serial.sql');
    const sql = 'UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1;';
    writeFileSync(file, `BEGIN ISOLATION LEVEL REPEATABLE READ;\n${sql}\nEND;\n`);
    const args = ['-f', file, '-c', '4', '-t', '25', '--max-tries=1000', '--failures-detailed'];
    const { transactions, out } = await bench('failures', ...args);
    expect(transactions).toBe(100);
    expect(out).toMatch(/serialization failures: 0/);
  });
});
