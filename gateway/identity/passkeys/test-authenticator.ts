import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import type { PasskeyAssertion, PasskeyRegistration } from '../../contract/passkey.ts';

/** What a test may have an authenticator or its browser do wrong. */
export interface Wrong {
  origin?: string;
  rpId?: string;
  type?: string;
  crossOrigin?: boolean;
  /** User present 1, user verified 4. */
  flags?: number;
}

const PRESENT_AND_VERIFIED = 0x05;
const ATTESTED = 0x40;
const b64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

/** An authenticator in software (ES256, no attestation), for tests: a double of what a browser and its user do. */
export class TestAuthenticator {
  readonly #origin: string;
  readonly #id = randomBytes(16);
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(origin: string) {
    this.#origin = origin;
  }

  get credentialId(): string {
    return b64(this.#id);
  }

  /** COSE_Key (RFC 9053 §7.1.1): kty EC2, alg ES256, crv P-256, x, y. */
  get publicKey(): string {
    const { x, y } = this.#keys.publicKey.export({ format: 'jwk' });
    return b64(
      map([
        [int(1), int(2)],
        [int(3), int(-7)],
        [int(-1), int(1)],
        [int(-2), bytes(Buffer.from(x!, 'base64url'))],
        [int(-3), bytes(Buffer.from(y!, 'base64url'))],
      ]),
    );
  }

  register(challenge: string, wrong: Wrong = {}): PasskeyRegistration {
    const key = Buffer.from(this.publicKey, 'base64url');
    const length = Buffer.alloc(2);
    length.writeUInt16BE(this.#id.length);
    const data = Buffer.concat([this.#authenticatorData(wrong, ATTESTED), Buffer.alloc(16), length, this.#id, key]);
    return {
      credentialId: this.credentialId,
      clientDataJSON: this.#clientData('webauthn.create', challenge, wrong),
      attestationObject: b64(
        map([
          [text('fmt'), text('none')],
          [text('attStmt'), map([])],
          [text('authData'), bytes(data)],
        ]),
      ),
    };
  }

  assert(challenge: string, wrong: Wrong = {}): PasskeyAssertion {
    const clientDataJSON = this.#clientData('webauthn.get', challenge, wrong);
    const data = this.#authenticatorData(wrong, 0);
    const signed = Buffer.concat([data, sha256(Buffer.from(clientDataJSON, 'base64url'))]);
    return {
      credentialId: this.credentialId,
      clientDataJSON,
      authenticatorData: b64(data),
      signature: b64(sign('sha256', signed, this.#keys.privateKey)),
    };
  }

  #clientData(type: string, challenge: string, wrong: Wrong): string {
    const data = {
      type: wrong.type ?? type,
      challenge,
      origin: wrong.origin ?? this.#origin,
      crossOrigin: wrong.crossOrigin ?? false,
    };
    return b64(Buffer.from(JSON.stringify(data)));
  }

  #authenticatorData(wrong: Wrong, more: number): Buffer {
    const flags = (wrong.flags ?? PRESENT_AND_VERIFIED) | more;
    return Buffer.concat([sha256(wrong.rpId ?? 'localhost'), Buffer.from([flags]), Buffer.alloc(4)]);
  }
}

/** CBOR (RFC 8949 §3.1), as far as it is needed here. */
function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value]);
  if (value < 256) return Buffer.from([(major << 5) | 24, value]);
  return Buffer.from([(major << 5) | 25, value >> 8, value & 255]);
}
const int = (value: number) => (value >= 0 ? head(0, value) : head(1, -1 - value));
const bytes = (value: Uint8Array) => Buffer.concat([head(2, value.length), value]);
const text = (value: string) => Buffer.concat([head(3, value.length), Buffer.from(value)]);
const map = (entries: readonly [Buffer, Buffer][]) => Buffer.concat([head(5, entries.length), ...entries.flat()]);
