import { z } from 'zod';
import { AlertAction, AlertSeverity } from '../contract/alert.ts';

/** What events are counted by, or a first one is the first of. */
export const GROUPS = ['person', 'agent', 'session', 'connection', 'conversation', 'application', 'database'] as const;
const Group = z.enum(GROUPS);
export type Group = z.infer<typeof Group>;

const by = z.array(Group).max(GROUPS.length);

/** A rule as it is written down. Without `count` and `first`, each event that matches is an alert. */
export const Rule = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes'),
  title: z.string().min(1).max(200),
  severity: AlertSeverity,
  /** CEL over `event`; docs/alerts.md lists its fields. */
  when: z.string().min(1).max(4000),
  /** An alert when more than `over` events matched within `minutes`; then counting begins anew. */
  count: z
    .strictObject({ over: z.number().int().min(1).max(1000), minutes: z.number().int().min(1).max(1440), by })
    .optional(),
  /** An alert when something is there for the first time. */
  first: z
    .strictObject({ of: z.enum(['object', 'op', 'connection', 'agent', 'person', 'application']), by })
    .optional(),
  /** For rules without `count` and `first`: silence after an alert, per session. */
  quietMinutes: z.number().int().min(0).max(1440).default(10),
  actions: z.array(AlertAction).max(4).default(['notify', 'siem']),
  enabled: z.boolean().default(true),
});
export type Rule = z.infer<typeof Rule>;
export type RuleInput = z.input<typeof Rule>;

/** `<home>/alerts.json`. A rule with the id of a shipped one replaces it. */
export const RulesFile = z.strictObject({
  version: z.literal(1),
  rules: z.array(Rule).max(100).default([]),
  /** Ids of shipped rules that are not wanted. */
  disable: z.array(z.string().max(63)).max(100).default([]),
});
export type RulesFile = z.infer<typeof RulesFile>;

/** What a rule counts or remembers, for people. */
export function howOf({ count, first, quietMinutes }: Rule): string {
  const per = (groups: readonly Group[]) => (groups.length === 0 ? '' : `, each ${groups.join(' and ')} by itself`);
  if (count) return `more than ${count.over} in ${count.minutes} minutes${per(count.by)}`;
  if (first) return `the first time of each ${first.of}${per(first.by)}`;
  return quietMinutes === 0 ? '' : `at most one in ${quietMinutes} minutes of a session`;
}
