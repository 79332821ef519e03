import { join } from 'node:path';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { Vault } from '../pipeline/ports.ts';
import { loadVault, saveVault, seal, unseal, type VaultEntry, vaultKey } from './file-vault.ts';
import { type Keyring, openKeyring } from './keyring.ts';

/** The longest is a sign-in by SAML with the response that it came from. */
const MAX_SECRET = 256 * 1024;

export interface OpenedVault extends Vault {
  /** Where new secrets go, and a sentence on what that protects. */
  description(): Promise<{ store: 'keyring' | 'file'; sentence: string }>;
}

/**
 * Where connection secrets live.
 *
 * Unprotected mode on a desktop: the keyring of the person's login. It keeps secrets encrypted on disk
 * while nobody is logged in; every program of the logged-in user can ask it for them.
 * Elsewhere: a file of mode 0600, AES-256-GCM, whose key is a file of mode 0600 beside it. The
 * encryption protects a copy of the one file without the other, and nothing against a program of the
 * same OS user; in protected mode that user is the gateway's own, which the agent is not.
 *
 * No error names a secret. An entry is read from where it was written, so a keyring that is locked is
 * an error and never looks like a missing password.
 */
export function createVault(options: {
  dir: string;
  protection: 'protected' | 'unprotected';
  /** For tests; null: there is none. */
  keyring?: () => Promise<Keyring | null>;
}): OpenedVault {
  const { dir, protection } = options;
  const indexFile = join(dir, 'vault.json');
  const keyFile = join(dir, 'vault.key');
  const keyring = once(async () => (protection === 'protected' ? null : await (options.keyring ?? openKeyring)()));
  let entries: Map<string, VaultEntry> | null = null;
  let last: Promise<unknown> = Promise.resolve();

  const load = () => {
    entries ??= loadVault(indexFile);
    return entries;
  };
  const fileSecretsExist = () => [...load().values()].some((entry) => entry.store === 'file');

  /** Changes run one after another: each writes the whole file. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = last.then(work);
    last = result.catch(() => {});
    return result.catch((cause) => {
      if (isCountersignError(cause)) throw cause;
      // Without the cause's words: a keyring's error may quote what it was given.
      throw new CountersignError('VAULT_UNAVAILABLE', `The vault in ${dir} cannot be used: ${codeOf(cause)}.`);
    });
  }

  function store(id: string, entry: VaultEntry | null): void {
    const next = new Map(load());
    if (entry) next.set(id, entry);
    else next.delete(id);
    saveVault(indexFile, next);
    entries = next;
  }

  async function fromKeyring<T>(id: string, work: (keyring: Keyring) => Promise<T>): Promise<T> {
    const opened = await keyring();
    try {
      if (opened) return await work(opened);
    } catch {
      // Told below, without the words of the keyring.
    }
    throw new CountersignError(
      'VAULT_UNAVAILABLE',
      `The password of ${id} is in the desktop’s keyring, which does not answer; unlock it, or enter the password again.`,
    );
  }

  return {
    read: (id) =>
      inTurn(async () => {
        const entry = load().get(id);
        if (!entry) return null;
        if (entry.store === 'file') return unseal(vaultKey(keyFile, true), id, entry);
        return fromKeyring(id, (opened) => opened.read(id));
      }),

    write: (id, secret) =>
      inTurn(async () => {
        if (secret.length > MAX_SECRET) throw new CountersignError('VAULT_TOO_LARGE', 'The secret is too long.');
        load();
        const opened = await keyring();
        const kept = opened
          ? await opened.write(id, secret).then(
              () => true,
              () => false,
            )
          : false;
        store(id, kept ? { store: 'keyring' } : seal(vaultKey(keyFile, fileSecretsExist()), id, secret));
      }),

    remove: (id) =>
      inTurn(async () => {
        const entry = load().get(id);
        if (!entry) return;
        if (entry.store === 'keyring') await fromKeyring(id, (opened) => opened.remove(id));
        store(id, null);
      }),

    has: (id) => inTurn(async () => load().has(id)),

    async description() {
      if (await keyring()) {
        return {
          store: 'keyring',
          sentence: 'Passwords are in the desktop’s keyring; every program of the logged-in user can ask it for them.',
        };
      }
      return {
        store: 'file',
        sentence:
          protection === 'protected'
            ? 'Passwords are in a file that only the gateway’s own user can read.'
            : 'Passwords are in a file that every program of your own user can read.',
      };
    },
  };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | null = null;
  return () => {
    result ??= work();
    return result;
  };
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[A-Z_]{2,30}$/.test(code) ? code : 'an unexpected error';
}
