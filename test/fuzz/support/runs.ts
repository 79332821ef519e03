import fc, { type IAsyncProperty } from 'fast-check';

/**
 * How long and from where: the same cases each time in `npm test`; in the long form (soak.ts) as many
 * times more as FUZZ_FACTOR says, from the seed FUZZ_SEED. A failure prints its seed and path.
 */
export async function holds<T>(runs: number, property: IAsyncProperty<T>): Promise<void> {
  const factor = Number(process.env.FUZZ_FACTOR ?? 1);
  const seed = Number(process.env.FUZZ_SEED ?? 20_260_101);
  const numRuns = Math.ceil(runs * factor);
  const endOnFailure = process.env.FUZZ_SHRINK !== '1';
  const { failed, counterexamplePath: path, errorInstance } = await fc.check(property, { numRuns, seed, endOnFailure });
  if (failed)
    throw new Error(`seed ${seed}, path ${path}: ${errorInstance instanceof Error ? errorInstance.message : ''}`);
}

/** True in the long form. */
export const LONG_FORM = Number(process.env.FUZZ_FACTOR ?? 1) > 1;

/** Of one test, in milliseconds. */
export const PATIENCE = LONG_FORM ? 3_600_000 : 170_000;
