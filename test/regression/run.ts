import { component } from '../components.ts';
import { onServer } from './sides.ts';
import { prepareSources } from './sources.ts';
import { fullSchedule, runSuite, type SuiteRun } from './suite.ts';

/**
 * `npm run regression`: PostgreSQL's own regression suite (`--isolation`: its isolation suite, which finds
 * its sessions by the process ids that clients see) against Debian's PostgreSQL 15, directly and through the
 * gateway in observe mode with masking off. Exit code 0 when the same tests pass. `--only direct|gateway` runs one side.
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
    const run = await onServer(server.path, side, (env) => runSuite({ ...suite, env, minutes: 40 }));
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

process.exitCode = await main(process.argv.slice(2));
