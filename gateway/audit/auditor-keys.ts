import * as crypto from 'node:crypto';
import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { CountersignError } from '../contract/errors.ts';
import { formatVkey, makeVkey, type Signer } from '../evidence/format/vkey.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';

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

const raw = (key: crypto.KeyObject): Uint8Array =>
  new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32));

export async function makeKeys(name: string, passphrase: string): Promise<SealedKeys> {
  const identity = await generateX25519Identity();
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
  return {
    identity: armor.encode(await encrypter.encrypt(`${identity}\n`)),
    signingKey: privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase }).toString(),
    recipient: await identityToRecipient(identity),
    vkey: formatVkey(makeVkey(p.sha256, `countersign/auditor/${name}`, raw(publicKey))),
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
    const key = crypto.createPrivateKey({ key: sealed.signingKey, passphrase });
    const vkey = makeVkey(p.sha256, `countersign/auditor/${name}`, raw(crypto.createPublicKey(key)));
    return { identity, signer: { vkey, sign: (message) => crypto.sign(null, message, key) } };
  } catch (cause) {
    throw new CountersignError('AUDIT_PASSPHRASE', "the auditor's keys do not open with this passphrase", { cause });
  }
}
