import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { StoredCredential, StoredValues } from '../contract/stored-credential.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { Vault } from '../pipeline/ports.ts';

const MAX_STORED = 1000;

const StoredFile = z.strictObject({
  version: z.literal(1),
  credentials: z.array(StoredCredential.strict()).max(MAX_STORED),
});

/** Under this name it is in the vault: no connection, MCP server or other part has one like it. */
const vaultName = (id: string): string => `stored/${id}`;

type StoredRoutes = 'storedCredentials' | 'storeCredential' | 'forgetStoredCredential';

/**
 * Credentials that the vault keeps for protocols which the gateway does not speak yet. Nothing uses them, and no
 * route gives them back. What they are called is in a file beside the vault. Presence was established by the server.
 */
export function createStoredCredentialHandlers(deps: {
  file: string;
  vault: Vault;
  now: () => number;
}): Pick<ControlHandlers, StoredRoutes> {
  const { file, vault, now } = deps;

  const save = (credentials: readonly StoredCredential[]) =>
    writeFileAtomic(file, `${JSON.stringify({ version: 1, credentials }, null, 2)}\n`);

  return {
    storedCredentials: () => ({ items: load(file) }),
    async storeCredential({ id, credential, values }) {
      const others = load(file).filter((one) => one.id !== id);
      if (others.length >= MAX_STORED) {
        throw new CountersignError(
          'VAULT_FULL',
          `The vault keeps ${MAX_STORED} such credentials at most; forget some.`,
        );
      }
      // First the secret: a name without one would say that it is safe to take it out of its file.
      await vault.write(vaultName(id), JSON.stringify(StoredValues.parse(values)));
      const stored = { ...credential, id, keptAt: new Date(now()).toISOString() };
      save([...load(file).filter((one) => one.id !== id), stored]);
      return stored;
    },
    async forgetStoredCredential({ id }) {
      const all = load(file);
      if (!all.some((one) => one.id === id)) {
        throw new CountersignError('STORED_UNKNOWN', `The vault keeps no credential ${id}.`);
      }
      await vault.remove(vaultName(id));
      save(load(file).filter((one) => one.id !== id));
      return {};
    },
  };
}

/** Throws CONFIG_BROKEN. */
function load(file: string): StoredCredential[] {
  const text = readFileIfThere(file);
  if (text === null) return [];
  try {
    return StoredFile.parse(JSON.parse(text)).credentials;
  } catch (cause) {
    throw new CountersignError('CONFIG_BROKEN', `${file} is damaged; restore it, or remove it.`, { cause });
  }
}
