import { type ASTNode, Environment, EvaluationError, type ParseResult } from '@marcbachmann/cel-js';
import { CountersignError } from '../contract/errors.ts';
import { type AlertEvent, celValue, FIELDS } from './event.ts';
import type { Rule } from './rule.ts';

export interface CompiledRule {
  rule: Rule;
  /** The fields of `event` that its answer depends on. */
  fields: readonly string[];
  /** Throws what CEL calls an error: a division by zero, a number out of range. */
  matches(event: AlertEvent): boolean;
}

const LIMITS = { maxAstNodes: 400, maxDepth: 32, maxListElements: 100, maxMapEntries: 32, maxCallArguments: 8 };
const MACROS = new Set(['all', 'exists', 'exists_one', 'map', 'filter', 'transformList', 'transformMap', 'sortBy']);

const TIMESTAMP = 'google.protobuf.Timestamp';

const environment = new Environment({ limits: LIMITS });
environment.registerVariable({
  name: 'event',
  schema: Object.fromEntries(
    Object.entries(FIELDS).map(([name, { type }]) => [name, type === 'timestamp' ? TIMESTAMP : type]),
  ),
});

/**
 * Makes a rule ready. Errors: ALERT_RULE_BROKEN, with the rule and the place in its expression. What
 * could take long is refused here, so that evaluating needs no clock: loops within loops, and regular
 * expressions, which backtrack.
 */
export function compileRule(rule: Rule): CompiledRule {
  const fail = (sentence: string, at?: number): CountersignError =>
    new CountersignError(
      'ALERT_RULE_BROKEN',
      `the rule ${rule.id}${at === undefined ? '' : `, ${place(rule.when, at)}`}: ${sentence}`,
    );
  if (rule.count && rule.first) throw fail('it has both count and first; use two rules');
  const checked = environment.check(rule.when);
  if (!checked.valid) throw fail(checked.error?.summary ?? 'it cannot be understood', checked.error?.range?.start);
  if (checked.type !== 'bool') throw fail(`it gives ${checked.type ?? 'something'} and not true or false`);
  let program: ParseResult;
  try {
    program = environment.parse(rule.when);
  } catch (cause) {
    throw fail(cause instanceof Error ? cause.message : 'it cannot be understood');
  }
  const used = new Set<string>();
  walk(program.ast, null, 0, (node, parent, loops) => {
    const called = node.op === 'rcall' || node.op === 'call' ? (node.args[0] as string) : null;
    if (called === 'matches') {
      throw fail(
        'matches() is not offered, since a regular expression can take for ever; use contains, startsWith, endsWith',
        node.start,
      );
    }
    if (loops > 1) throw fail('it has a loop in a loop, which can take for ever', node.start);
    if (node.op !== 'id' || node.args !== 'event') return;
    if (parent?.op === '.') used.add(parent.args[1]);
    else for (const name of Object.keys(FIELDS)) used.add(name);
  });
  const fields = [...used];
  return {
    rule,
    fields,
    matches(event) {
      const value: Record<string, unknown> = {};
      for (const name of fields) value[name] = celValue(name, event);
      return program({ event: value }) === true;
    },
  };
}

type Visit = (node: ASTNode, parent: ASTNode | null, loops: number) => void;

function walk(node: ASTNode, parent: ASTNode | null, loops: number, visit: Visit): void {
  const inside = node.op === 'rcall' && MACROS.has(node.args[0]) ? loops + 1 : loops;
  visit(node, parent, inside);
  const down = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) down(one);
    else if (isNode(value)) walk(value, node, inside, visit);
  };
  down(node.args);
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function place(text: string, at: number): string {
  const before = text.slice(0, at).split('\n');
  const column = `column ${before.at(-1)!.length + 1}`;
  return before.length === 1 ? column : `line ${before.length}, ${column}`;
}

/** Why a rule could not be evaluated, in words. */
export function problemOf(error: unknown): string {
  return error instanceof EvaluationError ? error.summary : 'it failed';
}
