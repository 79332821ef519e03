import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openTarget } from '../../gateway/sync/targets/open-target.ts';
import { components } from '../components.ts';
import { installMissing } from '../install-components.ts';
import { median, shuffled } from './support/statistics.ts';
import { type Load, makeLoad } from './sync/objects.ts';
import { type BenchStore, STORES } from './sync/stores.ts';

/**
 * npm run bench:sync [-- --rounds N] [--only folder|sftp|s3] [--quick]
 *
 * The same files into the same store through the gateway's target and with the plain tool, one after the other in
 * interleaved rounds of random order, unencrypted; writes test/bench/results/sync.{json,md}. With --only or --quick
 * (less of everything) it prints what it found and writes nothing.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string' },
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
  },
});
const { quick, only } = options;
const rounds = Number(options.rounds ?? (quick ? 2 : 5));
const AT_MOST = 1.3;
const MIB = 1024 * 1024;
const never = new AbortController().signal;
const say = (line: string) => process.stderr.write(`${line}\n`);

interface Result {
  store: string;
  load: string;
  tool: string;
  /** Seconds, a round each. */
  target: number[];
  plain: number[];
  megabytesPerSecond: { target: number; plain: number };
  /** Median of the rounds' own ratios of times. */
  ratio: number;
  reached: boolean;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

/** With a connection of its own, as the plain tool has. */
async function throughTarget(store: BenchStore, load: Load, folder: string): Promise<void> {
  const target = openTarget(store.config, { read: async () => store.secret });
  try {
    for (const [n, file] of load.files.entries()) {
      const body = load.bodies[n];
      if (body !== undefined) await target.create(`${folder}/${file}`, body, never);
    }
  } finally {
    await target.close();
  }
}

async function compare(store: BenchStore, load: Load): Promise<Result> {
  const times = { target: [] as number[], plain: [] as number[] };
  // The first round warms up and does not count.
  for (let round = 0; round <= rounds; round += 1) {
    for (const who of shuffled(['target', 'plain'] as const)) {
      const folder = `${who}/${load.name}-${round}`;
      const work = () => (who === 'target' ? throughTarget(store, load, folder) : store.plain(load, folder));
      const seconds = await timed(work);
      if (round > 0) times[who].push(seconds);
    }
  }
  const ratio = median(times.target.map((seconds, round) => seconds / (times.plain[round] ?? Number.NaN)));
  const rate = (seconds: readonly number[]) => load.bytes / MIB / median(seconds);
  const megabytesPerSecond = { target: rate(times.target), plain: rate(times.plain) };
  const { kind, tool } = store;
  return { store: kind, load: load.name, tool, ...times, megabytesPerSecond, ratio, reached: ratio <= AT_MOST };
}

function markdown(results: readonly Result[], skipped: readonly string[], machine: string): string {
  const rows = results.map((one) => {
    const { target, plain } = one.megabytesPerSecond;
    const cells = [one.store, one.load, one.tool, target.toFixed(1), plain.toFixed(1), one.ratio.toFixed(2)];
    return `| ${[...cells, one.reached ? 'yes' : 'no'].join(' | ')} |`;
  });
  return [
    `# Sync to a store against the plain tool, ${new Date().toISOString().slice(0, 10)}`,
    `${machine}. ${rounds} interleaved rounds in random order after one to warm up; medians, and the median of the rounds' ratios of times. Objects one after the other, unencrypted, each on the server's disk before the next where the server can be told to. Server and client share the machine.`,
    [
      '| store | load | plain tool | MiB/s | MiB/s plain | time / plain | at most 1.3 |',
      '|---|---|---|---:|---:|---:|---|',
      ...rows,
    ].join('\n'),
    ...skipped.map((sentence) => `Skipped: ${sentence}`),
  ].join('\n\n');
}

const wanted = new Set(['sshd', 'ssh-agent', 'radosgw', 'sftp', 'rclone']);
installMissing(
  components('bench').filter((one) => wanted.has(one.name) && one.find() === null),
  say,
);
const base = mkdtempSync(join(tmpdir(), 'cs-bench-sync-'));
const results: Result[] = [];
const skipped: string[] = [];
try {
  const [large, small] = quick ? [4, 60] : [8, 300];
  const loads = [
    makeLoad(base, `${large}-parts-of-8-MiB`, large, 8 * MIB),
    makeLoad(base, `${small}-parts-of-16-KiB`, small, 16 * 1024),
  ];
  for (const open of STORES) {
    const store = await open();
    if (typeof store === 'string') {
      skipped.push(store);
      continue;
    }
    try {
      if (!store.kind.includes(only)) continue;
      await openTarget(store.config, { read: async () => store.secret }).setUp(never);
      for (const load of loads) {
        const result = await compare(store, load);
        say(`${result.store}, ${result.load}: ${result.ratio.toFixed(2)} of the time of ${result.tool}`);
        results.push(result);
      }
    } finally {
      await store.stop();
    }
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
const machine = `${cpus()[0]?.model ?? ''} × ${cpus().length}, Linux ${release()}, Node ${process.version}, load average ${loadavg()[0]?.toFixed(1)} at the end`;
const page = markdown(results, skipped, machine);
if (quick || only !== '') process.stdout.write(`${page}\n`);
else {
  const folder = fileURLToPath(new URL('./results', import.meta.url));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'sync.json'), `${JSON.stringify({ machine, rounds, results, skipped }, null, 2)}\n`);
  writeFileSync(join(folder, 'sync.md'), `${page}\n`);
}
