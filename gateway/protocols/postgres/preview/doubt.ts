import type { Effects } from '../../../contract/operation.ts';
import type { CatalogSnapshot } from '../ports.ts';
import type { Change } from './change.ts';
import type { Facts } from './facts.ts';
import { harmfulBody, harmfulFunction, harmfulIn } from './harmless.ts';

/** What a statement may be flagged with and still be run for a preview; functions are looked at one by one. */
const FLAGS = new Set([
  'destructive',
  'no-where',
  'filters-on-tagged',
  'output-tagged',
  'volatile-function',
  'unknown-function',
  'row-lock',
]);

/** Why a statement is not run for a preview, as far as its text tells; null: nothing speaks against it. */
export function doubtOfText(effects: Effects, change: Change, catalog: CatalogSnapshot): string | null {
  const flag = effects.flags.find((candidate) => !FLAGS.has(candidate));
  if (flag !== undefined) return `It was not run to look: it is more than a change of rows (${flag}).`;
  for (const name of effects.functions) {
    const harm = harmfulFunction(name.split('.').at(-1)!, catalog);
    if (harm !== null) return calls(harm);
  }
  if (change.op !== 'MERGE' && !change.hiddenInsert) return null;
  return change.hiddenInsert && change.op !== 'MERGE' ? DEFAULTS : null;
}

/** The same by what the catalog says of its tables. */
export function doubtOfFacts(facts: Facts, change: Change, catalog: CatalogSnapshot): string | null {
  const foreign = facts.relations.find(({ kind }) => kind === 'f');
  if (foreign) return `It was not run to look: ${foreign.name} is a foreign table, on another server.`;
  const [rule] = facts.rules;
  if (rule)
    return `It was not run to look: ${rule.relation} has the rule ${rule.name}, which makes something else of it.`;
  const [late] = facts.deferred;
  if (late)
    return `It was not run to look: the constraint ${late.name} of ${late.relation} is checked at the commit only.`;
  for (const trigger of facts.triggers) {
    if (trigger.deferred || harmfulBody(trigger, catalog)) {
      return `It was not run to look: the trigger ${trigger.name} of ${trigger.relation} may do what a rollback does not undo.`;
    }
  }
  for (const { relation, text } of facts.expressions) {
    const harm = harmfulIn(text, catalog);
    if (harm !== null)
      return `It was not run to look: ${relation} calls ${harm}(), which may do what a rollback does not undo.`;
  }
  for (const body of facts.hidden) if (harmfulBody(body, catalog)) return calls(body.name);
  if (change.hiddenInsert && facts.columns.some(({ sequence }) => sequence)) return DEFAULTS;
  return null;
}

/** The same by its plan: what rules, views and defaults made of it. */
export function doubtOfPlan(plan: unknown, catalog: CatalogSnapshot): string | null {
  if (typeof plan === 'string') {
    const harm = harmfulIn(plan, catalog);
    return harm === null ? null : harm === 'nextval' ? DEFAULTS : calls(harm);
  }
  if (typeof plan !== 'object' || plan === null) return null;
  for (const [key, value] of Object.entries(plan)) {
    if (key === 'Function Name' && typeof value === 'string') {
      const harm = harmfulFunction(value, catalog);
      if (harm !== null) return calls(harm);
    }
    if (key === 'Node Type' && (value === 'Foreign Scan' || value === 'Custom Scan')) {
      return 'It was not run to look: it reads what lies outside of this database.';
    }
    const doubt = doubtOfPlan(value, catalog);
    if (doubt !== null) return doubt;
  }
  return null;
}

const DEFAULTS = 'It was not run to look: that would take values of a sequence, and these are not given back.';

function calls(name: string): string {
  return `It was not run to look: it calls ${name}(), which may do what a rollback does not undo.`;
}
