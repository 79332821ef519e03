import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ALLOW_ALL, startTestService } from '../support/service.ts';
import { playTerminal } from '../support/terminal.ts';

/** What a recorded terminal costs: at its start, and in throughput against the same program on a bare one. */

/** As it is installed: the program's own entry, on the Node it comes with. */
const ENTRY = fileURLToPath(new URL('../../gateway/bin/countersign.mjs', import.meta.url));
const fast = (argv: readonly string[]) => [process.execPath, ENTRY, 'exec', '--', ...argv];

const STARTS = 20;
const RUNS = 3;
const MEBIBYTES = 32;

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

function time(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<number> {
  const [program = '', ...args] = argv;
  const began = performance.now();
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve) => child.on('close', () => resolve(performance.now() - began)));
}

const gateway = await startTestService({ connections: [], policy: ALLOW_ALL });
const work = mkdtempSync(join(tmpdir(), 'bench-exec-'));
mkdirSync(join(work, '.git'));
const env = { ...process.env, COUNTERSIGN_SOCKET: gateway.service.control.socketPath };
const line = `${'0123456789abcdef'.repeat(4)}\n`;
writeFileSync(join(work, 'text'), line.repeat(Math.ceil((MEBIBYTES * 1024 * 1024) / line.length)));

try {
  const starts: Record<'true' | 'node' | 'exec' | 'terminal' | 'bare', number[]> = {
    true: [],
    node: [],
    exec: [],
    terminal: [],
    bare: [],
  };
  const onTerminal = async (argv: readonly string[]) => {
    const began = performance.now();
    await playTerminal(argv, { env, cwd: work, hash: true });
    return performance.now() - began;
  };
  // One after the other, so that all meet the same machine.
  for (let i = 0; i < STARTS; i++) {
    starts.true.push(await time(['true'], env, work));
    starts.node.push(await time([process.execPath, '-e', '0'], env, work));
    starts.exec.push(await time(fast(['true']), env, work));
    starts.bare.push(await onTerminal(['true']));
    starts.terminal.push(await onTerminal(fast(['true'])));
  }
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const least = (values: readonly number[]) => Math.min(...values);
  const { true: bare, node, exec } = starts;
  console.log(`start, median of ${STARTS}:`);
  console.log(
    `  true ${ms(median(bare))}, an empty Node ${ms(median(node))}, exec -- true ${ms(median(exec))} on pipes`,
  );
  console.log(`  added over an empty Node: ${ms(median(exec) - median(node))} on pipes`);
  console.log(`  added, of the fastest of each: ${ms(least(exec) - least(node))} on pipes`);
  console.log(`  on a terminal: true ${ms(median(starts.bare))}, exec -- true ${ms(median(starts.terminal))}`);

  const rates = { bare: [] as number[], exec: [] as number[] };
  for (let i = 0; i < RUNS; i++) {
    for (const [name, argv] of [
      ['bare', ['cat', 'text']],
      ['exec', fast(['cat', 'text'])],
    ] as const) {
      const began = performance.now();
      const { bytes } = await playTerminal(argv, { env, cwd: work, hash: true });
      rates[name].push(bytes / 1e6 / ((performance.now() - began) / 1000));
    }
  }
  console.log(`throughput of cat on a terminal, ${MEBIBYTES} MiB, median of ${RUNS}:`);
  console.log(`  bare ${median(rates.bare).toFixed(1)} MB/s, recorded ${median(rates.exec).toFixed(1)} MB/s`);
  console.log(`  kept: ${((median(rates.exec) / median(rates.bare)) * 100).toFixed(0)} %`);
} finally {
  await gateway.stop();
  rmSync(work, { recursive: true, force: true });
}
