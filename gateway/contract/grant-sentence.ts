import type { GrantScope } from './decision.ts';
import { LIFTED, type LiftedValue, liftedValues } from './grant-values.ts';
import type { Operation } from './operation.ts';
import type { GrantBudget, ValueRule } from './value-rule.ts';

type Wider = Exclude<GrantScope, { kind: 'once' }>;

const TEXT_IN_SENTENCE = 300;

/** What a grant is for, in words: the same before a person gives it and after. @param until local time. */
export function grantSentence(operation: Operation, scope: Wider, until: string): string {
  const parts = [
    `${whatOf(operation, scope)} ${whereOf(operation)}`,
    ...budgetWords(scope.budget ?? {}),
    SPANS[scope.kind],
    `until ${until}`,
  ];
  return parts.join(', ');
}

const SPANS = { session: 'in this session', conversation: 'in this conversation', minutes: 'in any session' };

const times = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function budgetWords({ rowsEach, rows, uses }: GrantBudget): string[] {
  return [
    ...(rowsEach === undefined ? [] : [`at most ${times(rowsEach, 'row')} each`]),
    ...(rows === undefined ? [] : [`${times(rows, 'row')} in all`]),
    ...(uses === undefined ? [] : [`${times(uses, 'time')} at most`]),
  ];
}

function whatOf(operation: Operation, scope: Wider): string {
  const statement = operation.protocol === 'postgres';
  if (scope.reach === 'pattern')
    return `${statement ? 'Statements' : operation.tool} like “${patternText(operation, scope.values ?? [])}”`;
  if (scope.reach === 'shape')
    return `${statement ? 'Statements' : operation.tool} of the shape “${cut(operation.effects.shape)}”`;
  const count = statement ? operation.parameters.length : operation.bindings.length;
  const rest = count === 0 ? '' : `, with the same ${statement ? 'parameters' : 'files and programs'}`;
  return `Exactly the ${statement ? 'statement' : operation.tool} “${cut(operation.text)}”${rest},`;
}

const whereOf = (operation: Operation): string =>
  operation.protocol === 'postgres'
    ? `on ${operation.connectionId}/${operation.database} as ${operation.role}`
    : `by ${operation.connectionId} in ${operation.place}`;

const cut = (text: string): string => (text.length > TEXT_IN_SENTENCE ? `${text.slice(0, TEXT_IN_SENTENCE)}…` : text);

/** The form with each value as it is or as far as it may go: never cut where it would hide that one may vary. */
function patternText(operation: Operation, rules: readonly ValueRule[]): string {
  const lifted = liftedValues(operation);
  if (lifted === null) return cut(operation.text);
  const pieces = lifted.shown.split(LIFTED);
  const shown = lifted.values.map((value, i) => valueText(value, rules[i] ?? { kind: 'same' }));
  const text = pieces.map((piece, i) => piece + (i < pieces.length - 1 ? (shown[i] ?? '') : '')).join('');
  const parameters = shown.slice(pieces.length - 1).map((one, i) => `, $${i + 1} = ${one}`);
  const whole = (text + parameters.join('')).replace(/(": )(?:string|number|boolean) /g, '$1');
  return whole.length > 1500 ? `${whole.slice(0, 1500)}…` : whole;
}

function valueText({ value, kind, quoted }: LiftedValue, rule: ValueRule): string {
  switch (rule.kind) {
    case 'same':
      return value === null ? 'NULL' : quoted ? `'${cut(value)}'` : cut(value);
    case 'most':
      return `‹0 to ${rule.most}›`;
    case 'starts':
      return `‹${rule.starts}…›`;
    case 'any':
      return kind === 'number' ? '‹any number›' : '‹any›';
  }
}
