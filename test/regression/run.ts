import { component } from '../components.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import { startTestService } from '../support/service.ts';
import { prepareSources } from './sources.ts';
import { fullSchedule, runSuite, type SuiteRun } from './suite.ts';

/**
 * `npm run regression`: PostgreSQL's own regression suite (`--isolation`: its isolation suite) against
 * Debian's PostgreSQL 15, directly and through the gateway in observe mode with masking off. Exit code 0
 * when the same tests pass. `--only direct|gateway` runs one side; further words pick schedule lines that hold them.
 */
const say = (line: string) => process.stdout.write(`${line}\n`);

async function main(args: readonly string[]): Promise<number> {
  const kind = args.includes('--isolation') ? 'isolation' : 'regress';
  const server = component('postgres-15');
  const runner = component(kind === 'regress' ? 'pg_regress' : 'pg_isolation_regress');
  for (const { missing } of [server, runner]) {
    if (missing === false) continue;
    say(`skipped: ${missing}`);
    return 0;
  }
  const sources = prepareSources(say);
  const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : undefined;
  const schedule = fullSchedule(sources, kind);
  const suite = { runner: runner.path, inputs: sources[kind], dlpath: sources.regress, schedule };
  const runs: Partial<Record<'direct' | 'gateway', SuiteRun>> = {};
  for (const side of ['direct', 'gateway'] as const) {
    if (only !== undefined && only !== side) continue;
    const run = await onServer(server.path, side, (env) => runSuite({ ...suite, env }));
    runs[side] = run;
    say(
      `${side}: ${run.passed.length} of ${run.passed.length + run.failed.length} passed in ${run.seconds.toFixed(0)} s`,
    );
    if (run.passed.length === 0) say(run.said);
    if (run.failed.length > 0) say(`  failed: ${run.failed.join(', ')}`);
  }
  const { direct, gateway } = runs;
  const worse = (gateway?.failed ?? []).filter((test) => !direct?.failed.includes(test));
  if (worse.length > 0) say(`\nDifferences of the gateway's:\n${gateway?.diffs ?? ''}`);
  const equal = direct === undefined || gateway === undefined || direct.passed.length === gateway.passed.length;
  return worse.length === 0 && equal && (gateway ?? direct)!.passed.length > 0 ? 0 : 1;
}

/** A fresh server for each side: the suite leaves roles and databases behind. */
async function onServer<T>(
  postgres: string,
  side: 'direct' | 'gateway',
  run: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const server = await startDebianPostgres(postgres, ['max_prepared_transactions = 2']);
  try {
    if (side === 'direct') return await run(server.env);
    // Named as the role is, so that what psql says of itself is the same.
    const gateway = await startTestService({
      connections: [
        {
          id: server.user,
          kind: 'postgres',
          host: server.host,
          port: server.port,
          user: server.user,
          database: 'postgres',
          databases: ['*'],
          tls: { mode: 'disable' },
          mode: 'observe',
          masking: 'off',
          secret: server.password,
        },
      ],
    });
    try {
      return await run((await gateway.connect()).env);
    } finally {
      await gateway.stop();
    }
  } finally {
    await server.stop();
  }
}

process.exitCode = await main(process.argv.slice(2));
