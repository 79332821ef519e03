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
