import { commandValues } from './command-values.ts';
import type { ActionOperation, Operation, StatementOperation } from './operation.ts';
import type { ValueRule } from './value-rule.ts';

/** A value that was lifted out of an operation's text. */
export interface LiftedValue {
  /** What stands before it, or the argument's name. */
  name: string;
  /** null: SQL NULL. */
  value: string | null;
  /** opaque: bytes that nobody can read a limit from. */
  kind: 'text' | 'number' | 'opaque';
  /** Of a statement's text: in quotes there. */
  quoted: boolean;
  /** It says what is run, so it stays as it is. */
  fixed: boolean;
}

export interface Lifted {
  /** Everything else, with LIFTED where a value was: operations of one form differ in their values alone. */
  form: string;
  /** The part of the form that a person reads; it has the first values, the others are parameters. */
  shown: string;
  values: readonly LiftedValue[];
}

/** Stands for a value in a form. No text that is lifted from has it. */
export const LIFTED = '\u0001';

const MAX_TEXT = 16_000;
const MAX_VALUES = 100;

/** The operation's form and its values; null where they cannot be told apart for certain. */
export function liftedValues(operation: Operation): Lifted | null {
  if (operation.text.length > MAX_TEXT || operation.text.includes(LIFTED)) return null;
  const lifted = operation.protocol === 'postgres' ? ofStatement(operation) : ofAction(operation);
  return lifted === null || lifted.values.length > MAX_VALUES ? null : lifted;
}

/** A statement's token, in the order they are tried; what matches none is not vouched for. */
const TOKEN = new RegExp(
  [
    "'(?<string>(?:[^'\\\\\\p{Cc}\\p{Cf}]|'')*)'(?![\\w'])",
    "(?<number>\\d+)(?![\\w.$'\\u0080-\\uffff])",
    "[A-Za-z_]\\w*(?!['$&])|[A-Za-z_]\\w*(?=&[^'\"])",
    '"[^"\\p{Cc}\\p{Cf}]*"',
    '\\$\\d+(?![\\w$])',
    // To the end of the line; what it says is part of the form.
    '--[^\\p{Cc}\\p{Cf}]*(?=[\\n\\r]|$)',
    '(?<comment>--|/\\*)',
    '[\\t\\n\\r !#%&()*+,./:;<=>?@[\\]^`|~{}-]',
  ].join('|'),
  'uy',
);

function ofStatement({ text, parameters, effects }: StatementOperation): Lifted | null {
  if (effects.ops.length !== 1) return null;
  const values: LiftedValue[] = [];
  let form = '';
  let from = 0;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const { string, number, comment } = TOKEN.exec(text)?.groups ?? { comment: '' };
    if (comment !== undefined) return null;
    if (string === undefined && (number === undefined || text[at - 1] === '.')) {
      if (number !== undefined) return null;
      continue;
    }
    const before = text.slice(from, at);
    values.push({
      name: nameBefore(before),
      value: number ?? string!.replaceAll("''", "'"),
      kind: number === undefined ? 'text' : 'number',
      quoted: number === undefined,
      fixed: false,
    });
    form += before + LIFTED;
    from = TOKEN.lastIndex;
  }
  form += text.slice(from);
  const shown = form;
  for (const [index, { type, format, value }] of parameters.entries()) {
    form += `\n$${index + 1} ${type} ${format} ${LIFTED}`;
    values.push({ name: `$${index + 1}`, ...readable(type, format, value), quoted: false, fixed: false });
  }
  return { form, shown, values };
}

/** The last words before a value, for a person. */
function nameBefore(text: string): string {
  const words = text
    .trim()
    .replace(/[=<>(,]+\s*$/, '')
    .trim()
    .split(/[\s,(]+/);
  return (words.at(-1) ?? '').slice(0, 60);
}

const INTEGERS: ReadonlyMap<number, number> = new Map([
  [21, 2],
  [23, 4],
  [20, 8],
]);

function readable(type: number, format: 'text' | 'binary', value: string | null): Pick<LiftedValue, 'value' | 'kind'> {
  if (value === null) return { value: null, kind: 'opaque' };
  const bytes = Uint8Array.from(atob(value), (one) => one.charCodeAt(0));
  if (format === 'text') {
    const text = new TextDecoder('utf-8', { fatal: false }).decode(bytes);
    return { value: text, kind: /^\d{1,15}$/.test(text) ? 'number' : 'text' };
  }
  const view = new DataView(bytes.buffer);
  if (INTEGERS.get(type) !== bytes.length) return { value, kind: 'opaque' };
  const whole = bytes.length === 2 ? view.getInt16(0) : bytes.length === 4 ? view.getInt32(0) : view.getBigInt64(0);
  return { value: String(whole), kind: 'number' };
}

/** What else an action is bound to (scripts, descriptions of tools) has to stay the same, so it is part of the form. */
function ofAction(operation: ActionOperation): Lifted | null {
  const { text, tool, effects, bindings, protocol } = operation;
  if (bindings.some(({ name }) => name === 'arguments' || name === 'command' || name.startsWith('text with')))
    return null;
  const call = protocol === 'mcp' || (effects.ops.length === 1 && effects.ops[0] === tool);
  const lifted = call ? ofArguments(tool, text) : commandValues(text);
  if (lifted === null) return null;
  const bound = bindings.map(({ name, value }) => `\n${name}\n${value}`).join('');
  return { ...lifted, form: lifted.form + bound };
}

function ofArguments(tool: string, text: string): Lifted | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed)) return null;
  const values: LiftedValue[] = [];
  const parts: string[] = [];
  for (const [name, value] of Object.entries(parsed).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const scalar = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
    parts.push(
      `${JSON.stringify(name)}: ${typeof value === 'object' ? JSON.stringify(value) : `${typeof value} ${LIFTED}`}`,
    );
    if (!scalar) continue;
    const whole = typeof value === 'number' && Number.isSafeInteger(value);
    values.push({
      name: name.slice(0, 60),
      value: String(value),
      kind: whole ? 'number' : 'text',
      quoted: typeof value === 'string',
      fixed: typeof value === 'number' && !whole,
    });
  }
  const form = `${tool}(${parts.join(', ')})`;
  return { form, shown: form, values };
}

/** Why a rule must not be chosen for a value of this operation; null when it may. */
export function ruleRefusal({ protocol }: Operation, value: LiftedValue, rule: ValueRule): string | null {
  if (rule.kind === 'same') return null;
  if (value.fixed) return `“${value.value}” says what is run, so it stays as it is`;
  if (rule.kind === 'most') {
    if (value.kind !== 'number') return `${value.name} is no whole number`;
    return Number(value.value) <= rule.most ? null : `${value.name} is more than ${rule.most} in this one`;
  }
  if (value.kind === 'opaque' && rule.kind === 'starts') return `${value.name} cannot be read as text`;
  if (rule.kind === 'starts' && !(value.value ?? '').startsWith(rule.starts))
    return `${value.name} does not start with “${rule.starts}” in this one`;
  return protocol === 'postgres' ? null : placeRefusal(value.value ?? '', rule);
}

/** Where else a command or a call may reach is said by its beginning: the host and a slash, or a folder and a slash. */
function placeRefusal(value: string, rule: Extract<ValueRule, { kind: 'starts' | 'any' }>): string | null {
  const address = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*\//i;
  if (/^[a-z][a-z0-9+.-]*:/i.test(value) && value.includes('//')) {
    return rule.kind === 'starts' && address.test(rule.starts) && !rule.starts.includes('@')
      ? null
      : 'of an address its beginning is said, up to a slash behind the host at least';
  }
  if (value.startsWith('/') || value.startsWith('~')) {
    return rule.kind === 'starts' && /^[/~].*[^/].*\/$/.test(rule.starts)
      ? null
      : 'of a path its folder is said, with a slash at its end';
  }
  return null;
}
