import type { VerifiedResponse } from '../../evidence/saml/response.ts';
import type { SamlKey } from '../../evidence/saml/signatures.ts';

/** Milliseconds by which the provider's clock may differ. */
const SKEW_MS = 60_000;

/** What was asked for, and of whom. */
export interface Expected {
  requestId: string;
  /** The provider's entity ID, and the gateway's own. */
  issuer: string;
  audience: string;
  acs: string;
}

/**
 * Why a verified response does not count for this request (SAML profiles 4.1.4.3), as the end of a sentence; null
 * where it does.
 *
 * @param now milliseconds since the epoch.
 */
export function objection(response: VerifiedResponse<SamlKey>, expected: Expected, now: number): string | null {
  const { assertion } = response;
  if (assertion.issuer !== expected.issuer) return `it is by another provider: ${assertion.issuer.slice(0, 200)}`;
  if (response.destination !== expected.acs) return 'it was made for another address';
  if (response.inResponseTo !== expected.requestId) return 'it does not answer the request that was sent';
  const audiences = assertion.audiences;
  if (audiences.length === 0 || !audiences.every((one) => one.includes(expected.audience)))
    return `it is not for ${expected.audience} (audience)`;
  return (
    outside(assertion, now) ??
    (assertion.issuedAt > now + SKEW_MS ? 'it is dated in the future' : null) ??
    (assertion.sessionNotOnOrAfter !== null && assertion.sessionNotOnOrAfter <= now - SKEW_MS
      ? 'the session at the provider has ended'
      : null) ??
    unconfirmed(assertion.confirmations, expected, now)
  );
}

/** One confirmation has to be right in everything. */
function unconfirmed(
  confirmations: VerifiedResponse<SamlKey>['assertion']['confirmations'],
  expected: Expected,
  now: number,
): string | null {
  let why = 'it has no confirmation of the method "bearer"';
  for (const one of confirmations) {
    const wrong =
      one.recipient !== expected.acs
        ? 'its assertion was made for another address (recipient)'
        : one.inResponseTo !== expected.requestId
          ? 'its assertion does not answer the request that was sent'
          : one.notOnOrAfter === null
            ? 'its assertion does not say how long it may be brought here'
            : outside(one, now);
    if (wrong === null) return null;
    why = wrong;
  }
  return why;
}

function outside(times: { notBefore: number | null; notOnOrAfter: number | null }, now: number): string | null {
  if (times.notBefore !== null && times.notBefore > now + SKEW_MS) return 'it is not valid yet';
  if (times.notOnOrAfter !== null && times.notOnOrAfter <= now - SKEW_MS) return 'it has expired';
  return null;
}
