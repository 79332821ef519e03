import { renameSync } from 'node:fs';
import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { Identity } from '../contract/identity.ts';

/** What is kept of a token; none of it lets anybody log in. */
export interface StoredToken {
  id: string;
  identity: Identity;
  connectionId: string;
  purpose: string;
  conversationId: string | null;
  /** SHA-256 of the secret. */
  hash: Buffer;
  storedKey: Buffer;
  serverKey: Buffer;
  /** Milliseconds since the epoch. */
  created: number;
  expires: number;
}

export interface TokenState {
  /** Per connection: a SCRAM client is told the salt before it says which token it holds. */
  salts: ReadonlyMap<string, Buffer>;
  tokens: readonly StoredToken[];
}

const key = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((hex) => Buffer.from(hex, 'hex'));

const TokenFile = z.strictObject({
  version: z.literal(1),
  salts: z.record(
    z.string(),
    z
      .string()
      .regex(/^[0-9a-f]{32}$/)
      .transform((hex) => Buffer.from(hex, 'hex')),
  ),
  tokens: z.array(
    z.strictObject({
      id: z.string().regex(/^[0-9a-f]{16}$/),
      identity: Identity,
      connectionId: z.string(),
      purpose: z.string(),
      conversationId: z.string().nullable(),
      hash: key,
      storedKey: key,
      serverKey: key,
      created: z.number(),
      expires: z.number(),
    }),
  ),
});

/** A damaged file is put aside and nobody is let in by it: tokens are easily made anew. */
export function loadTokens(file: string): TokenState & { problem: string | null } {
  const nothing = { salts: new Map<string, Buffer>(), tokens: [], problem: null };
  const text = readFileIfThere(file);
  if (text === null) return nothing;
  try {
    const { salts, tokens } = TokenFile.parse(JSON.parse(text));
    return { salts: new Map(Object.entries(salts)), tokens, problem: null };
  } catch {
    renameSync(file, `${file}.broken`);
    return { ...nothing, problem: `${file} was damaged and put aside; agents have to log in again` };
  }
}

export function saveTokens(file: string, state: TokenState): void {
  const tokens = state.tokens.map((token) => ({
    id: token.id,
    identity: token.identity,
    connectionId: token.connectionId,
    purpose: token.purpose,
    conversationId: token.conversationId,
    hash: token.hash.toString('hex'),
    storedKey: token.storedKey.toString('hex'),
    serverKey: token.serverKey.toString('hex'),
    created: token.created,
    expires: token.expires,
  }));
  const salts = Object.fromEntries([...state.salts].map(([id, salt]) => [id, salt.toString('hex')]));
  writeFileAtomic(file, `${JSON.stringify({ version: 1, salts, tokens })}\n`);
}
