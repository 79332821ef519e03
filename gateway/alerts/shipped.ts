import { Rule, type RuleInput } from './rule.ts';

/** What is watched where nobody wrote anything down; docs/alerts.md says why each is there. */
const SHIPPED: readonly RuleInput[] = [
  {
    id: 'denied-destructive-burst',
    title: 'Many denied destructive statements',
    severity: 'high',
    when: "event.denied && event.class == 'destructive'",
    count: { over: 5, minutes: 10, by: ['person', 'agent'] },
  },
  {
    id: 'first-touch',
    title: 'First touch of a table',
    severity: 'low',
    when: "event.kind == 'statement' && !event.denied && event.error == ''",
    first: { of: 'object', by: ['agent', 'connection'] },
    actions: ['siem'],
  },
  {
    id: 'many-tagged-rows',
    title: 'A large result with a tagged column',
    severity: 'medium',
    when: "event.rows > 10000 && (event.maskedValues > 0 || 'output-tagged' in event.flags)",
  },
  {
    id: 'privilege-changed',
    title: 'Privileges were changed',
    severity: 'high',
    when: "event.class == 'privilege' && !event.denied && event.error == ''",
    quietMinutes: 0,
  },
  {
    id: 'code-ran',
    title: 'Code ran on the database server',
    severity: 'high',
    when: "event.class == 'execute' && !event.denied && event.error == ''",
  },
  {
    id: 'probing',
    title: 'An agent tries what it may not or does not know',
    severity: 'medium',
    when: "event.error in ['42501', '42P01', '42703', '3F000', '28000']",
    count: { over: 20, minutes: 5, by: ['session'] },
  },
  {
    id: 'nobody-answers',
    title: 'Requests expire without an answer',
    severity: 'low',
    when: "event.verdict == 'asked-expired'",
    count: { over: 3, minutes: 30, by: ['person'] },
    actions: ['notify'],
  },
  {
    id: 'observe-mode-let-through',
    title: 'Observe mode let through what policy would have stopped',
    severity: 'medium',
    when: "event.verdict == 'observed' && event.class in ['destructive', 'privilege', 'execute']",
  },
];

export function shippedRules(): Rule[] {
  return SHIPPED.map((rule) => Rule.parse(rule));
}
