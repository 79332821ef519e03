import { BUILTIN_NAMES } from '../classifier/builtin-names.ts';
import { knownEffect } from '../classifier/functions.ts';
import type { CatalogSnapshot } from '../ports.ts';

/**
 * Says of expressions and function bodies whether a rollback undoes all that they do. What is not known to be
 * harmless is not: a preview runs before anybody approved.
 */

/** Volatile, and yet without effect. */
const WITHOUT_EFFECT = new Set(
  `random random_normal clock_timestamp timeofday gen_random_uuid uuidv4 uuidv7 currval lastval txid_current
   pg_current_xact_id`.split(/\s+/),
);

/** Words and types that may stand before a parenthesis. */
const NO_FUNCTIONS = new Set(
  `and or not in any all some exists case when then else end array row coalesce nullif greatest least over filter
   within group by order values as is between like ilike similar to using on from where select with distinct cast
   extract overlay position substring trim normalize treat collate operator escape if elsif while return raise exception
   for loop foreach begin declare into limit offset union intersect except having partition rows range join lateral
   check xmlelement xmlforest xmlconcat xmlparse xmlpi xmlroot xmlserialize xmlexists json_object json_array json_scalar
   json_serialize json_value json_query json_exists grouping both leading trailing
   numeric decimal varchar char character varying bpchar bit timestamp timestamptz time timetz interval float
   localtime localtimestamp current_time current_timestamp old new returns subplan initplan`.split(/\s+/),
);

/** What a trigger's function may not do: it may change other rows, and these may have triggers and sequences too. */
const ACTING =
  /\b(insert|update|delete|merge|perform|execute|notify|listen|unlisten|call|copy|do|lock|truncate|create|drop|alter|grant|revoke|set|reset|commit|rollback|refresh|prepare|import|security|load|declare\s+\w+\s+cursor|open|fetch|move)\b/i;

const DEPTH = 4;

/** @returns the name of what may have effects beyond the transaction; null: nothing has. */
export function harmfulIn(expression: string, catalog: CatalogSnapshot, depth = 0): string | null {
  const bare = withoutTexts(expression);
  for (const [, quoted, plain] of bare.matchAll(
    /(?:"((?:[^"]|"")+)"|([A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*))\s*\(/g,
  )) {
    const name = quoted === undefined ? plain!.toLowerCase() : quoted.replaceAll('""', '"');
    if (quoted === undefined && NO_FUNCTIONS.has(name)) continue;
    const harm = harmfulFunction(name, catalog, depth);
    if (harm !== null) return harm;
  }
  return null;
}

export function harmfulFunction(name: string, catalog: CatalogSnapshot, depth = 0): string | null {
  const own = catalog.functions.filter((candidate) => candidate.name === name);
  for (const candidate of own) if (harmfulBody(candidate, catalog, depth)) return name;
  if (own.length > 0) return null;
  if (!BUILTIN_NAMES.has(name)) return name;
  if (WITHOUT_EFFECT.has(name)) return null;
  const effect = knownEffect(name);
  if (effect !== null && (effect.class !== 'read' || effect.readsAnything)) return name;
  return catalog.volatileBuiltins.has(name) ? name : null;
}

export interface Body {
  language: string;
  source: string;
  volatility: 'immutable' | 'stable' | 'volatile';
}

export function harmfulBody({ language, source, volatility }: Body, catalog: CatalogSnapshot, depth = 0): boolean {
  // An extension's, as a rule; that it is no more than it says is its own word.
  if (language === 'c' || language === 'internal') return volatility === 'volatile';
  if ((language !== 'sql' && language !== 'plpgsql') || depth >= DEPTH) return true;
  return ACTING.test(withoutTexts(source)) || harmfulIn(source, catalog, depth + 1) !== null;
}

/** Without comments and strings; quoted names stay. */
function withoutTexts(source: string): string {
  return source.replace(
    /--[^\n]*|\/\*[\s\S]*?\*\/|[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|(\$[A-Za-z_]*\$)[\s\S]*?\1|"(?:[^"]|"")*"/g,
    (found) => (found.startsWith('"') ? found : ' '),
  );
}
