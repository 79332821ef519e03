import { z } from 'zod';
import { Verdict } from './decision.ts';
import { OperationClass } from './operation.ts';

/** One thing that is wrong with a policy's text; lines and columns from 1, null where no place is known. */
export const PolicyProblem = z.object({
  line: z.number().int().nullable(),
  column: z.number().int().nullable(),
  message: z.string(),
});
export type PolicyProblem = z.infer<typeof PolicyProblem>;

/** A text looked at without staging it: what is wrong, or each of its policies as a sentence. */
export const PolicyCheck = z.object({
  /** SHA-256, hex, of the text. */
  hash: z.string(),
  errors: z.array(PolicyProblem),
  policies: z.array(z.object({ id: z.string(), line: z.number().int().nullable(), sentence: z.string() })),
});
export type PolicyCheck = z.infer<typeof PolicyCheck>;

/** A set that was in force once, or is. */
export const PolicyVersion = z.object({
  /** From 1, in the order they were accepted. */
  number: z.number().int(),
  hash: z.string(),
  acceptedAt: z.string(),
  inForce: z.boolean(),
});
export type PolicyVersion = z.infer<typeof PolicyVersion>;

/** What to try a policy on. Nothing is run, and no target is asked. */
export const PolicyTrialInput = z.object({
  /** The text to try; absent: the set in force. */
  policy: z.string().max(1_000_000).optional(),
  what: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('statement'),
      text: z.string().min(1).max(16_000),
      connectionId: z.string().max(64).optional(),
    }),
    z.object({
      kind: z.literal('command'),
      text: z.string().min(1).max(16_000),
      /** Where it would run, and what the agent works on. */
      cwd: z.string().min(1).max(4096).default('/workspace'),
    }),
  ]),
});
export type PolicyTrialInput = z.infer<typeof PolicyTrialInput>;

export const PolicyTrial = z.object({
  class: OperationClass,
  ops: z.array(z.string()),
  flags: z.array(z.string()),
  words: z.array(z.string()),
  verdict: Verdict,
  /** What the trial leaves out, as sentences. */
  notes: z.array(z.string()),
});
export type PolicyTrial = z.infer<typeof PolicyTrial>;

/** Exceptions that would have ended questions which a person approved; none is in force before somebody accepts it. */
export const PolicySuggestions = z.object({
  suggestions: z.array(
    z.object({
      id: z.string(),
      /** In Cedar. */
      condition: z.string(),
      /** The policies that get the exception. */
      policyIds: z.array(z.string()),
      /** The whole policy with it, to be staged. */
      text: z.string(),
      saves: z.number().int(),
      /** Every past operation that it would have let through, the latest first. */
      passes: z.array(
        z.object({ at: z.string(), text: z.string(), outcome: z.enum(['approved', 'refused', 'unasked']) }),
      ),
      test: z.string(),
    }),
  ),
  /** Questions that were looked at, and when the oldest was asked. */
  looked: z.number().int(),
  since: z.string().nullable(),
});
export type PolicySuggestions = z.infer<typeof PolicySuggestions>;
