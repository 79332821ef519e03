import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';

const base64 = (length: number) =>
  z
    .string()
    .max(200_000)
    .transform((text, context) => {
      const bytes = Buffer.from(text, 'base64');
      if (length > 0 && bytes.length !== length) context.addIssue('has another length');
      return bytes;
    });

/** Where a secret is: in this file, or in the desktop's keyring under the connection's id. */
const Entry = z.discriminatedUnion('store', [
  z.strictObject({ store: z.literal('keyring') }),
  z.strictObject({ store: z.literal('file'), iv: base64(12), tag: base64(16), data: base64(0) }),
]);
export type VaultEntry = z.infer<typeof Entry>;

const VaultFile = z.strictObject({ version: z.literal(1), entries: z.record(z.string(), Entry) });

/** Throws VAULT_BROKEN: nothing in it is lost, and nothing is written over it. */
export function loadVault(file: string): Map<string, VaultEntry> {
  const text = readFileIfThere(file);
  if (text === null) return new Map();
  keepPrivate(file);
  try {
    return new Map(Object.entries(VaultFile.parse(JSON.parse(text)).entries));
  } catch {
    throw new CountersignError(
      'VAULT_BROKEN',
      `${file} is damaged; restore it, or remove it and enter the passwords again.`,
    );
  }
}

export function saveVault(file: string, entries: ReadonlyMap<string, VaultEntry>): void {
  const written = Object.fromEntries(
    [...entries].map(([id, entry]) => [
      id,
      entry.store === 'keyring'
        ? entry
        : {
            store: 'file',
            iv: entry.iv.toString('base64'),
            tag: entry.tag.toString('base64'),
            data: entry.data.toString('base64'),
          },
    ]),
  );
  writeFileAtomic(file, `${JSON.stringify({ version: 1, entries: written }, null, 2)}\n`);
}

/** The key of the file store, made at the first use. Throws VAULT_BROKEN when it is missing though secrets are there. */
export function vaultKey(file: string, secretsExist: boolean): Buffer {
  const text = readFileIfThere(file);
  if (text === null) {
    if (secretsExist) {
      throw new CountersignError(
        'VAULT_BROKEN',
        `${file} is gone, so the stored passwords cannot be read; enter them again.`,
      );
    }
    writeFileAtomic(file, `${randomBytes(32).toString('hex')}\n`);
  }
  keepPrivate(file);
  const key = readFileSync(file, 'utf8').trim();
  if (!/^[0-9a-f]{64}$/.test(key)) throw new CountersignError('VAULT_BROKEN', `${file} is damaged; restore it.`);
  return Buffer.from(key, 'hex');
}

/** AES-256-GCM with the connection's id as additional data, so that entries cannot be swapped. */
export function seal(key: Buffer, id: string, secret: string): VaultEntry {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(`countersign/vault/v1\n${id}`));
  const data = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
  return { store: 'file', iv, tag: cipher.getAuthTag(), data };
}

/** Throws VAULT_BROKEN. */
export function unseal(key: Buffer, id: string, entry: Extract<VaultEntry, { store: 'file' }>): string {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, entry.iv, { authTagLength: 16 });
    decipher.setAAD(Buffer.from(`countersign/vault/v1\n${id}`));
    decipher.setAuthTag(entry.tag);
    return Buffer.concat([decipher.update(entry.data), decipher.final()]).toString('utf8');
  } catch {
    throw new CountersignError(
      'VAULT_BROKEN',
      `The stored password of ${id} was changed or belongs to another key; enter it again.`,
    );
  }
}

/** A backup or a copy may have loosened it. */
function keepPrivate(file: string): void {
  if (process.platform !== 'win32') chmodSync(file, 0o600);
}
