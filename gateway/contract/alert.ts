import { z } from 'zod';

export const AlertSeverity = z.enum(['low', 'medium', 'high', 'critical']);
export type AlertSeverity = z.infer<typeof AlertSeverity>;

/**
 * What happens besides the entry in the device's log and the history, which every alert has.
 * pause-session: whatever the session runs waits for a person, until one resumes it. end-session: its
 * connection is closed.
 */
export const AlertAction = z.enum(['notify', 'siem', 'pause-session', 'end-session']);
export type AlertAction = z.infer<typeof AlertAction>;

/** A rule that matched what happened. */
export const Alert = z.object({
  /** `<session>/<exchange>/<rule>`: the same wherever it is evaluated. */
  id: z.string(),
  rule: z.object({ id: z.string(), title: z.string() }),
  severity: AlertSeverity,
  sentence: z.string(),
  at: z.string(),
  sessionId: z.string(),
  /** null: of the session as a whole. */
  exchange: z.number().int().nullable(),
  connectionId: z.string(),
  /** The person's subject and the agent's process, as the session has them. */
  person: z.string(),
  agent: z.string(),
  /** Events that the rule counted. */
  count: z.number().int(),
  /** `<session>/<exchange>` of the first ones of them. */
  related: z.array(z.string()),
  actions: z.array(AlertAction),
});
export type Alert = z.infer<typeof Alert>;

export const AlertRuleView = z.object({
  id: z.string(),
  title: z.string(),
  severity: AlertSeverity,
  when: z.string(),
  /** What it counts or remembers, as a sentence; empty where it takes one event. */
  how: z.string(),
  actions: z.array(AlertAction),
  enabled: z.boolean(),
  source: z.enum(['shipped', 'file']),
});
export type AlertRuleView = z.infer<typeof AlertRuleView>;
