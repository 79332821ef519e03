import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * The long form of the tests in this folder: `npm run soak -- [factor [file]]`, by default twenty times
 * as many cases as in `npm test`, from a seed of the moment, which a failure prints; `npm run soak -- 20 connections`
 * runs the ten thousand connects and disconnects alone.
 */
const [factor = '20', ...files] = process.argv.slice(2);
const seed = process.env.FUZZ_SEED ?? String(Date.now() % 1_000_000);
const root = fileURLToPath(new URL('../..', import.meta.url));
console.log(`factor ${factor}, seed ${seed}`);
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project', 'fuzz', '--testTimeout', '3600000', ...files],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, FUZZ_FACTOR: factor, FUZZ_SEED: seed },
  },
);
process.exit(status ?? 1);
