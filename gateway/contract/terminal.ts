import { z } from 'zod';

/** Where a recorded terminal goes on: behind what was told. */
export const TerminalPlace = z.object({
  unit: z.coerce.number().int().min(0),
  /** Microseconds since the epoch. */
  at: z.coerce.number(),
});

const at = z.number();

/** What happened in a terminal. `at`: milliseconds since the session was opened; `data`: base64. */
export const TerminalEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.enum(['output', 'errors', 'input']), at, data: z.string() }),
  /** Bytes that were redacted, or are damaged. */
  z.object({ kind: z.literal('gap'), at }),
  z.object({ kind: z.literal('resize'), at, cols: z.number().int(), rows: z.number().int() }),
  z.object({ kind: z.literal('note'), at, name: z.string() }),
]);
export type TerminalEvent = z.infer<typeof TerminalEvent>;

/** A part of a recorded terminal, in the order of time. */
export const TerminalPart = z.object({
  /** null: the command ran on pipes. */
  size: z.object({ cols: z.number().int(), rows: z.number().int() }).nullable(),
  events: z.array(TerminalEvent),
  /** null: there is no more (yet). */
  next: TerminalPlace.nullable(),
});
export type TerminalPart = z.infer<typeof TerminalPart>;
