import { z } from 'zod';

/** Base64url without padding (RFC 4648 §5), as WebAuthn's JSON forms have it. */
const base64url = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/);

export const CredentialId = base64url(1400);

/** An authenticator's answer to a challenge (WebAuthn Level 3 §5.1.4, AuthenticatorAssertionResponse). */
export const PasskeyAssertion = z.strictObject({
  credentialId: CredentialId,
  clientDataJSON: base64url(8000),
  authenticatorData: base64url(4000),
  signature: base64url(4000),
});
export type PasskeyAssertion = z.infer<typeof PasskeyAssertion>;

/** What goes into the recording, so that an auditor verifies the assertion again. */
export const PasskeyProof = PasskeyAssertion.extend({
  /** 32 bytes; with the operation's digest they make the challenge (recording/SPEC.md). */
  random: base64url(43),
  origin: z.string().max(200),
  rpId: z.string().max(253),
});
export type PasskeyProof = z.infer<typeof PasskeyProof>;

/** A key that an authenticator made here (§5.1.3); attestation is not asked for. */
export const PasskeyRegistration = z.strictObject({
  credentialId: CredentialId,
  clientDataJSON: base64url(8000),
  attestationObject: base64url(16_000),
});
export type PasskeyRegistration = z.infer<typeof PasskeyRegistration>;

export const PasskeyName = z.string().trim().min(1).max(60);

export const Passkey = z.strictObject({
  credentialId: CredentialId,
  /** COSE_Key, base64url. */
  publicKey: base64url(4000),
  /** COSEAlgorithmIdentifier, negative. */
  algorithm: z.number().int(),
  rpId: z.string().min(1).max(253),
  /** Whose it is: Identity.subject, and in words. */
  subject: z.string().max(256),
  person: z.string().max(256),
  name: PasskeyName,
  createdAt: z.string(),
});
export type Passkey = z.infer<typeof Passkey>;

export const PasskeyView = Passkey.extend({
  /** listed: in the organisation's trust note. local: this machine's word alone. unlisted: it counts only once it is listed. */
  standing: z.enum(['listed', 'local', 'unlisted']),
});
export type PasskeyView = z.infer<typeof PasskeyView>;

export const PasskeyList = z.object({
  items: z.array(PasskeyView),
  /** Where a browser can use them; a page of any other origin cannot. Null: this gateway has no such address. */
  origin: z.string().nullable(),
  /** Why what asks for a passkey is refused now, with the way out; null: it can be approved. */
  missing: z.string().nullable(),
});
export type PasskeyList = z.infer<typeof PasskeyList>;

/** §5.4, PublicKeyCredentialCreationOptions, binary members as base64url. */
export const PasskeyCreation = z.object({
  challenge: z.string(),
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.object({ type: z.literal('public-key'), alg: z.number().int() })),
  excludeCredentials: z.array(z.object({ type: z.literal('public-key'), id: z.string() })),
  timeout: z.number().int(),
});
export type PasskeyCreation = z.infer<typeof PasskeyCreation>;

/** §5.5, PublicKeyCredentialRequestOptions. */
export const PasskeyRequest = z.object({
  challenge: z.string(),
  rpId: z.string(),
  allowCredentials: z.array(z.object({ type: z.literal('public-key'), id: z.string() })),
  timeout: z.number().int(),
});
export type PasskeyRequest = z.infer<typeof PasskeyRequest>;
