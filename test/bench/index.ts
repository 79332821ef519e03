import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { component } from '../components.ts';
import { startDebianPostgres } from '../support/debian-postgres.ts';
import { type IndexResult, postgresPart, sqlitePart } from './support/index-parts.ts';

/**
 * Import and search of synthetic sessions, in SQLite and in PostgreSQL, each in a process of its own:
 *   npm run bench:index [-- sqlite=1000000 postgres=1000000 postgres=10000000]
 * Writes results/index.json and index.md.
 */

const self = fileURLToPath(import.meta.url);
const results = join(self, '../results');

async function part(name: string, count: number): Promise<IndexResult> {
  if (name === 'sqlite') return child([name, String(count)], process.env);
  const { path, missing } = component('postgres');
  if (missing) throw new Error(missing);
  const server = await startDebianPostgres(path, ['shared_buffers = 256MB', 'max_wal_size = 4GB']);
  try {
    const url = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
    return await child([name, String(count), url], { ...process.env, PGPASSWORD: server.password });
  } finally {
    await server.stop();
  }
}

/** A process of its own, so that its memory is what the part takes. */
function child(args: readonly string[], env: NodeJS.ProcessEnv): Promise<IndexResult> {
  // A young generation as the workers have it (gateway/store/store.ts, gateway/team-index/fill.ts).
  const running = spawn(process.execPath, ['--max-semi-space-size=8', self, '--part', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return new Promise((done, fail) => {
    running.once('error', fail);
    running.once('close', (code) =>
      code === 0 ? done(JSON.parse(said)) : fail(new Error(`${args[0]} ended with ${code}`)),
    );
  });
}

const n = (value: number, digits = 0) => value.toFixed(digits).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

function markdown(all: readonly IndexResult[], machine: readonly string[]): string {
  const imports = all.map(
    (r) =>
      `| ${r.engine} | ${n(r.statements)} | ${n(r.sessions)} | ${n(r.perSecond)} | ${r.cpuUs.toFixed(1)} | ${n(r.peakMB)} | ${n(Object.values(r.sizes).reduce((a, b) => a + b, 0))} | ${r.againSeconds.toFixed(1)} |`,
  );
  const heads = all.map((r) => `${r.engine} ${n(r.statements / 1e6, 1)} M`);
  const searches = all[0]!.searches.map(({ what }) => {
    const cells = all.map((r) => {
      const one = r.searches.find((s) => s.what === what)!;
      return `${one.medianMs.toFixed(1)} (${one.firstMs.toFixed(0)}) of ${one.total === 10_000 ? '10,000+' : n(one.total)}`;
    });
    return `| ${what} | ${cells.join(' | ')} |`;
  });
  const sizes = all.map(
    (r) =>
      `- ${r.engine} ${n(r.statements / 1e6, 1)} M: ${Object.entries(r.sizes)
        .map(([what, mb]) => `${what} ${n(mb)} MB`)
        .join(', ')}`,
  );
  return `${[
    `# Index: import and search, ${new Date().toISOString().slice(0, 10)}`,
    machine.map((line) => `- ${line}`).join('\n'),
    'Synthetic sessions of 20 to 1,000 statements, made as they are read; deriving statements from bytes is in the figures, reading and unpacking files is not. The machine is shared and was busy: compare within this page, and CPU rather than seconds.',
    '## Import',
    `| | statements | sessions | per second | CPU µs each (own process) | peak MB | on disk MB | again, s |\n|---|---:|---:|---:|---:|---:|---:|---:|\n${imports.join('\n')}`,
    '## Search, 50 of all found: median ms (first)',
    `| | ${heads.join(' | ')} |\n|---|${all.map(() => '---:').join('|')}|\n${searches.join('\n')}`,
    '## On disk',
    sizes.join('\n'),
  ].join('\n\n')}\n`;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === '--part') {
    const [, name, count, url] = args;
    const made = name === 'sqlite' ? await sqlitePart(Number(count)) : await postgresPart(Number(count), url!);
    process.stdout.write(JSON.stringify(made));
    return;
  }
  const wanted = args.length > 0 ? args : ['sqlite=1000000', 'postgres=1000000'];
  const loads = [loadavg()[0]!];
  const all: IndexResult[] = [];
  for (const one of wanted) {
    const [name, count] = one.split('=');
    process.stderr.write(`${one}\n`);
    all.push(await part(name!, Number(count)));
    loads.push(loadavg()[0]!);
  }
  const machine = [
    `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${process.platform} ${release().split('-')[0]}, Node ${process.version}`,
    `load before and after each part: ${loads.map((load) => load.toFixed(1)).join(', ')}`,
    'PostgreSQL: shared_buffers 256 MB, fsync off (its data is thrown away)',
  ];
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 'index.json'), `${JSON.stringify({ machine, results: all }, null, 1)}\n`);
  writeFileSync(join(results, 'index.md'), markdown(all, machine));
  process.stdout.write(markdown(all, machine));
}

await main();
