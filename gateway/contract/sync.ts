import { z } from 'zod';

const Sentence = z.object({ at: z.string().nullable(), sentence: z.string() });
const count = z.number().int();

/** What a store does with what is in it, found out by trying. */
export const StoreCapabilities = z.object({
  read: z.boolean(),
  list: z.boolean(),
  refusesOverwrite: z.boolean(),
  keepsVersions: z.boolean(),
  refusesDelete: z.boolean(),
  sentences: z.array(z.string()),
});

/** `all`: recorded and sent. `local`: recorded, and never leaves this machine. `omit`: only that it was, and how long. */
export const Keeping = z.enum(['all', 'local', 'omit']);
export type Keeping = z.infer<typeof Keeping>;

/** What of an agent's conversation is the person's, beyond what it did. */
export const KEEPING_KINDS = ['prompts', 'thoughts', 'answers', 'files'] as const;
export type KeepingKind = (typeof KEEPING_KINDS)[number];
export const KeepingRules = z.strictObject({
  prompts: Keeping.default('all'),
  thoughts: Keeping.default('all'),
  answers: Keeping.default('all'),
  /** Contents of files that the agent read or changed; that it did, and their digests, are always recorded. */
  files: Keeping.default('all'),
});
export type KeepingRules = z.infer<typeof KeepingRules>;

export const SyncStatus = z.object({
  /** blocked: a person has to act first; `lastError` says how. */
  state: z.enum(['off', 'paused', 'blocked', 'failing', 'sending', 'up-to-date']),
  /** Kind, host, folder or bucket; null where none is set up. */
  target: z.string().nullable(),
  organisation: z.string().nullable(),
  encryption: z.object({ on: z.boolean(), recipients: count }),
  /** Objects that are prepared; bytes and sessions of everything that waits. */
  queue: z.object({ objects: count, bytes: count, sessions: count }),
  oldestWaiting: z.string().nullable(),
  behindSeconds: count,
  /** Bytes a second over the last ten. */
  rate: count,
  confirmed: z.object({ objects: count, bytes: count, at: z.string().nullable() }),
  lastError: z.object({ at: z.string(), sentence: z.string() }).nullable(),
  /** Sessions whose connection keeps them on this machine. */
  localSessions: count,
  keeping: KeepingRules,
  disk: z.object({ bytes: count, budget: count.nullable() }),
  capabilities: StoreCapabilities.nullable(),
  findings: z.array(Sentence),
});
export type SyncStatus = z.infer<typeof SyncStatus>;

/** What is not given stays as it is. The gateway checks `target` and `retention` by schemas of its own. */
export const SyncSetup = z.object({
  /** null: nothing leaves this machine any more. */
  target: z.record(z.string(), z.unknown()).nullable().optional(),
  /** It is the store that was set up before, by another name: nothing is sent again. */
  sameStore: z.boolean().default(false),
  /** By ids that begin with `store/` and that `target` names. */
  secrets: z.record(z.string().max(100), z.string().max(65_536)).default({}),
  bandwidth: z.number().int().min(1024).nullable().optional(),
  overdueHours: z.number().min(1).max(8760).optional(),
  /** `rules` or `budget`, or both. */
  retention: z.record(z.string(), z.unknown()).optional(),
  keeping: z.strictObject(KeepingRules.partial().shape).optional(),
});
export type SyncSetup = z.infer<typeof SyncSetup>;

export const RetentionPlan = z.object({
  removals: z.array(
    z.object({ sid: z.string(), bytes: count, rule: z.string(), why: z.string(), synced: z.boolean() }),
  ),
  /** Bytes beyond the budget that stay, because they are not in the store or are held. */
  over: count,
});

export const HoldView = z.object({ what: z.string(), why: z.string(), by: z.string(), at: z.string() });
