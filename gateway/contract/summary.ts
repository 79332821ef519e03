import { z } from 'zod';

const Count = z.number().int().nonnegative();

/** What happened since a moment, as far as it is indexed: for the console's first page. */
export const DaySummary = z.object({
  /** By how each was decided; an operation is in one of these. */
  verdicts: z.object({
    allowed: Count,
    approved: Count,
    deniedByPerson: Count,
    expired: Count,
    deniedByPolicy: Count,
    observed: Count,
  }),
  operations: Count,
  /** That failed at their target. */
  errors: Count,
  /** With at least one value that the agent saw masked. */
  masked: Count,
  /** That were opened since then. */
  sessions: Count,
  /** There were more operations than were looked at: the counts are of the latest. */
  more: z.boolean(),
});
export type DaySummary = z.infer<typeof DaySummary>;
