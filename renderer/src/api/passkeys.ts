import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import type {
  PasskeyAssertion,
  PasskeyCreation,
  PasskeyRegistration,
  PasskeyRequest,
} from '../../../gateway/contract/passkey.ts';
import { strings } from '../strings.ts';
import { ApiFailure } from './client.ts';

/** Whether this page is where the gateway's passkeys can be used. @param origin the gateway's word of it. */
export function canUsePasskeys(origin: string | null): boolean {
  return origin !== null && origin === location.origin && 'PublicKeyCredential' in window;
}

/** Has the person's authenticator sign. Rejects ApiFailure when they cancel, or it has none of the keys. */
export async function signWithPasskey(request: PasskeyRequest): Promise<PasskeyAssertion> {
  const optionsJSON = { ...request, userVerification: 'required' as const };
  const { id, response } = await startAuthentication({ optionsJSON }).catch((error: unknown) => {
    throw failure(error);
  });
  const { clientDataJSON, authenticatorData, signature } = response;
  return { credentialId: id, clientDataJSON, authenticatorData, signature };
}

/** Has the person's authenticator make a key. Rejects ApiFailure when they cancel, or it has one for them already. */
export async function makePasskey(creation: PasskeyCreation): Promise<PasskeyRegistration> {
  const optionsJSON = {
    ...creation,
    attestation: 'none' as const,
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' } as const,
  };
  const { id, response } = await startRegistration({ optionsJSON }).catch((error: unknown) => {
    throw failure(error);
  });
  return { credentialId: id, clientDataJSON: response.clientDataJSON, attestationObject: response.attestationObject };
}

/** What the browser says of a refusal is meant for developers. */
function failure(cause: unknown): ApiFailure {
  const t = strings.passkeys.failed;
  const { name } = cause as Error;
  const cancelled = name === 'NotAllowedError' || name === 'AbortError';
  const sentence = cancelled ? t.cancelled : name === 'InvalidStateError' ? t.known : t.other;
  return new ApiFailure('PASSKEY', sentence, 0, { cause });
}
