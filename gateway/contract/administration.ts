import { z } from 'zod';

/** The settings that an admin of the organisation signed for its gateways. */
export const AdministrationView = z.object({
  /** null: none was taken up. */
  set: z
    .object({
      n: z.number().int(),
      /** Name of the key that signed. */
      by: z.string(),
      issuedAt: z.string(),
      validUntil: z.string(),
      expired: z.boolean(),
      locked: z.array(z.string()),
      connections: z.array(z.string()),
    })
    .nullable(),
  /** What a person should know; null: all is well. */
  problem: z.string().nullable(),
});
export type AdministrationView = z.infer<typeof AdministrationView>;
