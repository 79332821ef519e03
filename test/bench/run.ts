import { hash } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readSession, sessionFolders } from '../../gateway/recording/reader.ts';
import { verifySession } from '../../gateway/recording/verify.ts';
import { component, components } from '../components.ts';
import { installMissing } from '../install-components.ts';
import { startDatabase } from './support/database.ts';
import { startGateway } from './support/gateway-process.ts';
import { bulk, type Load, pgbench, prepare } from './support/loads.ts';
import { type Peer, startForwarder, startHaproxy, startPgbouncer } from './support/peers.ts';
import { cpuTime, peakMemory, resetPeakMemory, run, settled } from './support/processes.ts';
import { markdown, type Report } from './support/report.ts';
import { goals, type Measurement, type Recordings, summarize, type TargetName } from './support/results.ts';
import { median, shuffled } from './support/statistics.ts';

/**
 * npm run bench [-- --quick] [--only TEXT] [--rounds N] [--seconds N] [--through a,b] [--name NAME]
 *
 * Compares the gateway, with everything on, to a direct connection, pgbouncer, haproxy and plain forwarding on Node, in
 * interleaved rounds of random order, and writes test/bench/results/NAME.{json,md}.
 */
const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    through: { type: 'string', default: '' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    name: { type: 'string' },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 3 : 5));
/** pgbench's clock starts before its clients are connected, which takes 32 of them a second or more on a busy machine. */
const seconds = Number(options.seconds ?? (options.quick ? 3 : 4));
const resultsFolder = fileURLToPath(new URL('./results', import.meta.url));
const say = (line: string) => process.stderr.write(`${line}\n`);

interface Target {
  name: TargetName;
  pid: number | null;
  env: Record<string, string>;
}

function loads(): Load[] {
  const list: Load[] = [];
  for (const clients of [1, 8, 32])
    for (const mode of ['prepared', 'simple'] as const)
      list.push(pgbench(`select ${clients} ${mode}`, { clients, mode, seconds, work: 'select' }));
  list.push(pgbench('pipelined 8', { clients: 8, mode: 'prepared', seconds, work: 'pipelined' }));
  list.push(pgbench('update 1 prepared', { clients: 1, mode: 'prepared', seconds, work: 'update' }));
  list.push(pgbench('read-write 8 simple', { clients: 8, mode: 'simple', seconds, work: 'read-write' }));
  list.push(bulk('bulk SELECT', 'SELECT * FROM people'));
  list.push(bulk('bulk COPY', 'COPY people TO STDOUT'));
  return list.filter((load) => load.name.includes(options.only));
}

/** Where taking the recorder out tells something; elsewhere it only takes time. */
const UNRECORDED = new Set(['select 8 prepared', 'bulk SELECT']);

/** How fast this machine is just now, by something that is only arithmetic: others may be using it. */
function pace(): string {
  const block = new Uint8Array(2 ** 20);
  const times = Array.from({ length: 15 }, () => {
    const started = process.cpuUsage();
    hash('sha256', block);
    const { user, system } = process.cpuUsage(started);
    return (user + system) / 1000;
  });
  return `${median(times).toFixed(2)} ms of CPU`;
}

async function measure(load: Load, target: Target, round: number): Promise<Measurement> {
  await settled(target.pid);
  resetPeakMemory(target.pid);
  const before = cpuTime(target.pid);
  const sample = await load.run(target.env);
  // What was put off until the load ended belongs to it.
  await settled(target.pid);
  const after = cpuTime(target.pid);
  return {
    round,
    load: load.name,
    kind: load.kind,
    target: target.name,
    ...sample,
    cpu: {
      main: after.main - before.main,
      recorder: after.recorder - before.recorder,
      all: after.all - before.all,
    },
    peakMemory: peakMemory(target.pid),
  };
}

/** Size and verification of what the gateway recorded, by the kind of traffic. */
async function lookAtRecordings(folder: string): Promise<Recordings[]> {
  const byTraffic = new Map<Recordings['traffic'], Recordings>();
  for await (const session of sessionFolders(folder)) {
    const { info, close } = await readSession(session);
    const load = info.applicationName;
    if (close === null || load.includes('warm')) continue;
    const traffic = load.includes('bulk') ? 'bulk' : load.includes('select') || load.includes('pipe') ? 'small' : null;
    if (traffic === null) continue;
    const entry = byTraffic.get(traffic) ?? { traffic, sessions: 0, payload: 0, stored: 0, verifySeconds: 0 };
    byTraffic.set(traffic, entry);
    const started = process.cpuUsage();
    const verification = await verifySession(session);
    const { user, system } = process.cpuUsage(started);
    if (!verification.ok) throw new Error(`a recording does not verify: ${JSON.stringify(verification.checks)}`);
    entry.sessions += 1;
    entry.payload += (close.counts.bytesUp + close.counts.bytesDown) / 1e6;
    entry.verifySeconds += (user + system) / 1e6;
    for (const file of readdirSync(session)) entry.stored += statSync(join(session, file)).size / 1e6;
  }
  return [...byTraffic.values()];
}

async function parts(): Promise<Report['parts']> {
  if (options.quick || options.only !== '') return [];
  const list: Report['parts'] = [];
  for (const name of ['masking', 'recording', 'store']) {
    const file = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
    const done = await run(process.execPath, [file]);
    list.push({ name: `By itself: ${name}`, output: done.status === 0 ? done.stdout : `failed: ${done.stderr}` });
  }
  return list;
}

async function main(): Promise<void> {
  const needed = components('bench').filter(({ name }) =>
    ['pgbench', 'psql', 'postgres', 'pgbouncer', 'haproxy'].includes(name),
  );
  installMissing(
    needed.filter(({ find }) => find() === null),
    say,
  );
  for (const name of ['pgbench', 'psql']) {
    const { missing } = component(name);
    if (missing !== false) throw new Error(missing);
  }
  const ending: (() => Promise<void> | void)[] = [];
  const skipped: string[] = [];
  const paceBefore = pace();
  try {
    const database = await startDatabase();
    ending.unshift(() => database.stop());
    const direct = { PGHOST: '127.0.0.1', PGPORT: String(database.port), PGUSER: 'bench', PGDATABASE: 'bench' };
    say('filling the tables');
    await prepare(direct);

    const targets: Target[] = [{ name: 'direct', pid: null, env: direct }];
    const versions: Record<string, string> = { PostgreSQL: database.version };
    const addPeer = (name: 'pgbouncer' | 'haproxy' | 'forward', proxy: Peer | string) => {
      if (typeof proxy === 'string') {
        skipped.push(proxy);
        return;
      }
      ending.unshift(() => proxy.stop());
      versions[name] = proxy.version;
      targets.push({ name, pid: proxy.pid, env: { ...direct, PGPORT: String(proxy.port) } });
    };
    addPeer('pgbouncer', await startPgbouncer(database.port));
    addPeer('haproxy', await startHaproxy(database.port));
    addPeer('forward', await startForwarder(database.port));
    const gateway = await startGateway(database.port, { recorded: true });
    ending.unshift(() => gateway.end());
    ending.push(() => gateway.remove());
    targets.push({ name: 'gateway', pid: gateway.pid, env: gateway.plain });
    targets.push({ name: 'masked', pid: gateway.pid, env: gateway.masked });
    const unrecorded = await startGateway(database.port, { recorded: false });
    ending.unshift(() => unrecorded.end());
    ending.push(() => unrecorded.remove());
    targets.push({ name: 'unrecorded', pid: unrecorded.pid, env: unrecorded.plain });

    const through = options.through === '' ? null : options.through.split(',');
    const chosen = targets.filter(({ name }) => through === null || through.includes(name));
    say('warming up');
    for (const target of chosen) {
      await pgbench('warm', { clients: 8, mode: 'prepared', seconds: 4, work: 'select' }).run(target.env);
      await bulk('warm', 'SELECT * FROM people LIMIT 200000').run(target.env);
      await bulk('warm', 'COPY (SELECT * FROM people LIMIT 200000) TO STDOUT').run(target.env);
    }
    const measurements: Measurement[] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const load of shuffled(loads())) {
        for (const target of shuffled(chosen)) {
          if (target.name === 'unrecorded' && !UNRECORDED.has(load.name)) continue;
          measurements.push(await measure(load, target, round));
        }
      }
      say(`round ${round + 1} of ${rounds} is done`);
    }
    await gateway.end();
    const recordings = await lookAtRecordings(gateway.recordings);
    const summaries = loads().flatMap((load) => summarize(measurements.filter((m) => m.load === load.name)));
    const order = new Map(targets.map(({ name }, i) => [name, i]));
    summaries.sort((a, b) => (a.load === b.load ? order.get(a.target)! - order.get(b.target)! : 0));
    const report: Report = {
      date: new Date().toISOString().slice(0, 10),
      quick: options.quick,
      machine: {
        processor: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
        memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
        system: `${process.platform} ${release().split('-')[0]}, Node ${process.version}`,
        ...versions,
        'SHA-256 of 1 MiB, before and after': `${paceBefore}, ${pace()}`,
      },
      skipped,
      rounds,
      seconds,
      goals: goals(summaries, recordings),
      summaries,
      recordings,
      parts: await parts(),
    };
    const name =
      options.name ?? (options.quick || options.only !== '' || options.through !== '' ? 'quick.tmp' : 'full');
    mkdirSync(resultsFolder, { recursive: true });
    writeFileSync(join(resultsFolder, `${name}.json`), `${JSON.stringify({ ...report, measurements }, null, 1)}\n`);
    writeFileSync(join(resultsFolder, `${name}.md`), markdown(report));
    process.stdout.write(markdown(report));
    const measured = report.goals.filter((goal) => goal.reached !== 'not measured');
    const reached = measured.filter((goal) => goal.reached !== 'missed');
    say(`${reached.length} of the ${measured.length} targets that were measured are reached`);
  } finally {
    for (const end of ending) await end();
  }
}

await main();
