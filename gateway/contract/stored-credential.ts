import { z } from 'zod';

/** What credentials are for that the vault keeps until the gateway speaks their protocol. */
export const StoredKind = z.enum(['mysql', 'aws', 'kube', 'git']);
export type StoredKind = z.infer<typeof StoredKind>;

/** Where it was, made of file and place: the same place is the same credential, so that a second run goes on. */
export const StoredId = z.string().regex(/^[a-z]{3,5}-[0-9a-f]{16}$/, 'a kind and 16 hexadecimal digits');

export const StoredCredential = z.object({
  id: StoredId,
  kind: StoredKind,
  /** Whose it is and where it leads. */
  title: z.string().min(1).max(300),
  /** The file it was in. */
  file: z.string().min(1).max(4096),
  keptAt: z.string(),
});
export type StoredCredential = z.infer<typeof StoredCredential>;

/** Parts of one credential, by the names that its file gave them. */
export const StoredValues = z
  .record(z.string().min(1).max(64), z.string().max(32 * 1024))
  .refine((values) => Object.keys(values).length <= 16, 'too many parts');
