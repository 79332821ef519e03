import { defineConfig } from 'vitest/config';

/** One project a phase of test/run.ts. Conformance and browser tests share machines' ports and CPUs, so they run one file at a time. */
export default defineConfig({
  test: {
    pool: 'forks',
    // By default one core is left idle, which on two cores is half of the machine.
    maxWorkers: '100%',
    reporters: ['./test/reporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'rules', include: ['test/rules/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['gateway/**/*.test.ts', 'test/unit/**/*.test.ts'],
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
          include: ['test/conformance/**/*.conformance.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'browser',
          include: ['test/e2e/**/*.e2e.ts'],
          fileParallelism: false,
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
