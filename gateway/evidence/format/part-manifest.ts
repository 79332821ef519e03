import { z } from 'zod';

/** `part.json`, the first member of a part (SPEC.md). */
export const PartManifest = z.object({
  v: z.literal(1),
  sid: z.string().regex(/^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$/),
  n: z.number().int().min(0).max(999_999),
  /** base64 SHA-256 of the plaintext of the part before. */
  prev: z.string().regex(/^([A-Za-z0-9+/]{43}=)?$/),
  last: z.boolean(),
  ranges: z
    .array(
      z.tuple([
        z.string().regex(/^[A-Za-z0-9.-]{1,64}$/),
        z.number().int().min(0),
        z.number().int().min(1),
        z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
      ]),
    )
    .max(10_000),
});
export type PartManifest = z.infer<typeof PartManifest>;
