import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { components } from './components.ts';
import { installMissing } from './install-components.ts';
import type { Counts } from './reporter.ts';
import { type Check, leftRunning, runCheck, runVitest } from './run-phase.ts';

/**
 * `npm test`: every phase in turn, then `N passed, N failed, N skipped` as the last line.
 * `--only PHASE[,PHASE]` runs some; what follows `--` goes to vitest (`npm test -- --only unit -- gateway/masking`).
 */
const PHASES = [
  'components',
  'format',
  'lint',
  'types',
  'rules',
  'unused',
  'unit',
  'conformance',
  'browser',
  'fuzz',
] as const;
type Phase = (typeof PHASES)[number];
const CHECK: readonly Phase[] = ['format', 'lint', 'types', 'rules', 'unused'];

const CONSOLE: Check = {
  name: 'build of the console',
  program: 'vite',
  args: ['build', '--config', 'renderer/vite.config.ts'],
};

const CHECKS: Partial<Record<Phase, readonly Check[]>> = {
  format: [{ name: 'format', program: 'biome', args: ['format', '.'] }],
  lint: [{ name: 'lint', program: 'biome', args: ['lint', '.'] }],
  types: ['gateway', 'main', 'renderer', 'test', 'build'].map((folder) => ({
    name: `types of ${folder}`,
    program: 'tsc',
    args: ['-p', folder],
  })),
  unused: [{ name: 'unused code', program: 'knip', args: ['--no-progress'] }],
  // Once before anything serves it: two gateways that start at the same time would build it into each other's way.
  conformance: [CONSOLE],
  browser: [CONSOLE],
};

/** vitest's projects a phase, with the minutes after which it counts as hanging. */
const TESTS: Partial<Record<Phase, { projects: readonly string[]; minutes: number }>> = {
  rules: { projects: ['rules'], minutes: 2 },
  unit: { projects: ['unit', 'renderer'], minutes: 20 },
  conformance: { projects: ['conformance', 'conformance-alone'], minutes: 40 },
  browser: { projects: ['browser'], minutes: 20 },
  fuzz: { projects: ['fuzz'], minutes: 6 },
};

const say = (line: string) => process.stdout.write(`${line}\n`);

function wanted(args: readonly string[]): { phases: readonly Phase[]; rest: readonly string[] } {
  const split = args.indexOf('--');
  const own = split === -1 ? args : args.slice(0, split);
  const rest = split === -1 ? [] : args.slice(split + 1);
  const at = own.indexOf('--only');
  if (at === -1 && own.length > 0) return unknown(own[0] ?? '');
  if (at === -1) return { phases: PHASES, rest };
  const names = (own[at + 1] ?? '').split(',').flatMap((name) => (name === 'check' ? CHECK : [name as Phase]));
  for (const name of names) if (!PHASES.includes(name)) return unknown(name);
  return { phases: names, rest };
}

function unknown(name: string): never {
  say(`There is no phase "${name}"; there are: check, ${PHASES.join(', ')}.`);
  process.exit(2);
}

/** Each component is one test: there, skipped by name, or (required, with CI=true) failed. */
function checkComponents(): Counts {
  const all = components('test');
  const missing = () => all.filter((component) => component.find() === null);
  installMissing(missing(), (line) => say(`  ${line}`));
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const absent = missing();
  for (const component of all) {
    if (!absent.includes(component)) counts.passed += 1;
    else if (component.need === 'required' && process.env.CI === 'true') {
      counts.failed += 1;
      say(`  ✗ ${component.name} is required and missing: ${component.what}`);
    } else {
      counts.skipped += 1;
      say(`  - ${component.name} (${component.need}) is not here, so this is skipped: ${component.what}`);
    }
  }
  say(`  ✓ ${counts.passed} of ${all.length} components are here`);
  return counts;
}

/** An own temporary folder, so that nothing outlives the run; readable by others, since PostgreSQL runs as another user under root. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'cs-'));
  chmodSync(folder, 0o755);
  return folder;
}

async function main(): Promise<number> {
  const { phases, rest } = wanted(process.argv.slice(2));
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const add = (counts: Counts) => {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  };
  const folder = temporaryFolder();
  const env = {
    ...process.env,
    TMPDIR: folder,
    COUNTERSIGN_TEST_RUN: folder,
    // Hundreds of processes load the same files.
    NODE_COMPILE_CACHE: join(import.meta.dirname, '..', 'node_modules', '.cache', 'node'),
  };
  try {
    for (const phase of phases) {
      const started = Date.now();
      say(`\n${phase}`);
      if (phase === 'components') add(checkComponents());
      let broken = false;
      for (const check of CHECKS[phase] ?? []) {
        const passed = await runCheck(check, env);
        broken ||= !passed;
        add({ passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });
      }
      const tests = TESTS[phase];
      if (tests !== undefined && !broken) {
        const counts = join(folder, `${phase}.counts`);
        const problem = await runVitest(tests, rest, { ...env, COUNTERSIGN_TEST_COUNTS: counts });
        if (problem !== null) say(`  ✗ ${problem}`);
        add(countsFrom(counts, problem));
      }
      const left = leftRunning(folder);
      for (const one of left) say(`  ✗ ${phase} left a process running: ${one}`);
      add({ passed: 0, failed: left.length, skipped: 0 });
      say(`  ${((Date.now() - started) / 1000).toFixed(1)} s`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  say(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

/** A vitest that ended badly without a failed test of its own is one failure; one that said nothing is too. */
function countsFrom(file: string, problem: string | null): Counts {
  try {
    const counts = JSON.parse(readFileSync(file, 'utf8')) as Counts;
    return problem !== null && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

process.exitCode = await main();
