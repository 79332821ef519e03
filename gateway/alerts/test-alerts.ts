import type { StatementSummary } from '../pipeline/ports.ts';
import { decision, sessionInfo, statement } from '../recording/test-support.ts';
import { compileRule } from './compile.ts';
import type { AlertEvent } from './event.ts';
import { Rule, type RuleInput } from './rule.ts';
import type { AlertRules } from './rules-file.ts';

export const MINUTE = 60_000_000;

let exchanges = 0;

/** A statement, `minutes` after some moment. */
export const happened = (minutes: number, summary: Partial<StatementSummary> = {}, session = 's1'): AlertEvent => ({
  kind: 'statement',
  at: 1_772_600_000_000_000 + minutes * MINUTE,
  session: sessionInfo(session),
  exchange: exchanges++,
  statement: statement(summary),
});

export const denied = decision({ effect: 'deny', verdict: { ...decision().verdict, effect: 'deny' } });
export const destructive = { class: 'destructive', op: 'DROP TABLE', decision: denied, own: true } as const;

export const ruleOf = (rule: Partial<RuleInput>) =>
  compileRule(Rule.parse({ id: 'r', title: 'A rule', severity: 'low', when: 'true', ...rule }));

export const rulesOf = (...rules: Partial<RuleInput>[]): AlertRules => ({
  rules: rules.map((rule, i) => ruleOf({ id: `r${i}`, ...rule })),
  list: () => [],
});
