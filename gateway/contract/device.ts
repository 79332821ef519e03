import { z } from 'zod';

export const DeviceStatus = z.object({
  /** ULID. */
  id: z.string(),
  /** null: it belongs to no organisation. */
  org: z.string().nullable(),
  /** Entries of its log that are signed for. */
  size: z.number().int(),
  /** When the newest checkpoint was signed, by the device's clock; null before the first. */
  checkpointAt: z.string().nullable(),
  /** A sentence; then nothing is forwarded. */
  problem: z.string().nullable(),
  /** A sentence: somebody has to look into it, and things go on. */
  warning: z.string().nullable(),
});

/** More of it than a status has, for whoever looks. */
export const DeviceView = DeviceStatus.extend({
  name: z.string(),
  account: z.string(),
  /** An organisation that was asked and has not answered yet. */
  asked: z.string().nullable(),
  /** As its documents say; null before it was enrolled. */
  enrolledBy: z.string().nullable(),
  key: z.object({ store: z.enum(['keyring', 'file', 'passphrase']), since: z.string() }),
  witnesses: z.array(z.string()),
  gaps: z.object({
    /** Newest first; `until` is empty where it goes on. */
    last: z.array(z.object({ kind: z.string(), from: z.string(), until: z.string(), detail: z.string() })),
    total: z.number().int(),
  }),
});
export type DeviceView = z.infer<typeof DeviceView>;

/** Bytes of a document, base64. At most 1 MiB of it. */
const Document = z.base64().max(1_400_000);

/** Where a new key of the device goes; without it the gateway chooses. */
const NewKey = z.object({
  /** false: as if there were no keyring. */
  keyring: z.boolean().default(true),
  /** For where no better place is; never stored, logged or echoed. */
  passphrase: z.string().min(12).max(1024).optional(),
});

/** Steps of joining an organisation, in this order; what is not given is not done. */
export const DeviceEnrolment = NewKey.extend({
  /** The organisation's root, as a person was given it. */
  root: z.string().max(512).optional(),
  trust: z.array(Document).max(1000).default([]),
  /** The enrolment that an authority signed. */
  accept: Document.optional(),
  idToken: z.string().max(64_000).optional(),
  /** Tell what an ID token has to have as its nonce. */
  nonce: z.boolean().default(false),
});
export type DeviceEnrolment = z.input<typeof DeviceEnrolment>;

export const DeviceEnrolled = z.object({
  device: z.string(),
  /** The key in use. */
  vkey: z.string(),
  /** It belongs to this one. */
  org: z.string().nullable(),
  /** It has asked this one. */
  asked: z.string().nullable(),
  /** Signed, for an authority; base64. */
  request: z.string().nullable(),
  nonce: z.string().nullable(),
  /** What a person should know of where the key went. */
  told: z.array(z.string()),
});
export type DeviceEnrolled = z.infer<typeof DeviceEnrolled>;

export const DeviceKeyChange = NewKey;
export type DeviceKeyChange = z.input<typeof DeviceKeyChange>;

export const DeviceKeyChanged = DeviceEnrolled.pick({ device: true, vkey: true, org: true, told: true });
export type DeviceKeyChanged = z.infer<typeof DeviceKeyChanged>;

/** Who is asked to cosign the device's checkpoints. */
export const DeviceWitness = z.object({
  vkey: z.string().max(512),
  url: z.string().max(2000),
  /** PEM of who signed its certificate. */
  ca: z.string().max(100_000).nullable(),
});
export type DeviceWitness = z.infer<typeof DeviceWitness>;
