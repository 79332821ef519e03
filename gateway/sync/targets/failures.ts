import { CountersignError } from '../../contract/errors.ts';

/** Try again later: the network, the server or the mount is not there. */
export const unreachable = (sentence: string, cause?: unknown) =>
  new CountersignError('SYNC_UNREACHABLE', sentence, { cause });

/** A person has to act: credentials, permissions, host key. */
export const refused = (sentence: string, cause?: unknown) => new CountersignError('SYNC_REFUSED', sentence, { cause });

export const full = (sentence: string, cause?: unknown) => new CountersignError('SYNC_FULL', sentence, { cause });

/** What lies under this name is not the object and cannot be taken away: it has to be written under the next name. */
export const interrupted = (sentence: string, cause?: unknown) =>
  new CountersignError('SYNC_INTERRUPTED', sentence, { cause });

export const writeOnly = (sentence: string, cause?: unknown) =>
  new CountersignError('SYNC_WRITE_ONLY', sentence, { cause });

/** The bytes to upload are not those that were announced; nothing is to be uploaded then. */
export const bodyChanged = (name: string, expected: number, got: number) =>
  new CountersignError(
    'SYNC_BODY_CHANGED',
    `${name} should have ${expected} bytes and has ${got}; it is not uploaded.`,
  );

/** Words of a server, short enough for a sentence. They are hostile text still, wherever they are shown. */
export function words(text: unknown): string {
  const flat = String(text).replace(/\s+/g, ' ').trim();
  return flat.length > 200 ? `${flat.slice(0, 200)}…` : flat;
}
