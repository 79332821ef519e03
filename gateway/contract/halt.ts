import { z } from 'zod';

/**
 * A person took leave away from everything at once. pause: whatever needs a person is denied. panic:
 * every session was cut and none begins.
 */
export const HaltView = z.object({
  kind: z.enum(['pause', 'panic']),
  since: z.iso.datetime(),
  /** null: until a person resumes. */
  until: z.iso.datetime().nullable(),
  /** Who asked for it. */
  by: z.string(),
  /** For person and agent. */
  sentence: z.string(),
});
export type HaltView = z.infer<typeof HaltView>;

export const MAX_HALT_MINUTES = 24 * 60;
export const HaltMinutes = z.number().int().min(1).max(MAX_HALT_MINUTES);
