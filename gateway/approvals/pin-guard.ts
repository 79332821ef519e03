import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Clock } from '../pipeline/ports.ts';

/** OWASP's floor for scrypt is N=2^17, r=8 or equal; one check here takes 32 MiB and about 100 ms. */
const N = 2 ** 15;
const R = 8;
const P = 3;
const KEY_BYTES = 32;
const FREE_TRIES = 5;
const FIRST_DELAY_MS = 30_000;
const LONGEST_DELAY_MS = 24 * 60 * 60 * 1000;
/** Checks that wait for their turn; they run one after another, so that guesses cannot race the counter. */
const MAX_QUEUED = 16;

const PinFile = z.strictObject({
  version: z.literal(1),
  n: z.literal(N),
  r: z.literal(R),
  p: z.literal(P),
  salt: z.string().regex(/^[0-9a-f]{32}$/),
  hash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Wrong tries in a row. */
  failures: z.number().int().nonnegative(),
  /** Milliseconds since the epoch; 0: not locked. */
  lockedUntil: z.number().nonnegative(),
});
type PinFile = z.infer<typeof PinFile>;

export interface PinGuard {
  readonly isSet: boolean;
  /** Sets or replaces the PIN; whoever calls has established that the caller may. Throws PIN_TOO_WEAK. */
  set(pin: string): Promise<void>;
  /** Resolves when it is right. Throws PIN_NOT_SET, PIN_WRONG, PIN_LOCKED, PIN_BUSY, PIN_BROKEN. */
  verify(pin: string): Promise<void>;
}

/**
 * The PIN: its scrypt hash in a file of mode 0600, wrong tries counted beside it. A try is counted on
 * disk before it is checked, so that killing the gateway buys no further guesses. After five wrong ones
 * each further one waits twice as long, up to a day. In protected mode only the gateway's OS user can
 * read the file. In unprotected mode every program of the person's own user can read it and try PINs
 * against it without limit, or replace it: only a long PIN resists the former, and nothing the latter.
 */
export function createPinGuard(options: { file: string; clock: Clock }): PinGuard {
  const { file, clock } = options;
  let queued = 0;
  let last: Promise<unknown> = Promise.resolve();

  /** Runs one after another. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (queued >= MAX_QUEUED) {
      throw new CountersignError('PIN_BUSY', 'Too many PINs are being checked; try again in a moment.');
    }
    queued++;
    const result = last.then(work).finally(() => {
      queued--;
    });
    last = result.catch(() => {});
    return result;
  }

  /** The file is read each time: what is on disk counts, also after a restart or a restored copy. */
  function load(): PinFile | null {
    const text = readFileIfThere(file);
    if (text === null) return null;
    try {
      return PinFile.parse(JSON.parse(text));
    } catch {
      // Without the cause: a parser's message could quote the hash.
      throw new CountersignError('PIN_BROKEN', `${file} is damaged; remove it and set the PIN again.`);
    }
  }

  const save = (state: PinFile) => writeFileAtomic(file, `${JSON.stringify(state)}\n`);

  return {
    get isSet() {
      return readFileIfThere(file) !== null;
    },

    async set(pin) {
      const weakness = weaknessOf(pin);
      if (weakness !== null) throw new CountersignError('PIN_TOO_WEAK', weakness);
      await inTurn(async () => {
        const salt = randomBytes(16);
        const hash = await derive(pin, salt);
        save({
          version: 1,
          n: N,
          r: R,
          p: P,
          salt: salt.toString('hex'),
          hash: hash.toString('hex'),
          failures: 0,
          lockedUntil: 0,
        });
      });
    },

    async verify(pin) {
      await inTurn(async () => {
        const state = load();
        if (state === null) {
          throw new CountersignError(
            'PIN_NOT_SET',
            'No PIN is set yet; set one in the console, or with: countersign pin set',
          );
        }
        const now = clock.now();
        // A clock that was set back must not lock longer than the longest delay.
        const wait = Math.min(state.lockedUntil - now, LONGEST_DELAY_MS);
        if (wait > 0) throw locked(wait);
        const failures = state.failures + 1;
        const delay = failures < FREE_TRIES ? 0 : delayAfter(failures);
        save({ ...state, failures, lockedUntil: delay === 0 ? 0 : now + delay });
        const hash = await derive(pin, Buffer.from(state.salt, 'hex'));
        if (timingSafeEqual(hash, Buffer.from(state.hash, 'hex'))) {
          save({ ...state, failures: 0, lockedUntil: 0 });
          return;
        }
        if (delay > 0) throw locked(delay);
        const left = FREE_TRIES - failures;
        throw new CountersignError(
          'PIN_WRONG',
          `The PIN is wrong; ${left} ${left === 1 ? 'try' : 'tries'} left before it locks.`,
        );
      });
    },
  };
}

function delayAfter(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - FREE_TRIES, 20), LONGEST_DELAY_MS);
}

function locked(milliseconds: number): CountersignError {
  const seconds = Math.ceil(milliseconds / 1000);
  const time = seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`;
  return new CountersignError('PIN_LOCKED', `Too many wrong PINs; the next try is possible in ${time}.`);
}

function derive(pin: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { N, r: R, p: P, maxmem: 128 * N * R * 2 };
    scrypt(pin.normalize('NFKC'), salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

const COMMON = new Set(['password', 'passwort', 'qwerty', 'qwertz', 'letmein', 'secret', 'admin1', '112233', '123321']);

/** Why a PIN is refused; null when it is good enough. */
function weaknessOf(pin: string): string | null {
  const characters = [...pin.normalize('NFKC')];
  if (characters.length < 6) return 'A PIN has at least six characters.';
  if (characters.length > 64) return 'A PIN has at most 64 characters.';
  if (repeats(characters)) return 'This PIN only repeats itself; choose another.';
  if (counts(characters, 1) || counts(characters, -1)) return 'This PIN only counts up or down; choose another.';
  return COMMON.has(pin.toLowerCase()) ? 'This PIN is among the first that anyone tries; choose another.' : null;
}

/** 111111, 121212, 123123 … */
function repeats(characters: readonly string[]): boolean {
  for (let length = 1; length <= Math.min(4, characters.length / 2); length++) {
    if (characters.every((character, i) => character === characters[i % length])) return true;
  }
  return false;
}

/** 123456, 987654, abcdef; 0 follows 9. */
function counts(characters: readonly string[], step: 1 | -1): boolean {
  return characters.every((character, i) => {
    if (i === 0) return true;
    const difference = character.codePointAt(0)! - characters[i - 1]!.codePointAt(0)!;
    const wraps =
      step === 1 ? characters[i - 1] === '9' && character === '0' : characters[i - 1] === '0' && character === '9';
    return difference === step || wraps;
  });
}
