import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['gateway/**/*.test.ts', 'test/unit/**/*.test.ts'],
    testTimeout: 30_000,
    pool: 'forks',
  },
});
