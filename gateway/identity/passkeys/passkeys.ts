import { hash } from 'node:crypto';
import { CountersignError } from '../../contract/errors.ts';
import type { Identity } from '../../contract/identity.ts';
import type {
  Passkey,
  PasskeyAssertion,
  PasskeyCreation,
  PasskeyList,
  PasskeyProof,
  PasskeyRegistration,
  PasskeyRequest,
  PasskeyView,
} from '../../contract/passkey.ts';
import type { Clock } from '../../pipeline/ports.ts';
import { approvalChallenge, RANDOM_BYTES } from './challenge.ts';
import { Expiring } from './expiring.ts';
import type { PasskeyStore } from './store.ts';
import { assertionProblem } from './verify-assertion.ts';

/** WebAuthn knows names of hosts, and no addresses: http://localhost is the one that a gateway of this machine has. */
export const RP_ID = 'localhost';
/** EdDSA, ES256, RS256: what authenticators have. */
const ALGORITHMS = [-8, -7, -257];
const CEREMONY_MS = 5 * 60_000;
const MAX_PENDING = 256;
/** A passkey is a person's word for as long as it lasts, so they have to have shown just now who they are. */
const FRESH_MS = 10 * 60_000;

/** A passkey that the organisation's trust note names, valid now. */
export interface ListedPasskey {
  person: string;
  credentialId: string;
  publicKey: string;
  rpId: string;
}

export interface PasskeysDeps {
  store: PasskeyStore;
  clock: Clock;
  randomBytes(size: number): Uint8Array;
  /** Who approves here. */
  person(): Identity;
  /** When they signed in, milliseconds since the epoch; null: nobody has to sign in here. */
  signedInAt(): number | null;
  /** Null: this machine belongs to no organisation, and its own word is all there is. */
  listed(): readonly ListedPasskey[] | null;
  /** Of the console; null while no browser can use a passkey there. */
  origin(): string | null;
}

/** Passkeys of the person who approves on this machine, and what they sign. */
export class Passkeys {
  readonly #deps: PasskeysDeps;
  readonly #registrations: Expiring<{ name: string; subject: string }>;
  readonly #requests: Expiring<{ approvalId: string; digest: string; random: Uint8Array }>;

  constructor(deps: PasskeysDeps) {
    this.#deps = deps;
    this.#registrations = new Expiring(deps.clock, CEREMONY_MS, MAX_PENDING);
    this.#requests = new Expiring(deps.clock, CEREMONY_MS, MAX_PENDING);
  }

  /** Those of whoever approves here now. */
  list(): PasskeyList {
    const { subject } = this.#deps.person();
    const own = this.#deps.store.list().filter((one) => one.subject === subject);
    return {
      items: own.map((one) => this.#view(one)),
      origin: this.#deps.origin(),
      missing: this.missing(),
    };
  }

  #view(passkey: Passkey): PasskeyView {
    const listed = this.#deps.listed();
    const standing = listed === null ? 'local' : this.#find(passkey.credentialId) === null ? 'unlisted' : 'listed';
    return { ...passkey, standing };
  }

  /** Keys that count now for whoever approves here. */
  #usable(): { credentialId: string; publicKey: string }[] {
    const { subject, display } = this.#deps.person();
    const listed = this.#deps.listed();
    if (listed === null) return this.#deps.store.list().filter((one) => one.subject === subject);
    return listed.filter(({ person, rpId }) => rpId === RP_ID && (person === subject || person === display));
  }

  #find(credentialId: string): { publicKey: string } | null {
    return this.#usable().find((one) => one.credentialId === credentialId) ?? null;
  }

  /** Why nothing can be approved by a passkey, with the way out; null: it can. */
  missing(): string | null {
    if (this.#usable().length > 0) {
      return this.#deps.origin() === null
        ? 'no browser can use a passkey here, since localhost is not this gateway’s alone'
        : null;
    }
    const { display, subject } = this.#deps.person();
    const own = this.#deps.store.list().filter((one) => one.subject === subject);
    if (own.length > 0)
      return `no passkey of ${display} is in the organisation’s trust note yet; give the root’s keeper what this prints: countersign passkey export`;
    return `${display} has no passkey; add one in the console’s settings`;
  }

  // ---- making one ----------------------------------------------------------------------------------

  /** The PIN was given. Throws PASSKEY_ORIGIN, SIGN_IN_STALE. */
  begin(name: string): PasskeyCreation {
    const { subject, display } = this.#deps.person();
    this.#origin();
    const signedInAt = this.#deps.signedInAt();
    if (signedInAt !== null && this.#deps.clock.now() - signedInAt > FRESH_MS) {
      throw new CountersignError(
        'SIGN_IN_STALE',
        'A passkey is added within ten minutes of signing in: sign out, sign in again, and add it then.',
      );
    }
    const challenge = Buffer.from(this.#deps.randomBytes(RANDOM_BYTES)).toString('base64url');
    this.#registrations.put(challenge, { name, subject });
    return {
      challenge,
      rp: { id: RP_ID, name: 'Countersign' },
      // Authenticators show the name and hand out the id, which therefore says nothing by itself (§14.6.1).
      user: {
        id: hash('sha256', `countersign/user\0${subject}`, 'buffer').toString('base64url'),
        name: display,
        displayName: display,
      },
      pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
      excludeCredentials: this.#deps.store
        .list()
        .filter((one) => one.subject === subject)
        .map(({ credentialId }) => ({ type: 'public-key', id: credentialId })),
      timeout: CEREMONY_MS,
    };
  }

  /** Rejects PASSKEY_REFUSED, PASSKEY_ORIGIN, CONFIG_CHANGED, CONFIG_FULL. */
  async finish(made: PasskeyRegistration): Promise<PasskeyView> {
    const { subject, display } = this.#deps.person();
    const expectedOrigin = this.#origin();
    const challenge = challengeOf(made.clientDataJSON);
    const begun = challenge === null ? null : this.#registrations.take(challenge);
    if (challenge === null || begun === null || begun.subject !== subject)
      throw refused('it answers no question of this gateway, or one of more than five minutes ago');
    const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
    const { credentialId: id, clientDataJSON, attestationObject } = made;
    const verified = await verifyRegistrationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject },
      },
      expectedChallenge: challenge,
      expectedOrigin,
      expectedRPID: RP_ID,
      requireUserVerification: true,
      supportedAlgorithmIDs: ALGORITHMS,
    }).catch((error: unknown) => {
      throw refused((error as Error).message);
    });
    if (!verified.verified) throw refused('its attestation does not verify');
    const publicKey = Buffer.from(verified.registrationInfo.credential.publicKey).toString('base64url');
    const passkey: Passkey = {
      credentialId: id,
      publicKey,
      algorithm: await algorithmOf(verified.registrationInfo.credential.publicKey),
      rpId: RP_ID,
      subject,
      person: display,
      name: begun.name,
      createdAt: new Date(this.#deps.clock.now()).toISOString(),
    };
    this.#deps.store.add(passkey);
    return this.#view(passkey);
  }

  /** Throws PASSKEY_UNKNOWN, CONFIG_CHANGED. */
  remove(credentialId: string): void {
    this.#deps.store.remove(credentialId);
  }

  // ---- approving with one ---------------------------------------------------------------------------

  /** What to sign for one operation. Throws PASSKEY_MISSING, PASSKEY_ORIGIN. */
  request(approvalId: string, digest: string): PasskeyRequest {
    this.#origin();
    const usable = this.#usable();
    if (usable.length === 0)
      throw new CountersignError('PASSKEY_MISSING', `This needs a passkey: ${this.missing() ?? ''}.`);
    const random = this.#deps.randomBytes(RANDOM_BYTES);
    const challenge = approvalChallenge(digest, random).toString('base64url');
    this.#requests.put(challenge, { approvalId, digest, random });
    return {
      challenge,
      rpId: RP_ID,
      allowCredentials: usable.map(({ credentialId }) => ({ type: 'public-key', id: credentialId })),
      timeout: CEREMONY_MS,
    };
  }

  /** Each challenge counts once, for the operation that it was made for. Rejects PASSKEY_REFUSED, PASSKEY_ORIGIN. */
  async prove(approvalId: string, digest: string, assertion: PasskeyAssertion): Promise<PasskeyProof> {
    const origin = this.#origin();
    const challenge = challengeOf(assertion.clientDataJSON);
    const asked = challenge === null ? null : this.#requests.take(challenge);
    if (challenge === null || asked === null)
      throw refused('it answers no question of this gateway, or one that was answered or is older than five minutes');
    if (asked.approvalId !== approvalId || asked.digest !== digest) throw refused('it is for another request');
    const key = this.#find(assertion.credentialId);
    if (key === null) throw refused('this passkey does not count here');
    const problem = await assertionProblem(assertion, {
      challenge: Buffer.from(challenge, 'base64url'),
      origin,
      rpId: RP_ID,
      publicKey: key.publicKey,
    });
    if (problem !== null) throw refused(problem);
    return { ...assertion, random: Buffer.from(asked.random).toString('base64url'), origin, rpId: RP_ID };
  }

  /** Throws PASSKEY_ORIGIN. */
  #origin(): string {
    const origin = this.#deps.origin();
    if (origin !== null) return origin;
    throw new CountersignError(
      'PASSKEY_ORIGIN',
      'No browser can use a passkey here: another program listens on the console’s port of localhost. End it, or start the gateway with another --console-port.',
    );
  }
}

function refused(why: string): CountersignError {
  return new CountersignError('PASSKEY_REFUSED', `The passkey was not taken: ${why}.`);
}

function challengeOf(clientDataJSON: string): string | null {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8'));
    if (typeof data !== 'object' || data === null || !('challenge' in data)) return null;
    return typeof data.challenge === 'string' ? data.challenge : null;
  } catch {
    return null;
  }
}

/** COSE_Key label 3 (RFC 9052 §7.1). */
async function algorithmOf(publicKey: Uint8Array<ArrayBuffer>): Promise<number> {
  const { cose, decodeCredentialPublicKey } = await import('@simplewebauthn/server/helpers');
  const algorithm = decodeCredentialPublicKey(publicKey).get(cose.COSEKEYS.alg);
  if (typeof algorithm === 'number') return algorithm;
  throw refused('its key names no algorithm');
}
