import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Device } from '../evidence/device/device.ts';
import { validAt } from '../evidence/trust/validity.ts';
import { createPasskeyHandlers } from '../identity/passkeys/handlers.ts';
import { type ListedPasskey, Passkeys } from '../identity/passkeys/passkeys.ts';
import { createPasskeyStore } from '../identity/passkeys/store.ts';
import type { People } from '../identity/people.ts';
import type { Clock } from '../pipeline/ports.ts';

/** Passkeys as the gateway runs them. Throws CONFIG_BROKEN. */
export function servicePasskeys(given: {
  home: string;
  clock: Clock;
  device: Device;
  people: People;
  /** Of the console, once it listens. */
  url(): string | null;
}): { passkeys: Passkeys; handlers: ReturnType<typeof createPasskeyHandlers> } {
  const { device, people, clock } = given;

  function listed(): ListedPasskey[] | null {
    const note = device.trust?.note;
    if (note == null) return null;
    const now = new Date(clock.now()).toISOString();
    return note.passkeys.filter((entry) => validAt(entry, now, now).ok);
  }

  const passkeys = new Passkeys({
    store: createPasskeyStore(join(given.home, 'passkeys.json')),
    clock,
    randomBytes,
    person: () => people.current(),
    signedInAt: () => people.signedInAt(),
    listed,
    origin() {
      const origin = new URL(given.url() ?? 'http://127.0.0.1').origin;
      return origin.startsWith('http://localhost:') ? origin : null;
    },
  });

  return { passkeys, handlers: createPasskeyHandlers(passkeys) };
}
