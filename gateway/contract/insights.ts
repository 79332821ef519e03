import { z } from 'zod';

const count = z.number().int().nonnegative();
/** Days of UTC; the last of them is today. */
const days = z.coerce.number().int().min(1).max(366).default(30);
const only = { connectionId: z.string().max(64).optional() };

export const INSIGHT_DIMENSIONS = ['verdict', 'class', 'agent', 'connection', 'table'] as const;
export const InsightDimension = z.enum(INSIGHT_DIMENSIONS);
export type InsightDimension = z.infer<typeof InsightDimension>;

export const InsightsInput = z.object({ days, by: InsightDimension.default('verdict'), ...only });
export type InsightsInput = z.infer<typeof InsightsInput>;

/** Operations by day and by what was asked for, the most frequent first. */
export const Insights = z.object({
  /** YYYY-MM-DD, in order, without a gap. */
  days: z.array(z.string()),
  series: z.array(
    z.object({
      name: z.string(),
      /** Of each day. */
      counts: z.array(count),
      total: count,
      asked: count,
      denied: count,
    }),
  ),
  /** Names that are none of the series. */
  others: z.object({ names: count, counts: z.array(count), total: count }),
  /** An operation may touch several tables, or none: then this is not the sum of the series. */
  operations: count,
  errors: count,
  /** How long operations waited for a person, all together, in milliseconds. */
  heldMs: z.number().nonnegative(),
  /** There was more than is looked at: the oldest days are not whole. */
  more: z.boolean(),
});
export type Insights = z.infer<typeof Insights>;

export const InsightShapesInput = z.object({
  days,
  /** Of shapes: most often asked about, longest single run, most often run. */
  order: z.enum(['asked', 'slowest', 'repeated']).default('asked'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  ...only,
});
export type InsightShapesInput = z.infer<typeof InsightShapesInput>;

/** Statements that differ in their values only. */
export const InsightShape = z.object({
  /** Values are $n where they could be told apart; at most 1,000 characters. Empty: too many to name. */
  shape: z.string(),
  count,
  asked: count,
  approved: count,
  denied: count,
  errors: count,
  /** Without the time they waited for a person. */
  meanMs: z.number(),
  slowestMs: z.number(),
  /** Where the slowest of them is. */
  sessionId: z.string(),
  index: count,
  sessions: count,
});
export type InsightShape = z.infer<typeof InsightShape>;

export const InsightShapes = z.object({ items: z.array(InsightShape), more: z.boolean() });
export type InsightShapes = z.infer<typeof InsightShapes>;
