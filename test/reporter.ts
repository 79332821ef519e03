import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const root = new URL('..', import.meta.url).pathname;

function problem(error: { message?: string; stack?: string; diff?: string }): string {
  const where = (error.stack ?? '').split('\n').filter((line) => line.includes(root) && !line.includes('node_modules'));
  return [error.message ?? String(error), error.diff ?? '', ...where.slice(0, 4)]
    .filter((part) => part !== '')
    .join('\n')
    .replaceAll(/^/gm, '      ');
}

/**
 * One line a test file as it ends, failures and what needed a second attempt in full at the end, and the counts as JSON in the file
 * that COUNTERSIGN_TEST_COUNTS names. A file that cannot be loaded, or an error outside of any test,
 * counts as one failure: a run is never green because nothing ran.
 */
export default class LineReporter implements Reporter {
  onTestModuleEnd(module: TestModule): void {
    const tests = [...module.children.allTests()];
    const failed = module.state() === 'failed';
    const skipped = tests.filter((test) => test.result().state === 'skipped').length;
    const seconds = (module.diagnostic().duration / 1000).toFixed(1);
    const name = relative(root, module.moduleId);
    const note = skipped === 0 ? '' : `, ${skipped} skipped`;
    process.stdout.write(`  ${failed ? '✗' : '✓'} ${name} (${tests.length} tests${note}, ${seconds} s)\n`);
    for (const reason of new Set(tests.map((test) => skipReason(test)).filter((text) => text !== null))) {
      process.stdout.write(`      skipped: ${reason}\n`);
    }
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
    const failures: string[] = [];
    const unsteady: string[] = [];
    for (const module of modules) {
      const errors = [...module.errors()];
      for (const suite of module.children.allSuites()) errors.push(...suite.errors());
      if (errors.length > 0) {
        counts.failed += 1;
        failures.push(`${relative(root, module.moduleId)}\n${errors.map(problem).join('\n')}`);
      }
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') {
          counts.passed += 1;
          if (test.diagnostic()?.flaky) {
            const errors = (result.errors ?? []).map(problem).join('\n');
            unsteady.push(`${relative(root, module.moduleId)} > ${test.fullName}\n${errors}`);
          }
        } else if (result.state === 'skipped') counts.skipped += 1;
        else {
          counts.failed += 1;
          const errors = (result.errors ?? []).map(problem).join('\n');
          failures.push(`${relative(root, module.moduleId)} > ${test.fullName}\n${errors}`);
        }
      }
    }
    for (const error of unhandled) {
      counts.failed += 1;
      failures.push(`outside of any test\n${problem(error)}`);
    }
    for (const one of unsteady) process.stdout.write(`\n  ↻ passed at the second attempt: ${one}\n`);
    for (const failure of failures) process.stdout.write(`\n  ✗ ${failure}\n`);
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    const file = process.env.COUNTERSIGN_TEST_COUNTS;
    if (file === undefined) process.stdout.write(`\n${line}\n`);
    else writeFileSync(file, JSON.stringify(counts));
  }
}

/** The sentence a test gave for skipping itself: `ctx.skip(sentence)`, or its own name for skipIf. */
function skipReason(test: TestCase): string | null {
  const result = test.result();
  if (result.state !== 'skipped') return null;
  return result.note ?? test.fullName;
}
