import { z } from 'zod';

/** A whole name, or its beginning with a trailing `*`; capitals do not matter. */
const Name = z.string().min(1).max(256);

/**
 * Which statements are looked for, on one machine (SQLite) and in a team's index (PostgreSQL) alike:
 * all that is given has to hold.
 */
export const StatementFilter = z.object({
  /** Words that all occur, "phrases", beginnings as begin*. */
  text: z.string().max(400).optional(),
  /** Subject or display name of the person the agent acted for. */
  person: Name.optional(),
  /** Name of the agent's program. */
  agent: Name.optional(),
  connection: Name.optional(),
  device: Name.optional(),
  /** `public.orders`, or `orders` in any schema. */
  table: Name.optional(),
  /** Who decided what was asked. */
  approver: Name.optional(),
  /** Entity type of a masked value, such as EMAIL_ADDRESS. */
  entity: Name.optional(),
  /** `asked` is every outcome of asking, `denied` whatever was not let through, `error` what failed at the server or here. */
  verdict: z
    .enum(['allowed', 'observed', 'asked', 'asked-approved', 'asked-denied', 'asked-expired', 'denied', 'error'])
    .optional(),
  /** Started at this time or later. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** Started before this time. */
  until: z.iso.datetime({ offset: true }).optional(),
});
export type StatementFilter = z.infer<typeof StatementFilter>;
