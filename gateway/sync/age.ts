import { Decrypter, Encrypter } from 'age-encryption';
import { CountersignError } from '../contract/errors.ts';

/** age (age-encryption.org/v1) to X25519 recipients. Whole parts: they are bounded. */

/** @param recipients `age1…`, at least one. Throws SYNC_BAD_RECIPIENT. */
export async function encryptPart(plaintext: Uint8Array, recipients: readonly string[]): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) {
    try {
      encrypter.addRecipient(recipient);
    } catch (cause) {
      throw new CountersignError('SYNC_BAD_RECIPIENT', `${recipient} in the trust note is no age recipient`, { cause });
    }
  }
  return encrypter.encrypt(plaintext);
}

/** Each stanza costs a multiplication for each identity, so a header without a bound would be minutes of work. */
const MAX_HEADER = 128 * 1024;

/**
 * @param identities `AGE-SECRET-KEY-1…`. Throws SYNC_NOT_FOR_US when none of them opens it, SYNC_BAD_PART when it is damaged.
 */
export async function decryptPart(ciphertext: Uint8Array, identities: readonly string[]): Promise<Uint8Array> {
  if (
    !Buffer.from(ciphertext.buffer, ciphertext.byteOffset, Math.min(ciphertext.length, MAX_HEADER)).includes('\n---')
  ) {
    throw new CountersignError('SYNC_BAD_PART', 'a part does not begin with the header of an encrypted file');
  }
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(ciphertext);
  } catch (cause) {
    if (cause instanceof Error && /no identity matched/.test(cause.message)) {
      throw new CountersignError('SYNC_NOT_FOR_US', 'a part is encrypted to other recipients', { cause });
    }
    // The library's words may quote what it was given.
    throw new CountersignError('SYNC_BAD_PART', 'a part does not decrypt: it was damaged or cut short');
  }
}
