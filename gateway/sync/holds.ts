import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';

const MAX_HOLDS = 10_000;

/** `all`, a session's id, or `connection:<id>`. */
const HoldTarget = z.string().regex(/^(all|connection:[a-z0-9][a-z0-9-]{0,62}|[0-9A-Za-z][0-9A-Za-z_-]{0,63})$/);

const Hold = z.strictObject({
  what: HoldTarget,
  why: z.string().min(1).max(500),
  by: z.string().max(320),
  at: z.iso.datetime(),
});
export type Hold = z.infer<typeof Hold>;

const HoldsFile = z.strictObject({ version: z.literal(1), holds: z.array(Hold).max(MAX_HOLDS) });

/**
 * Legal holds, in a file of the home: what is held is not deleted by any rule, budget or person.
 * Throws HOLDS_BROKEN, and then nothing at all may be deleted.
 */
export class Holds {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Read each time: a hold that somebody else set counts at once. */
  list(): Hold[] {
    const text = readFileIfThere(this.#file);
    if (text === null) return [];
    try {
      return HoldsFile.parse(JSON.parse(text)).holds;
    } catch (cause) {
      throw new CountersignError(
        'HOLDS_BROKEN',
        `${this.#file} cannot be understood; nothing is deleted until it is repaired.`,
        { cause },
      );
    }
  }

  /** @param sid of a session on `connection`. @returns the hold that keeps it, or null. */
  of(sid: string, connection: string): Hold | null {
    return (
      this.list().find(({ what }) => what === 'all' || what === sid || what === `connection:${connection}`) ?? null
    );
  }

  /** Throws HOLD_SET, HOLD_INVALID. */
  set(hold: Hold): void {
    if (!Hold.safeParse(hold).success) {
      throw new CountersignError(
        'HOLD_INVALID',
        'A hold names a session, connection:NAME or all, and has a reason of at most 500 characters.',
      );
    }
    const holds = this.list();
    if (holds.some(({ what }) => what === hold.what)) {
      throw new CountersignError('HOLD_SET', `${hold.what} is held already.`);
    }
    if (holds.length >= MAX_HOLDS) throw new CountersignError('HOLD_INVALID', `There are ${MAX_HOLDS} holds already.`);
    this.#write([...holds, hold]);
  }

  /** Throws HOLD_UNKNOWN. */
  assertHeld(what: string): void {
    if (!this.list().some((hold) => hold.what === what))
      throw new CountersignError('HOLD_UNKNOWN', `${what} is not held.`);
  }

  lift(what: string): void {
    this.#write(this.list().filter((hold) => hold.what !== what));
  }

  #write(holds: readonly Hold[]): void {
    writeFileAtomic(this.#file, `${JSON.stringify({ version: 1, holds }, null, 2)}\n`);
  }
}
