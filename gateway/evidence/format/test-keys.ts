import * as crypto from 'node:crypto';
import { nodePrimitives } from '../../recording/primitives.ts';
import { type KeyType, makeVkey, type Signer } from './vkey.ts';

/** PKCS #8 of an Ed25519 key: the seed follows (RFC 8410). */
const PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The same key for the same seed. @param seed 32 bytes, or a text that is hashed to some. */
export function testSigner(name: string, seed: Uint8Array | string = name, type?: KeyType): Signer {
  const bytes = typeof seed === 'string' ? crypto.hash('sha256', seed, 'buffer') : seed;
  const key = crypto.createPrivateKey({ key: Buffer.concat([PREFIX, bytes]), format: 'der', type: 'pkcs8' });
  const raw = crypto.createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return {
    vkey: makeVkey(nodePrimitives.sha256, name, new Uint8Array(raw), type),
    sign: (message) => crypto.sign(null, message, key),
  };
}
