import type { PasskeyAssertion } from '../../contract/passkey.ts';

export interface AssertionExpectations {
  challenge: Uint8Array;
  /** Exactly; another port is another origin. */
  origin: string;
  rpId: string;
  /** COSE_Key, base64url. */
  publicKey: string;
}

/**
 * Whether an authenticator gave its word for a challenge, having verified its user (WebAuthn Level 3 §7.2).
 * @returns null, or why it does not count. Never rejects.
 */
export async function assertionProblem(
  assertion: PasskeyAssertion,
  expected: AssertionExpectations,
): Promise<string | null> {
  const { credentialId: id, clientDataJSON, authenticatorData, signature } = assertion;
  // Costs 100 ms to load, and few gateways need it.
  const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
  try {
    if (isEmbedded(clientDataJSON)) return 'it was given to a page inside of another page';
    const { verified } = await verifyAuthenticationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, authenticatorData, signature },
      },
      expectedChallenge: Buffer.from(expected.challenge).toString('base64url'),
      expectedOrigin: expected.origin,
      expectedRPID: expected.rpId,
      credential: {
        id,
        publicKey: new Uint8Array(Buffer.from(expected.publicKey, 'base64url')),
        // Copies of a synchronised passkey do not count together, so a count tells nothing.
        counter: 0,
      },
      requireUserVerification: true,
    });
    return verified ? null : 'its signature is not by that passkey';
  } catch (error) {
    return (error as Error).message;
  }
}

/** Throws what JSON.parse throws. */
function isEmbedded(clientDataJSON: string): boolean {
  const data: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8'));
  return typeof data === 'object' && data !== null && 'crossOrigin' in data && data.crossOrigin !== false;
}
