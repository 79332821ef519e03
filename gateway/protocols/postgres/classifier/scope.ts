import { CLEAN, type Column, type QueryShape, type Taint, union } from './analysis.ts';
import { opaque, type Relation, withColumns } from './knowledge.ts';

/** Something in FROM, under the name it can be addressed by. */
export interface Source {
  alias: string;
  relation: Relation;
  /** Takes the names of columns read, for `reads`; null for what is no table. */
  read: Set<string> | null;
  /** `old` and `new` of RETURNING: addressed by name only, never part of `*`. */
  hidden: boolean;
}

/** Names that a query sees: its own FROM, its WITH, then the queries around it. */
export interface Scope {
  readonly sources: Source[];
  readonly ctes: Map<string, QueryShape>;
  readonly parent: Scope | null;
  /** JOIN … USING and NATURAL merge columns, so the order of `*` is not that of the sources. */
  merges: boolean;
}

export function newScope(parent: Scope | null): Scope {
  return { sources: [], ctes: new Map(), parent, merges: false };
}

const SYSTEM_COLUMNS: ReadonlySet<string> = new Set(['ctid', 'tableoid', 'xmin', 'xmax', 'cmin', 'cmax']);

export function findCte(scope: Scope | null, name: string): QueryShape | null {
  for (let at = scope; at !== null; at = at.parent) {
    const found = at.ctes.get(name);
    if (found !== undefined) return found;
  }
  return null;
}

export function relationOf(shape: QueryShape): Relation {
  return shape.columns === null ? opaque(shape.whole) : withColumns(shape.columns);
}

/** `FROM x AS alias (a, b, …)`: the first columns get new names. */
export function renamed(relation: Relation, names: readonly string[]): Relation {
  if (names.length === 0) return relation;
  if (relation.columns !== null)
    return withColumns(relation.columns.map((column, i) => ({ ...column, name: names[i] ?? column.name })));
  if (relation.whole.size === 0) return relation;
  return opaque(relation.whole);
}

/** What a column of that source depends on; undefined: the source has no such column. */
function columnOf(source: Source, name: string): Taint | undefined {
  const { columns, byName, rest } = source.relation;
  const known = byName.get(name);
  if (known !== undefined) return known;
  return columns === null || byName.has('') ? rest : undefined;
}

/** An unqualified name: a column of the nearest query that has it, or a whole row. */
export function resolveName(scope: Scope, name: string): Taint {
  let found: Taint = CLEAN;
  let everything: Taint = CLEAN;
  let maybe = false;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    let certain = false;
    for (const source of at.sources) {
      everything = union(everything, source.relation.whole);
      const taint = columnOf(source, name);
      if (taint !== undefined) {
        source.read?.add(name);
        found = union(found, taint);
        if (source.relation.byName.has(name)) certain = true;
        else maybe = true;
      }
    }
    if (certain) return found;
    for (const source of at.sources) {
      if (source.alias !== name) continue;
      source.read?.add('*');
      return union(found, source.relation.whole);
    }
  }
  if (maybe || SYSTEM_COLUMNS.has(name)) return found;
  return union(found, everything);
}

/** `alias.column`, `table.column` of a longer name. */
export function resolveQualified(scope: Scope, alias: string, name: string): Taint {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    let found: Taint | null = null;
    for (const source of at.sources) {
      if (source.alias !== alias) continue;
      source.read?.add(name);
      // `alias.f` may also be a function of the whole row.
      const taint = source.relation.byName.get(name) ?? (SYSTEM_COLUMNS.has(name) ? CLEAN : source.relation.whole);
      found = union(found ?? CLEAN, taint);
    }
    if (found !== null) return found;
  }
  // A field of a composite column, or an error on the server.
  return resolveName(scope, alias);
}

/** `*` or `alias.*`; columns null where the order or number is not known. */
export function expandStar(scope: Scope, alias: string | null): QueryShape {
  const sources = alias === null ? scope.sources.filter((source) => !source.hidden) : sourcesNamed(scope, alias);
  const whole = union(...sources.map((source) => source.relation.whole));
  const columns: Column[] = [];
  let known = !(alias === null && scope.merges) && sources.length > 0;
  for (const source of sources) {
    source.read?.add('*');
    if (source.relation.columns === null) known = false;
    else columns.push(...source.relation.columns);
  }
  return { columns: known && (alias === null || sources.length === 1) ? columns : null, whole };
}

/** May a column of that name, in what this query itself reads, depend on tags? */
export function mayHaveTagged(scope: Scope, name: string): boolean {
  return scope.sources.some(({ relation }) => (relation.byName.get(name) ?? relation.rest).size > 0);
}

/** Column.steady of what a plain column reference yields; false where that is not known for certain. */
export function isSteadyColumn(scope: Scope, parts: readonly string[]): boolean {
  const name = parts[parts.length - 1]!;
  const alias = parts.length > 1 ? parts[parts.length - 2]! : null;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const sources = alias === null ? at.sources : at.sources.filter((source) => source.alias === alias);
    const holding = sources.filter(({ relation }) => relation.byName.has(name) || relation.rest.size > 0);
    if (holding.length > 0)
      return holding.every(({ relation }) => relation.byName.has(name) && !relation.unsteady.has(name));
    const rows = alias === null ? at.sources.filter((source) => source.alias === name) : [];
    if (rows.length > 0) return rows.every(({ relation }) => relation.unsteady.size === 0 && relation.rest.size === 0);
    if (alias !== null && sources.length > 0) return false;
  }
  return false;
}

function sourcesNamed(scope: Scope, alias: string): Source[] {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    const found = at.sources.filter((source) => source.alias === alias);
    if (found.length > 0) return found;
  }
  return [];
}
