import { defineConfig } from 'vitest/config';

/** Files that make users of the machine or count what it has (processes, ports, speed) have it for themselves. */
const ALONE = ['protected', 'adversary', 'demo', 'pgbench', 'regression'].map(
  (name) => `test/conformance/${name}.conformance.ts`,
);

/**
 * What runs real servers, browsers and processes on busy processors gets a second attempt; the reporter names each
 * test that needed one, with what went wrong at first. What computes has to be right at once.
 */
const retry = 1;

/** One project a phase of test/run.ts, and one for those of conformance that run after the others, one at a time. */
export default defineConfig({
  test: {
    pool: 'forks',
    // By default one core is left idle, which on two cores is half of the machine.
    maxWorkers: '100%',
    reporters: ['./test/reporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'rules', include: ['test/rules/**/*.test.ts'], testTimeout: 60_000 },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{gateway,main,build}/**/*.test.ts', 'test/{unit,simulation}/**/*.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'renderer',
          include: ['renderer/**/*.test.{ts,tsx}'],
          environment: 'jsdom',
          testTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance',
          // Half of the time they wait for servers, timers and other processes.
          maxWorkers: 3,
          retry,
          include: ['test/conformance/**/*.conformance.ts'],
          exclude: ALONE,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'conformance-alone',
          retry,
          include: ALONE,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          retry,
          include: ['test/e2e/**/*.e2e.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'fuzz',
          include: ['test/fuzz/**/*.fuzz.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
