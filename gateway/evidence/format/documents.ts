import { z } from 'zod';

/** Signed documents of SPEC.md, by kind. */

export const Time = z.iso.datetime({ precision: 3 });
const Name = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@ -]{0,127}$/);
export const OrgName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/);
export const DeviceId = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/);
/** C2SP vkey; its checksum is looked at by parseVkey. */
export const Vkey = z
  .string()
  .max(512)
  .regex(/^[^+\s]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/);
export const Recipient = z.string().regex(/^age1[0-9a-z]{20,4000}$/);
const Hash = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

const Revocation = z.strictObject({ at: Time, reason: z.string().min(1).max(500) });
const entry = { from: Time, until: Time, revoked: Revocation.nullable() };
export type Validity = { from: string; until: string; revoked: { at: string; reason: string } | null };

export const KeyEntry = z.strictObject({ ...entry, vkey: Vkey });
export type KeyEntry = z.infer<typeof KeyEntry>;

export const AuditorEntry = z.strictObject({
  ...entry,
  name: Name,
  role: z.enum(['auditor', 'reader']),
  recipient: Recipient,
  /** Signs the auditor's own log; null for who only reads. */
  vkey: Vkey.nullable(),
});
export type AuditorEntry = z.infer<typeof AuditorEntry>;

/** An issuer's signing key, as pinned: a JWKS that a device archived proves nothing. Public members only. */
const IssuerKey = z.strictObject({
  ...entry,
  kty: z.enum(['RSA', 'EC', 'OKP']),
  kid: z.string().min(1).max(500).optional(),
  alg: z.string().min(1).max(20).optional(),
  crv: z.string().max(20).optional(),
  n: z.string().max(4000).optional(),
  e: z.string().max(20).optional(),
  x: z.string().max(200).optional(),
  y: z.string().max(200).optional(),
});
export type IssuerKey = z.infer<typeof IssuerKey>;

/** `claim` may be a path with dots; the claim is `value`, or a list that has it. */
const IssuerRule = z.strictObject({
  ...entry,
  claim: z.string().min(1).max(200),
  value: z.string().min(1).max(500),
});
export type IssuerRule = z.infer<typeof IssuerRule>;

export const IssuerEntry = z.strictObject({
  ...entry,
  issuer: z.url().max(2000),
  audience: z.string().min(1).max(500),
  keys: z.array(IssuerKey).max(64),
  /** One that matches is enough. */
  rules: z.array(IssuerRule).max(256),
});
export type IssuerEntry = z.infer<typeof IssuerEntry>;

export const PasskeyEntry = z.strictObject({
  ...entry,
  person: z.string().min(1).max(320),
  credentialId: z.string().min(1).max(2000),
  publicKey: z.string().min(1).max(4000),
  algorithm: z.number().int(),
  rpId: z.string().min(1).max(253),
});

/** Who may approve what somebody else's agent asks for, with a key of their own. */
export const ApproverEntry = z.strictObject({
  ...entry,
  person: z.string().min(1).max(320),
  groups: z.array(z.string().min(1).max(256)).min(1).max(100),
  vkey: Vkey,
  /** Requests are encrypted to it. */
  recipient: Recipient,
});
export type ApproverEntry = z.infer<typeof ApproverEntry>;

export const TsaEntry = z.strictObject({
  ...entry,
  name: Name,
  url: z.url().max(2000),
  certificate: z.string().max(100_000),
  /** PEM of who signs the certificate of its web server; absent: whom the system believes. */
  ca: z.string().max(100_000).optional(),
});
export type TsaEntry = z.infer<typeof TsaEntry>;

const LeavesTheDevice = z.enum(['sync', 'local', 'omit']);

export const TrustNote = z.strictObject({
  v: z.literal(1),
  org: OrgName,
  n: z.number().int().min(1).max(999_999),
  prev: Hash.or(z.literal('')),
  issuedAt: Time,
  validUntil: Time,
  /** Signs the next note. */
  root: Vkey,
  authorities: z.array(KeyEntry).max(1000),
  witnesses: z.array(KeyEntry).max(100),
  /** How many witnesses have to have cosigned; 0 for none. */
  quorum: z.number().int().min(0).max(100),
  tsas: z.array(TsaEntry).max(100),
  auditors: z.array(AuditorEntry).max(1000),
  issuers: z.array(IssuerEntry).max(100),
  passkeys: z.array(PasskeyEntry).max(10_000),
  /** Who signs the settings of the organisation's gateways; absent in notes of before there were any. */
  admins: z.array(KeyEntry).max(100).optional(),
  /** Absent in notes of before there were any. */
  approvers: z.array(ApproverEntry).max(1000).optional(),
  /** Keys taken back. */
  devices: z.array(z.strictObject({ device: DeviceId, vkey: Vkey, revoked: Revocation })).max(10_000),
  policies: z.array(z.strictObject({ ...entry, hash: z.string().regex(/^[0-9a-f]{64}$/) })).max(1000),
  sync: z.strictObject({ prompts: LeavesTheDevice, thoughts: LeavesTheDevice, files: LeavesTheDevice }),
});
export type TrustNote = z.infer<typeof TrustNote>;

/** What may not be changed on a device. connections: those of the set; new-connections: there are no others. */
export const AdminLock = z.enum(['policy', 'connections', 'new-connections', 'providers']);
export type AdminLock = z.infer<typeof AdminLock>;

const Settings = z.record(z.string().max(256), z.unknown());

/** Settings that an admin signed for all gateways of the organisation; no secrets. Their form is the gateway's own. */
export const Administration = z.strictObject({
  v: z.literal(1),
  org: OrgName,
  /** Never goes back. */
  n: z.number().int().min(1).max(999_999),
  issuedAt: Time,
  validUntil: Time,
  /** Cedar; null: each gateway's own stays. */
  policy: z.string().max(500_000).nullable(),
  connections: z.array(Settings).max(1000),
  /** Which groups give which role, and whether there is emergency access; null: each gateway's own stays. */
  roles: Settings.nullable(),
  emergency: Settings.nullable(),
  locked: z.array(AdminLock).max(10),
});
export type Administration = z.infer<typeof Administration>;

export const Enrolment = z.strictObject({
  v: z.literal(1),
  org: OrgName,
  device: DeviceId,
  vkey: Vkey,
  name: z.string().min(1).max(253),
  account: z.string().min(1).max(320),
  protection: z.enum(['protected', 'unprotected']),
  from: Time,
  until: Time,
  by: z.string().min(1).max(320),
});
export type Enrolment = z.infer<typeof Enrolment>;

/** What a device asks an authority for, signed by its own key: proof that it has the key. */
export const EnrolmentRequest = z.strictObject({
  v: z.literal(1),
  org: OrgName,
  device: DeviceId,
  vkey: Vkey,
  name: z.string().min(1).max(253),
  account: z.string().min(1).max(320),
  protection: z.enum(['protected', 'unprotected']),
  at: Time,
});
export type EnrolmentRequest = z.infer<typeof EnrolmentRequest>;

export const Binding = z.strictObject({
  v: z.literal(1),
  org: OrgName,
  device: DeviceId,
  vkey: Vkey,
  name: z.string().min(1).max(253),
  idToken: z.string().min(1).max(64_000),
  /** base64 of 16 bytes: nonce = base64url(SHA-256(device key ‖ random)). */
  random: z.string().regex(/^[A-Za-z0-9+/]{22}==$/),
});
export type Binding = z.infer<typeof Binding>;

export const KeyChange = z.strictObject({ v: z.literal(1), device: DeviceId, old: Vkey, new: Vkey, at: Time });
export type KeyChange = z.infer<typeof KeyChange>;
