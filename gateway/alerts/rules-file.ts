import { readFileIfThere } from '../config/atomic-file.ts';
import type { AlertRuleView } from '../contract/alert.ts';
import { CountersignError } from '../contract/errors.ts';
import { type CompiledRule, compileRule } from './compile.ts';
import { howOf, type Rule, RulesFile } from './rule.ts';
import { shippedRules } from './shipped.ts';

export interface AlertRules {
  rules: readonly CompiledRule[];
  list(): AlertRuleView[];
}

const MAX_FILE_BYTES = 1024 * 1024;

/** The shipped rules alone where there is no file. Errors: ALERT_RULES_BROKEN, ALERT_RULE_BROKEN, with the place. */
export function loadAlertRules(file: string): AlertRules {
  return parseAlertRules(file, readFileIfThere(file));
}

/** @param name of the file, for sentences. */
export function parseAlertRules(name: string, text: string | null): AlertRules {
  const own: RulesFile = text === null ? { version: 1, rules: [], disable: [] } : parse(name, text);
  const ids = new Set(own.rules.map(({ id }) => id));
  const shipped = shippedRules();
  for (const id of own.disable) {
    if (!shipped.some((rule) => rule.id === id)) throw broken(name, `disable: there is no shipped rule ${id}`);
  }
  const rules = [
    ...shipped
      .filter(({ id }) => !ids.has(id))
      .map((rule) => ({ rule: { ...rule, enabled: !own.disable.includes(rule.id) }, source: 'shipped' as const })),
    ...own.rules.map((rule) => ({ rule, source: 'file' as const })),
  ].map(({ rule, source }) => ({ compiled: compile(name, rule), source }));
  return {
    rules: rules.map(({ compiled }) => compiled),
    list: () => rules.map(({ compiled, source }) => view(compiled.rule, source)),
  };
}

function view(rule: Rule, source: AlertRuleView['source']): AlertRuleView {
  const { id, title, severity, when, actions, enabled } = rule;
  return { id, title, severity, when, how: howOf(rule), actions, enabled, source };
}

function broken(name: string, sentence: string, cause?: unknown): CountersignError {
  return new CountersignError('ALERT_RULES_BROKEN', `${name}: ${sentence}.`, { cause });
}

function compile(name: string, rule: Rule): CompiledRule {
  try {
    return compileRule(rule);
  } catch (cause) {
    throw new CountersignError('ALERT_RULE_BROKEN', `${name}: ${(cause as Error).message}.`, { cause });
  }
}

function parse(name: string, text: string): RulesFile {
  if (text.length > MAX_FILE_BYTES) throw broken(name, `it is larger than ${MAX_FILE_BYTES} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw broken(name, `it is not JSON: ${(cause as Error).message}`, cause);
  }
  const parsed = RulesFile.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw broken(name, `${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'it cannot be understood'}`);
  }
  const ids = parsed.data.rules.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) throw broken(name, `the rule ${twice} is there twice`);
  return parsed.data;
}
