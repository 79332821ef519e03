import type { ColumnTag, Connection } from '../../../contract/connection.ts';
import type { CatalogFunction, CatalogRelation, CatalogSnapshot } from '../ports.ts';
import { CLEAN, type Column, type QueryShape, type Taint, union } from './analysis.ts';

/** What is known of a relation's columns. */
export interface Relation {
  /** In order; null where the catalog has not been read for it. */
  columns: readonly Column[] | null;
  byName: ReadonlyMap<string, Taint>;
  /** Names of columns that are tainted and not steady (Column.steady); those of `rest` never are. */
  unsteady: ReadonlySet<string>;
  /** Columns that are not in `byName`. */
  rest: Taint;
  whole: Taint;
}

export interface UserFunction {
  volatility: 'immutable' | 'stable' | 'volatile';
  /** Tags that its result may depend on. */
  taint: Taint;
  /** Its source names a tagged column, so that it may choose or fail by one. */
  probes: boolean;
  /** `row.name` calls it. */
  takesRow: boolean;
}

const STEADY: ReadonlySet<string> = new Set();
const UNTAGGED: Relation = { columns: null, byName: new Map(), unsteady: STEADY, rest: CLEAN, whole: CLEAN };

const SAMPLES = ['most_common_vals', 'histogram_bounds', 'most_common_elems', 'range_bounds_histogram'];
/** Catalog tables and views that hold samples of other tables' values, or anything, and in which columns. */
const HOLDING_VALUES: Readonly<Record<string, readonly string[]>> = {
  pg_stats: SAMPLES,
  pg_stats_ext: ['most_common_vals'],
  pg_stats_ext_exprs: SAMPLES,
  pg_statistic: ['stavalues1', 'stavalues2', 'stavalues3', 'stavalues4', 'stavalues5'],
  pg_statistic_ext_data: ['stxdmcv', 'stxdexpr'],
  pg_largeobject: ['data'],
};
/** Long values of every table, in pieces. */
const TOAST = 'pg_toast';

/** Depth of views upon views that is followed; beyond it every tag is assumed. */
const MAX_VIEW_DEPTH = 16;

/** Tags and catalog of one connection, as the walk asks for them. Immutable but for its memo. */
export class Knowledge {
  readonly all: Taint;
  readonly #tagged = new Map<string, { schema: string; columns: Map<string, ColumnTag> }[]>();
  readonly #relations = new Map<string, CatalogRelation[]>();
  readonly #functions = new Map<string, CatalogFunction[]>();
  readonly #views = new Map<CatalogRelation, Relation>();
  readonly #memo = new Map<string, Relation>();
  readonly #functionMemo = new Map<string, UserFunction>();
  readonly #volatileBuiltins: ReadonlySet<string>;
  readonly #shapeOf: (definition: string, knowledge: Knowledge) => QueryShape | null;
  #tagWords: RegExp | null | undefined;
  #depth = 0;

  /** @param shapeOf parses and walks a view's definition; null where it does not parse. */
  constructor(
    connection: Connection,
    catalog: CatalogSnapshot,
    shapeOf: (definition: string, knowledge: Knowledge) => QueryShape | null,
  ) {
    this.#shapeOf = shapeOf;
    this.#volatileBuiltins = catalog.volatileBuiltins;
    this.all = new Set(connection.columns);
    for (const tag of connection.columns) {
      const tables = this.#tagged.get(tag.table) ?? [];
      let table = tables.find((one) => one.schema === tag.schema);
      if (table === undefined) {
        table = { schema: tag.schema, columns: new Map() };
        tables.push(table);
      }
      table.columns.set(tag.column, tag);
      this.#tagged.set(tag.table, tables);
    }
    for (const relation of catalog.relations) add(this.#relations, relation.name, relation);
    for (const one of catalog.functions) add(this.#functions, one.name, one);
  }

  isVolatileBuiltin(name: string): boolean {
    return this.#volatileBuiltins.has(name);
  }

  /** @param schema null matches the name in any schema, since search_path decides on the server. */
  relation(schema: string | null, name: string): Relation {
    if (this.all.size === 0) return UNTAGGED;
    const key = `${schema ?? ''}\u0000${name}`;
    const known = this.#memo.get(key);
    if (known !== undefined) return known;
    const found = this.#lookUp(schema, name);
    // A client can name any number of tables that do not matter.
    if (found !== UNTAGGED) this.#memo.set(key, found);
    return found;
  }

  #lookUp(schema: string | null, name: string): Relation {
    if (schema === TOAST || /^pg_toast_\d/.test(name)) return opaque(this.all);
    if (Object.hasOwn(HOLDING_VALUES, name)) {
      const byName = new Map(HOLDING_VALUES[name]!.map((column) => [column, this.all]));
      return { columns: null, byName, unsteady: new Set(byName.keys()), rest: CLEAN, whole: this.all };
    }
    const candidates: Relation[] = [];
    const seen = new Set<string>();
    for (const relation of this.#relations.get(name) ?? []) {
      if (schema !== null && relation.schema !== schema) continue;
      seen.add(relation.schema);
      candidates.push(this.#fromCatalog(relation));
    }
    for (const table of this.#tagged.get(name) ?? []) {
      if ((schema !== null && table.schema !== schema) || seen.has(table.schema)) continue;
      const byName = new Map<string, Taint>();
      for (const [column, tag] of table.columns) byName.set(column, new Set([tag]));
      candidates.push({ columns: null, byName, unsteady: STEADY, rest: CLEAN, whole: union(...byName.values()) });
    }
    if (candidates.length === 0) return UNTAGGED;
    return candidates.length === 1 ? candidates[0]! : merged(candidates);
  }

  #fromCatalog(relation: CatalogRelation): Relation {
    const isView = relation.kind === 'view' || relation.kind === 'materialized-view';
    if (!isView) {
      const tags = this.#tagged.get(relation.name)?.find((one) => one.schema === relation.schema)?.columns;
      return withColumns(
        relation.columns.map(({ name }) => {
          const tag = tags?.get(name);
          return { name, taint: tag === undefined ? CLEAN : new Set([tag]), steady: true };
        }),
      );
    }
    const memo = this.#views.get(relation);
    if (memo !== undefined) return memo;
    const view = this.#view(relation);
    this.#views.set(relation, view);
    return view;
  }

  #view(relation: CatalogRelation): Relation {
    const anything = withColumns(relation.columns.map(({ name }) => ({ name, taint: this.all, steady: false })));
    if (this.#depth >= MAX_VIEW_DEPTH || relation.definition === null) return anything;
    this.#depth += 1;
    try {
      const shape = this.#shapeOf(relation.definition, this);
      if (shape === null) return anything;
      const columns = shape.columns;
      const own = new Map<string, Taint>();
      for (const tag of this.#tagged.get(relation.name)?.find((one) => one.schema === relation.schema)?.columns ?? [])
        own.set(tag[0], new Set([tag[1]]));
      return withColumns(
        relation.columns.map(({ name }, index) => {
          const known = columns !== null && columns.length === relation.columns.length ? columns[index]! : null;
          const taint = union(known === null ? shape.whole : known.taint, own.get(name) ?? CLEAN);
          return { name, taint, steady: taint.size === 0 || known?.steady === true };
        }),
      );
    } finally {
      this.#depth -= 1;
    }
  }

  /** A function that somebody made, by name in any schema; null: none of that name. */
  userFunction(name: string): UserFunction | null {
    const all = this.#functions.get(name);
    if (all === undefined) return null;
    const known = this.#functionMemo.get(name);
    if (known !== undefined) return known;
    const order = ['immutable', 'stable', 'volatile'] as const;
    const volatility = order[Math.max(...all.map((one) => order.indexOf(one.volatility)))] ?? 'volatile';
    const taint = this.all.size > 0 && all.some((one) => this.#mayReadTagged(one)) ? this.all : CLEAN;
    const probes = taint.size > 0 && all.some((one) => this.#namesTaggedColumn(one));
    const takesRow = all.some((one) => one.takesRow !== false);
    const found: UserFunction = { volatility, taint, probes, takesRow };
    this.#functionMemo.set(name, found);
    return found;
  }

  #namesTaggedColumn(one: CatalogFunction): boolean {
    return [...this.all].some((tag) => one.source.toLowerCase().includes(tag.column.toLowerCase()));
  }

  /** Its source names something tagged, calls another function that somebody made, or cannot be read. */
  #mayReadTagged(one: CatalogFunction): boolean {
    if (one.language !== 'sql' && one.language !== 'plpgsql') return true;
    if (/\bexecute\b|_to_xml|dblink|pg_stats|pg_statistic|lo_get|loread|largeobject/i.test(one.source)) return true;
    if (this.#tagWords === undefined) {
      const words = new Set<string>();
      for (const tag of this.all) words.add(tag.table).add(tag.column);
      for (const name of this.#relations.keys()) words.add(name);
      for (const name of this.#functions.keys()) words.add(name);
      this.#tagWords =
        words.size === 0 ? null : new RegExp([...words].map((word) => word.replace(/\W/g, '\\$&')).join('|'), 'i');
    }
    return this.#tagWords?.test(one.source) ?? false;
  }
}

function add<T>(map: Map<string, T[]>, name: string, one: T): void {
  const list = map.get(name);
  if (list === undefined) map.set(name, [one]);
  else list.push(one);
}

export function withColumns(columns: readonly Column[]): Relation {
  const byName = new Map<string, Taint>();
  for (const { name, taint } of columns) byName.set(name, union(byName.get(name) ?? CLEAN, taint));
  const unsteady = columns.some(({ steady }) => !steady)
    ? new Set(columns.filter(({ steady }) => !steady).map(({ name }) => name))
    : STEADY;
  // A column whose name is not known may be the one that is meant.
  return {
    columns,
    byName,
    unsteady,
    rest: byName.get('') ?? CLEAN,
    whole: union(...columns.map((column) => column.taint)),
  };
}

/** Any column may hold any of these. */
export function opaque(taint: Taint): Relation {
  return { columns: null, byName: new Map(), unsteady: STEADY, rest: taint, whole: taint };
}

function merged(candidates: readonly Relation[]): Relation {
  const byName = new Map<string, Taint>();
  for (const one of candidates)
    for (const [name, taint] of one.byName) byName.set(name, union(byName.get(name) ?? CLEAN, taint));
  return {
    columns: null,
    byName,
    unsteady: new Set(candidates.flatMap((one) => [...one.unsteady])),
    rest: union(...candidates.map((one) => one.rest)),
    whole: union(...candidates.map((one) => one.whole)),
  };
}
