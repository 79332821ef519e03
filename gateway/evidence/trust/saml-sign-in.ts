import { createPublicKey } from 'node:crypto';
import type { SignInEvidence } from '../../contract/sign-in.ts';
import { fromBase64 } from '../../recording/format/bytes.ts';
import { FormatError } from '../../recording/format/primitives.ts';
import type { IssuerEntry, IssuerKey } from '../format/documents.ts';
import type { Vkey } from '../format/vkey.ts';
import { claimsOf } from '../saml/assertion.ts';
import { claimedIssuer, type VerifiedResponse, verifyResponse } from '../saml/response.ts';
import type { SamlKey } from '../saml/signatures.ts';
import { bindingNonce, objectionTo, personOf, type SignInCheck } from './id-token.ts';
import type { Checks, Trust } from './verify-trust.ts';

type Refusal = { ok: false; why: string };
type PinnedKey = SamlKey & { entry: IssuerKey };

/**
 * Verifies the response of a SAML sign-in offline, against keys that the trust note pins and nothing else. How long
 * it could be brought to the gateway says nothing here.
 *
 * @param made what its InResponseTo is said to be made of; null: it could not carry it.
 * @param seen the earliest evidence that a recording with it existed, or null.
 */
export async function checkSamlSignIn(
  p: Pick<Checks, 'sha256'>,
  trust: Trust,
  { response, assertion }: NonNullable<SignInEvidence['saml']>,
  made: { vkey: Vkey; random: string } | null,
  seen: string | null,
): Promise<SignInCheck> {
  let name: string;
  try {
    name = claimedIssuer(response, assertion);
  } catch (error) {
    return unreadable(error);
  }
  let last: Refusal = { ok: false, why: 'no trust note knows the provider of its signed response' };
  for (const issuer of trust.note?.issuers ?? []) {
    if (issuer.issuer !== name) continue;
    const said = wordOf(trust, issuer, response, assertion, seen);
    if (!said.ok) {
      last = said;
      continue;
    }
    const { verified, at } = said;
    const claims = claimsOf(verified.assertion);
    return { ok: true, person: personOf(issuer, claims, at), claims, nonce: nonceOf(p, verified, made) };
  }
  return last;
}

/** The request's ID has to come back in both signed parts. */
function nonceOf(
  p: Pick<Checks, 'sha256'>,
  { inResponseTo, assertion }: VerifiedResponse<PinnedKey>,
  made: { vkey: Vkey; random: string } | null,
): 'of this key' | 'of another key' | 'none' {
  if (made === null) return 'none';
  const expected = `_${bindingNonce(p, made.vkey.key, fromBase64(made.random) ?? new Uint8Array(0))}`;
  const isConfirmed = assertion.confirmations.some((one) => one.inResponseTo === expected);
  return inResponseTo === expected && isConfirmed ? 'of this key' : 'of another key';
}

/** What a provider said, and when, where its keys and the provider counted then. */
function wordOf(
  trust: Trust,
  issuer: IssuerEntry,
  response: string,
  decrypted: string | null,
  seen: string | null,
): { ok: true; verified: VerifiedResponse<PinnedKey>; at: string } | Refusal {
  let verified: VerifiedResponse<PinnedKey>;
  try {
    verified = verifyResponse(response, decrypted, issuer.keys.flatMap(pinnedKey));
  } catch (error) {
    return unreadable(error);
  }
  const { assertion, keys } = verified;
  const { audiences } = assertion;
  if (
    assertion.issuer !== issuer.issuer ||
    audiences.length === 0 ||
    !audiences.every((one) => one.includes(issuer.audience))
  )
    return { ok: false, why: 'no trust note knows the provider of its signed response for this audience' };
  const at = new Date(assertion.issuedAt).toISOString();
  const entries = [...new Set(keys.map(({ entry }) => entry))];
  const why = objectionTo(trust, issuer, entries, 'signed response', at, seen);
  return why === null ? { ok: true, verified, at } : { ok: false, why };
}

function pinnedKey(entry: IssuerKey): PinnedKey[] {
  const { kty, n, e } = entry;
  if (kty !== 'RSA' || n === undefined || e === undefined) return [];
  try {
    const key = createPublicKey({ key: { kty, n, e }, format: 'jwk' });
    return [{ pem: key.export({ type: 'spki', format: 'pem' }).toString(), entry }];
  } catch {
    return [];
  }
}

function unreadable(error: unknown): Refusal {
  if (!(error instanceof FormatError)) throw error;
  return { ok: false, why: `its signed response does not count: ${error.message}` };
}
