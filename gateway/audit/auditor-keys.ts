import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { CountersignError } from '../contract/errors.ts';
import { formatVkey, type Signer } from '../evidence/format/vkey.ts';
import { createKey, openKey } from '../evidence/trust/private-key.ts';

/** What the auditor's machine keeps, both under one passphrase: `identity` opens what was encrypted, `signingKey` signs. */
export interface SealedKeys {
  /** An age file: `age -d identity.age` gives the identity. */
  identity: string;
  /** PKCS #8 PEM: `openssl pkey` reads it. */
  signingKey: string;
  recipient: string;
  vkey: string;
}

export interface AuditorKeys {
  /** AGE-SECRET-KEY-1… */
  identity: string;
  signer: Signer;
}

const keyName = (name: string) => `countersign/auditor/${name}`;

export async function makeKeys(name: string, passphrase: string): Promise<SealedKeys> {
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  const { signer, pem } = createKey(keyName(name), passphrase);
  return {
    identity: armor.encode(await encrypter.encrypt(`${identity}\n`)),
    signingKey: pem,
    recipient: await identityToRecipient(identity),
    vkey: formatVkey(signer.vkey),
  };
}

/** Throws AUDIT_PASSPHRASE. */
export async function openKeys(
  sealed: Pick<SealedKeys, 'identity' | 'signingKey'>,
  name: string,
  passphrase: string,
): Promise<AuditorKeys> {
  try {
    const decrypter = new Decrypter();
    decrypter.addPassphrase(passphrase);
    const identity = (await decrypter.decrypt(armor.decode(sealed.identity), 'text')).trim();
    return { identity, signer: openKey(keyName(name), sealed.signingKey, passphrase) };
  } catch (cause) {
    throw new CountersignError('AUDIT_PASSPHRASE', "the auditor's keys do not open with this passphrase", { cause });
  }
}
