import { z } from 'zod';
import type { SessionRow } from './outbox/outbox.ts';

const DAY_MS = 86_400_000;

/** A rule says what may go; the first that a session meets counts. */
export const RetentionRule = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}$/),
  olderThanDays: z.number().int().min(1).max(36_500),
  connection: z.string().max(64).optional(),
  /** `clean`: nothing was asked, denied or failed. */
  verdict: z.enum(['asked', 'denied', 'error', 'clean']).optional(),
});
export type RetentionRule = z.infer<typeof RetentionRule>;

export const RetentionConfig = z.strictObject({
  rules: z.array(RetentionRule).max(100).default([]),
  budget: z
    .strictObject({
      bytes: z
        .number()
        .int()
        .min(64 * 1024 * 1024),
      /** When what is not in the store yet takes all of it. */
      whenFull: z.enum(['warn', 'stop-forwarding']).default('warn'),
    })
    .nullable()
    .default(null),
});
export type RetentionConfig = z.infer<typeof RetentionConfig>;

export interface Removal {
  sid: string;
  folder: string;
  bytes: number;
  /** The rule's name, or `budget`. */
  rule: string;
  why: string;
  /** All of it is in the store, and the store said so. */
  synced: boolean;
}

/** What a hold names: a session, `connection:<id>`, or everything. */
const isHeld = (row: SessionRow, held: ReadonlySet<string>): boolean =>
  held.has('all') || held.has(row.sid) || held.has(`connection:${row.connection}`);

function meets(row: SessionRow, rule: RetentionRule, now: number): boolean {
  if (row.endedAt === null || row.endedAt > now - rule.olderThanDays * DAY_MS) return false;
  if (rule.connection !== undefined && rule.connection !== row.connection) return false;
  switch (rule.verdict) {
    case undefined:
      return true;
    case 'asked':
      return row.asked > 0;
    case 'denied':
      return row.denied > 0;
    case 'error':
      return row.errors > 0;
    case 'clean':
      return row.asked + row.denied + row.errors === 0;
  }
}

/**
 * What may be deleted of what is on this disk, oldest first. Nothing that is held, nothing that is open, and nothing that
 * should be in the store and is not: what is recorded to stay here goes by a rule only, never for the budget.
 * @returns over: bytes that are beyond the budget after all of it.
 */
export function planRemovals(given: {
  /** Ended, on this disk, oldest first. */
  sessions: Iterable<SessionRow>;
  localBytes: number;
  config: RetentionConfig;
  held: readonly string[];
  now: number;
}): { removals: Removal[]; over: number } {
  const { config, now } = given;
  const held = new Set(given.held);
  const removals: Removal[] = [];
  const spare: Removal[] = [];
  let bytes = given.localBytes;
  for (const row of given.sessions) {
    const synced = row.confirmedAt !== null;
    if (isHeld(row, held) || row.endedAt === null || (!synced && row.sync === 'all')) continue;
    const removal = { sid: row.sid, folder: row.folder, bytes: row.bytes, synced };
    const rule = config.rules.find((one) => meets(row, one, now));
    if (rule !== undefined) {
      removals.push({ ...removal, rule: rule.name, why: `It ended more than ${rule.olderThanDays} days ago.` });
      bytes -= row.bytes;
    } else if (synced && config.budget !== null) {
      spare.push({ ...removal, rule: 'budget', why: 'The disk budget is used up, and this is in the store.' });
    }
  }
  const limit = config.budget?.bytes ?? Number.POSITIVE_INFINITY;
  for (const removal of spare) {
    if (bytes <= limit) break;
    removals.push(removal);
    bytes -= removal.bytes;
  }
  return { removals, over: Math.max(0, bytes - limit) };
}
