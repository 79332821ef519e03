import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';

/** The desktop's keyring. Every call ends within `KEYRING_TIMEOUT_MS`, by rejecting where it must. */
export interface Keyring {
  /** What keeps the secrets, by its own name. */
  readonly backend: string;
  read(id: string): Promise<string | null>;
  write(id: string, secret: string): Promise<void>;
  remove(id: string): Promise<void>;
}

const BACKENDS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'keychain', win32: 'credential-manager' };
const KEYRING_TIMEOUT_MS = 3_000;

/**
 * @param service under whose name the entries are.
 * @returns null where there is none that works: tried by writing, reading and removing an entry.
 */
export async function openKeyring(service = 'dev.countersign.vault'): Promise<Keyring | null> {
  if (!mayHaveKeyring()) return null;
  try {
    const { AsyncEntry } = await import('@napi-rs/keyring');
    // The kernel's keyring is no vault: it forgets at reboot, so only the Secret Service counts on Linux.
    const entry = (id: string) => new AsyncEntry(service, id, { linux: { store: 'secret-service' } });
    const keyring: Keyring = {
      backend: BACKENDS[process.platform] ?? 'secret-service',
      read: (id) => inTime((signal) => entry(id).getPassword(signal)),
      write: (id, secret) => inTime((signal) => entry(id).setPassword(secret, signal)),
      async remove(id) {
        await inTime((signal) => entry(id).deleteCredential(signal));
      },
    };
    const [probe, value] = [`probe-${randomUUID()}`, randomUUID()];
    await keyring.write(probe, value);
    const works = (await keyring.read(probe)) === value;
    await keyring.remove(probe);
    return works ? keyring : null;
  } catch {
    return null;
  }
}

/** Without a session bus the Secret Service cannot be there, and asking for it could start one or hang. */
function mayHaveKeyring(): boolean {
  if (process.platform !== 'linux') return true;
  return Boolean(process.env.DBUS_SESSION_BUS_ADDRESS) || existsSync(`/run/user/${process.getuid?.() ?? ''}/bus`);
}

/** A keyring that waits for somebody to unlock it must not keep the gateway waiting. */
async function inTime<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = AbortSignal.timeout(KEYRING_TIMEOUT_MS);
  const timeout = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('the keyring does not answer')), { once: true });
  });
  // What throws at once has to find the timeout in the race too: nobody else would hear it reject.
  return Promise.race([Promise.resolve(signal).then(work), timeout]);
}
