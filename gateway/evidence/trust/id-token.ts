import { decodeJwt, importJWK, type JWTPayload, jwtVerify } from 'jose';
import { concat, fromBase64 } from '../../recording/format/bytes.ts';
import type { Binding, IssuerEntry, IssuerKey } from '../format/documents.ts';
import type { Vkey } from '../format/vkey.ts';
import { validBySaying } from './validity.ts';
import type { Checks, Trust } from './verify-trust.ts';

export interface BoundPerson {
  issuer: string;
  /** The issuer's `sub`. */
  subject: string;
  /** For people: e-mail address, user name, or `sub`. */
  name: string;
  /** When the issuer made the token, RFC 3339. */
  at: string;
  /** To when a key bound by it counts. */
  until: string;
}

type Refusal = { ok: false; why: string };
type BindingCheck = { ok: true; person: BoundPerson } | Refusal;

/** Signatures only: a shared secret (HS…) would let whoever verifies also make tokens. */
export const SIGNATURE_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];
/** How far the issuer's clock may be ahead of the verifier's. */
export const SKEW_SECONDS = 300;

/** What a token's `nonce` has to be, so that it binds this key: base64url of SHA-256(key ‖ random). */
export const bindingNonce = (p: Pick<Checks, 'sha256'>, key: Uint8Array, random: Uint8Array): string =>
  Buffer.from(p.sha256(concat(key, random))).toString('base64url');

/**
 * Verifies an ID token offline, against keys that the trust note pins and nothing else.
 *
 * @param seen the earliest evidence that the binding existed, or null.
 */
export async function checkIdToken(
  p: Checks,
  trust: Trust,
  binding: Binding,
  vkey: Vkey,
  seen: string | null,
): Promise<BindingCheck> {
  return await withIssuers(trust, binding.idToken, async (issuer) => {
    const said = await wordOf(trust, issuer, binding.idToken, seen);
    if (!said.ok) return said;
    const { claims, at } = said;
    const nonce = bindingNonce(p, vkey.key, fromBase64(binding.random) ?? new Uint8Array(0));
    if (claims.nonce !== nonce) {
      return { ok: false, why: 'its ID token was made for another key (the nonce is not of this one)' };
    }
    const matching = issuer.rules.filter(({ claim, value }) => claimHas(claims, claim, value));
    if (matching.length === 0) return { ok: false, why: 'no rule of the trust note matches its ID token' };
    const checks = matching.map((rule) => validBySaying(rule, at, seen, trust.now));
    const refused = checks.find((check) => !check.ok);
    if (refused?.ok === false && !checks.some((check) => check.ok)) {
      return { ok: false, why: `the rule that its ID token matches does not count: ${refused.why}` };
    }
    return { ok: true, person: personOf(issuer, claims, at) };
  });
}

export type SignInCheck =
  | { ok: true; person: BoundPerson; claims: JWTPayload; nonce: 'of this key' | 'of another key' | 'none' }
  | Refusal;

/**
 * Verifies the ID token of a sign-in offline, against keys that the trust note pins and nothing else.
 *
 * @param made what its nonce is said to be made of; null: it could not carry one.
 * @param seen the earliest evidence that a recording with it existed, or null.
 */
export async function checkSignIn(
  p: Checks,
  trust: Trust,
  idToken: string,
  made: { vkey: Vkey; random: string } | null,
  seen: string | null,
): Promise<SignInCheck> {
  return await withIssuers(trust, idToken, async (issuer) => {
    const said = await wordOf(trust, issuer, idToken, seen);
    if (!said.ok) return said;
    const { claims, at } = said;
    const expected =
      made === null ? null : bindingNonce(p, made.vkey.key, fromBase64(made.random) ?? new Uint8Array(0));
    const nonce = expected === null ? 'none' : claims.nonce === expected ? 'of this key' : 'of another key';
    return { ok: true, person: personOf(issuer, claims, at), claims, nonce };
  });
}

/** The first issuer of this name and audience with which it holds, or why it does not with the last. */
async function withIssuers<T extends object>(
  trust: Trust,
  idToken: string,
  check: (issuer: IssuerEntry) => Promise<({ ok: true } & T) | Refusal>,
): Promise<({ ok: true } & T) | Refusal> {
  let claims: JWTPayload;
  try {
    claims = decodeJwt(idToken);
  } catch {
    return { ok: false, why: 'its ID token cannot be read' };
  }
  const audiences = [claims.aud].flat();
  const issuers = (trust.note?.issuers ?? []).filter(
    (entry) => entry.issuer === claims.iss && audiences.includes(entry.audience),
  );
  let why = 'no trust note knows the issuer of its ID token for this audience';
  for (const issuer of issuers) {
    const checked = await check(issuer);
    if (checked.ok) return checked;
    why = checked.why;
  }
  return { ok: false, why };
}

/** What an issuer said, and when, where its key and the issuer counted then. */
async function wordOf(
  trust: Trust,
  issuer: IssuerEntry,
  idToken: string,
  seen: string | null,
): Promise<{ ok: true; claims: JWTPayload; at: string } | Refusal> {
  const found = await signerOf(issuer, idToken);
  if (found === null)
    return { ok: false, why: 'its ID token is signed by no key that the trust note pins for the issuer' };
  const { key, claims } = found;
  const at = new Date(claims.iat! * 1000).toISOString();
  const why = objectionTo(trust, issuer, [key], 'ID token', at, seen);
  return why === null ? { ok: true, claims, at } : { ok: false, why };
}

/**
 * Why what an issuer signed does not count; null where it does.
 *
 * @param at when it says that it was made.
 */
export function objectionTo(
  trust: Trust,
  issuer: IssuerEntry,
  keys: readonly IssuerKey[],
  word: string,
  at: string,
  seen: string | null,
): string | null {
  if (Date.parse(at) > Date.parse(seen ?? trust.now) + SKEW_SECONDS * 1000)
    return `its ${word} is dated after it was first seen`;
  const entries = [['the issuer', issuer] as const, ...keys.map((key) => ['the issuer’s signing key', key] as const)];
  for (const [what, entry] of entries) {
    const check = validBySaying(entry, at, seen, trust.now);
    if (!check.ok) return `${what} does not count for its ${word}: ${check.why}`;
  }
  return null;
}

export function personOf(issuer: IssuerEntry, claims: JWTPayload, at: string): BoundPerson {
  const subject = claims.sub ?? '';
  const name = [claims.email, claims.preferred_username, subject].find((one) => typeof one === 'string' && one !== '');
  return { issuer: issuer.issuer, subject, name: String(name), at, until: issuer.until };
}

/** The pinned key that the token verifies with. Its own `exp` is for logging in, not for what it says about a key. */
async function signerOf(issuer: IssuerEntry, token: string): Promise<{ key: IssuerKey; claims: JWTPayload } | null> {
  for (const key of issuer.keys) {
    const { from: _from, until: _until, revoked: _revoked, ...jwk } = key;
    try {
      const { payload } = await jwtVerify(
        token,
        async (header) => {
          if (jwk.kid !== undefined && header.kid !== undefined && jwk.kid !== header.kid)
            throw new Error('another key');
          if (jwk.alg !== undefined && jwk.alg !== header.alg) throw new Error('another algorithm');
          return importJWK({ ...jwk }, header.alg);
        },
        {
          issuer: issuer.issuer,
          audience: issuer.audience,
          algorithms: SIGNATURE_ALGORITHMS,
          requiredClaims: ['iat', 'sub'],
          currentDate: new Date((decodeJwt(token).iat ?? 0) * 1000),
        },
      );
      if (Number.isSafeInteger(payload.iat) && typeof payload.sub === 'string') return { key, claims: payload };
    } catch {
      // Not signed by this one.
    }
  }
  return null;
}

/**
 * Whether a claim is the text, or a list that has it. A dot leads into an object, unless a claim has the dot in its
 * own name, as `https://example.com/groups` does.
 */
export function claimHas(claims: unknown, path: string, value: string): boolean {
  if (typeof claims !== 'object' || claims === null) return false;
  if (Object.hasOwn(claims, path)) {
    const claim: unknown = (claims as Record<string, unknown>)[path];
    if (claim === value || (Array.isArray(claim) && claim.includes(value))) return true;
  }
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const name = path.slice(0, dot);
    const inner = Object.hasOwn(claims, name) ? (claims as Record<string, unknown>)[name] : undefined;
    if (!Array.isArray(inner) && claimHas(inner, path.slice(dot + 1), value)) return true;
  }
  return false;
}
