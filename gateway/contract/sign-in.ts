import { z } from 'zod';
import { Identity } from './identity.ts';

const claim = z.string().min(1).max(200);

/** JWTs that let services in by themselves: client credentials, workload identity, SPIFFE JWT-SVID. */
export const WorkloadConfig = z.strictObject({
  /** What the JWT's `aud` has to be: this gateway, and not another service that it could be replayed at. */
  audience: z.string().min(1).max(300),
  /** Connections that workloads reach; `*` for all. */
  connections: z.array(z.string().min(1).max(64)).min(1).max(256),
  /** What names the workload. */
  subjectClaim: claim.default('sub'),
  /** Of JWT-SVIDs without an issuer: `spiffe://<trust domain>/…` is what `sub` has to begin with. */
  trustDomain: z
    .string()
    .regex(/^[a-z0-9._-]{1,255}$/)
    .optional(),
  /** Where the keys are, where no discovery document says it (a SPIFFE bundle endpoint). */
  keysUrl: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .optional(),
});
export type WorkloadConfig = z.infer<typeof WorkloadConfig>;

/** Plain http is for this machine alone. */
const isSafeUrl = (url: string): boolean =>
  /^https:\/\/./.test(url) || /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])(:|\/|$)/.test(url);
const safeUrl = z
  .url({ protocol: /^https?$/ })
  .max(500)
  .refine(isSafeUrl, { message: 'https, or http on this machine' });

/** What makes a provider one of SAML 2.0: then `issuer` is its entity ID, and `clientId` the gateway's own. */
export const SamlConfig = z.strictObject({
  /** Its metadata, read again at each sign-in; absent: what is pinned counts. */
  metadataUrl: safeUrl.optional(),
  pinned: z
    .strictObject({
      singleSignOn: safeUrl,
      /** Base64 of the DER of the certificates of its signing keys. */
      certificates: z
        .array(
          z
            .string()
            .max(8192)
            .regex(/^[A-Za-z0-9+/]+={0,2}$/),
        )
        .min(1)
        .max(8),
    })
    .optional(),
  /** Where the browser brings the answer: on this machine, and as it was registered with the provider. */
  acs: z
    .string()
    .max(200)
    .regex(/^http:\/\/(127\.0\.0\.1|localhost):[1-9][0-9]{3,4}\/[A-Za-z0-9/_-]*$/, 'http://127.0.0.1:PORT/PATH')
    .refine((url) => URL.canParse(url), { message: 'no such port' })
    .default('http://127.0.0.1:8917/saml/acs'),
  /** Assertions are taken only if they are encrypted for the gateway's key, which is in the vault. */
  encrypted: z.boolean().default(false),
  /** SAML has no refresh, so this is how long a sign-in counts at most. */
  sessionHours: z.number().int().min(1).max(168).default(12),
});
export type SamlConfig = z.infer<typeof SamlConfig>;

/** A provider that people sign in with: OpenID Connect, or SAML; `<home>/providers.json`. Its secrets are in the vault. */
export const ProviderConfig = z
  .strictObject({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'lower-case letters, digits and dashes'),
    /** Exactly as its discovery document (or metadata) says it. */
    issuer: z.string().min(1).max(500),
    clientId: z.string().min(1).max(300),
    saml: SamlConfig.optional(),
    /** The client has a secret, in the vault under `identity/<id>/client`. */
    secret: z.boolean().default(false),
    scopes: z.array(z.string().min(1).max(100)).max(20).default(['openid', 'profile', 'email', 'offline_access']),
    /** Names of claims; a dot leads into an object (`realm_access.roles`). */
    claims: z
      .strictObject({
        subject: claim.default('sub'),
        display: z.array(claim).max(8).default(['email', 'preferred_username', 'name', 'sub']),
        groups: claim.default('groups'),
      })
      .prefault({}),
    /** Only who is in one of these may sign in; empty: whoever the provider lets in. */
    allowedGroups: z.array(z.string().min(1).max(256)).max(100).default([]),
    /** Absent: only people come from this provider. */
    workloads: WorkloadConfig.optional(),
    /** PEM of the authority of its certificate, in place of the system's. */
    caFile: z.string().min(1).max(4096).optional(),
    /** How often the provider is asked whether the person may still act. */
    refreshMinutes: z.number().int().min(1).max(1440).default(15),
    /** How long a laptop may go on while the provider cannot be reached. */
    offlineHours: z.number().min(0).max(168).default(12),
  })
  .superRefine(({ issuer, saml, workloads, secret }, context) => {
    const wrong = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (saml === undefined) {
      if (!safeUrl.safeParse(issuer).success) wrong('issuer', 'a URL with https, or with http on this machine');
      return;
    }
    if (workloads !== undefined || secret) wrong('saml', 'neither workloads nor a client’s secret go with SAML');
    if ((saml.metadataUrl === undefined) === (saml.pinned === undefined))
      wrong('saml', 'either the address of its metadata, or what is pinned');
  });
export type ProviderConfig = z.infer<typeof ProviderConfig>;

export const IdentityView = z.object({
  identity: Identity,
  /**
   * local: there is no provider, so the account of the machine counts. signed-in: the provider vouches.
   * offline: it did, and cannot be asked at present. signed-out: nothing is forwarded.
   */
  state: z.enum(['local', 'signed-in', 'offline', 'signed-out']),
  provider: z.string().nullable(),
  /** What a person should know or do; empty when all is well. */
  sentence: z.string(),
  /** When the provider last said yes, and to when that counts. */
  confirmedAt: z.string().nullable(),
  until: z.string().nullable(),
  /** Whether the provider's word binds this device's key (evidence/SPEC.md, binding). */
  bound: z.boolean(),
  providers: z.array(ProviderConfig),
});
export type IdentityView = z.infer<typeof IdentityView>;

/** The gateway as a service provider of SAML 2.0. */
export const ServiceMetadata = z.object({
  entityId: z.string(),
  acs: z.string(),
  /** Entity ID of the provider. */
  issuer: z.string(),
  /** SAML metadata. */
  xml: z.string(),
});
export type ServiceMetadata = z.infer<typeof ServiceMetadata>;

/** A sign-in that is under way. */
export const LoginView = z.object({
  id: z.string(),
  state: z.enum(['waiting', 'done', 'failed']),
  sentence: z.string(),
  /** To be opened in the system's browser by a person. */
  url: z.string().nullable(),
  /** Of the device flow: to be typed at `url`. */
  userCode: z.string().nullable(),
  expiresAt: z.string(),
});
export type LoginView = z.infer<typeof LoginView>;

/** What a session's recording holds of the sign-in of its person, so that an auditor verifies it offline. */
export const SignInEvidence = z.object({
  /** What comes before the colon of the identity's subject; what comes after it is the token's claim of this name. */
  provider: z.string().max(64),
  issuer: z.string().max(500),
  subjectClaim: z.string().max(200),
  /** JWT of the sign-in; empty where `saml` is there. */
  idToken: z.string().max(65_536),
  /** The response of a SAML sign-in as it came, and its assertion, where that came encrypted. */
  saml: z.strictObject({ response: z.string().max(131_072), assertion: z.string().max(131_072).nullable() }).optional(),
  /** Its nonce (or, after an underscore, the InResponseTo) is base64url of SHA-256(the key of this vkey ‖ these bytes, base64); null: it could not carry one. */
  random: z.string().max(64).nullable(),
  vkey: z.string().max(512).nullable(),
});
export type SignInEvidence = z.infer<typeof SignInEvidence>;
