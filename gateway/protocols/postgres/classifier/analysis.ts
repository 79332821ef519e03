import type { ColumnTag } from '../../../contract/connection.ts';
import { type Effects, OPERATION_CLASSES, type OperationClass, type TableRef } from '../../../contract/operation.ts';
import type { SessionName } from '../ports.ts';

/** The tags that a value depends on. */
export type Taint = ReadonlySet<ColumnTag>;
export const CLEAN: Taint = new Set();

export function union(...taints: readonly Taint[]): Taint {
  let out: Taint = CLEAN;
  let own: Set<ColumnTag> | null = null;
  for (const taint of taints) {
    if (taint.size === 0 || taint === out) continue;
    if (out.size === 0) out = taint;
    else {
      own ??= new Set(out);
      for (const tag of taint) own.add(tag);
      out = own;
    }
  }
  return out;
}

/** A column of a query's result, or of something in FROM. */
export interface Column {
  name: string;
  taint: Taint;
  /**
   * Whether there is a value, how many elements it has and which structure says nothing of tagged
   * values beyond what their own columns would. Not so for `nullif(ssn, '…')`.
   */
  steady: boolean;
}

/** What a query yields; columns null: how many and in which order is not known, each may depend on `whole`. */
export interface QueryShape {
  columns: readonly Column[] | null;
  whole: Taint;
  /** Of outputs whose names are not known: ORDER BY and GROUP BY may mean them by any name. */
  unnamed?: Taint;
}

export const NO_ROWS: QueryShape = { columns: [], whole: CLEAN };

export function worse(a: OperationClass, b: OperationClass): OperationClass {
  return OPERATION_CLASSES.indexOf(a) >= OPERATION_CLASSES.indexOf(b) ? a : b;
}

/** Nesting beyond what the walk follows. */
export class TooDeep extends Error {}

const MAX_DEPTH = 600;
const MAX_WALKS = 200;
const MAX_WORDS = 24;
const MAX_REFS = 500;

/** What is found out about one message, gathered while its tree is walked. */
export class Analysis {
  class: OperationClass = 'session';
  readonly ops: string[] = [];
  readonly flags = new Set<string>();
  readonly functions = new Set<string>();
  readonly filters = new Set<ColumnTag>();
  readonly all = new Set<ColumnTag>();
  /** `schema.table.column` of filters in statements that were classified earlier. */
  readonly adoptedFilters = new Set<string>();
  readonly names: SessionName[] = [];
  /** A constant's value was looked at (or a text sits where the shape would lift it): the shape says too little. */
  literalsMatter = false;
  /** While a SELECT from one row of pg_settings is walked: the setting that its column `name` names. */
  settingOfRow: string | null = null;
  /** The outcome depends on what the session prepared or declared: not to be cached. */
  sessionMatters = false;
  readonly #headlines: string[] = [];
  readonly #details: string[] = [];
  readonly #reads = new Map<string, { ref: TableRef; columns: Set<string> }>();
  readonly #writes = new Map<string, { ref: TableRef; columns: Set<string> }>();
  #depth = 0;
  #walks = 0;

  worsen(to: OperationClass): void {
    this.class = worse(this.class, to);
  }

  flag(...flags: readonly string[]): void {
    for (const one of flags) this.flags.add(one);
  }

  unknown(words: string): void {
    this.worsen('unknown');
    this.flag('unknown');
    this.headline(words);
  }

  /** First in the person's list. */
  headline(words: string): void {
    push(this.#headlines, words);
  }

  detail(words: string): void {
    push(this.#details, words);
  }

  get words(): string[] {
    return [...new Set([...this.#headlines, ...this.#details])].slice(0, MAX_WORDS);
  }

  taintedBy(taint: Taint): void {
    for (const tag of taint) this.all.add(tag);
  }

  filterOn(taint: Taint): void {
    if (taint.size === 0) return;
    this.flag('filters-on-tagged');
    for (const tag of taint) {
      this.filters.add(tag);
      this.all.add(tag);
    }
  }

  /** @returns the set that takes the names of the columns read. */
  reads(schema: string | null, name: string): Set<string> {
    this.#bound(this.#reads);
    return touch(this.#reads, schema, name);
  }

  writes(schema: string | null, name: string, columns: readonly string[]): void {
    this.#bound(this.#writes);
    const set = touch(this.#writes, schema, name);
    for (const column of columns) set.add(column);
  }

  /** Policy must see every table, so what does not fit is unknown. */
  #bound(map: ReadonlyMap<string, unknown>): void {
    if (map.size >= MAX_REFS) this.unknown(`Touches more than ${MAX_REFS} tables`);
  }

  get readRefs(): TableRef[] {
    return refs(this.#reads);
  }

  get writeRefs(): TableRef[] {
    return refs(this.#writes);
  }

  /** EXPLAIN: the plan of a statement that is not run. */
  adoptPlan(plan: Analysis): void {
    this.worsen('read');
    for (const { ref, columns } of [...plan.#reads.values(), ...plan.#writes.values()]) {
      const own = this.reads(ref.schema, ref.name);
      for (const column of columns) own.add(column);
    }
    this.filterOn(plan.filters);
    if (plan.adoptedFilters.size > 0) this.flag('filters-on-tagged');
    for (const name of plan.adoptedFilters) this.adoptedFilters.add(name);
    this.taintedBy(plan.all);
    for (const name of plan.functions) this.functions.add(name);
    if (plan.sessionMatters) this.sessionMatters = true;
    // A function that the planner may run is immutable, so it changes nothing; a node that is not known may be anything.
    if (plan.flags.has('unknown') && !plan.flags.has('volatile-function') && !plan.flags.has('unknown-function'))
      this.unknown(plan.words[0] ?? 'Contains something that Countersign does not know');
  }

  /** Effects that were found earlier, of a statement that is run now by its name. */
  adopt(effects: Effects): void {
    this.worsen(effects.class);
    this.flag(...effects.flags.filter((flag) => flag !== 'multi-statement'));
    for (const ref of effects.reads) {
      const own = this.reads(ref.schema, ref.name);
      for (const column of ref.columns) own.add(column);
    }
    for (const ref of effects.writes) this.writes(ref.schema, ref.name, ref.columns);
    for (const name of effects.functions) this.functions.add(name);
    for (const name of effects.filtersOn) this.adoptedFilters.add(name);
    for (const words of effects.words) this.headline(words);
  }

  /** Part of the tree is walked once more; nested, that multiplies, so it throws TooDeep beyond a limit. */
  walkAgain(): void {
    this.#walks += 1;
    if (this.#walks > MAX_WALKS) throw new TooDeep();
  }

  /** Runs one level deeper; throws TooDeep beyond the limit. */
  deeper<T>(run: () => T): T {
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw new TooDeep();
    try {
      return run();
    } finally {
      this.#depth -= 1;
    }
  }
}

function push(to: string[], words: string): void {
  if (to.length < MAX_WORDS && !to.includes(words)) to.push(words);
}

function touch(
  map: Map<string, { ref: TableRef; columns: Set<string> }>,
  schema: string | null,
  name: string,
): Set<string> {
  const key = `${schema ?? ''}\u0000${name}`;
  const known = map.get(key);
  if (known !== undefined) return known.columns;
  const columns = new Set<string>();
  if (map.size < MAX_REFS) map.set(key, { ref: { schema, name, columns: [] }, columns });
  return columns;
}

function refs(map: ReadonlyMap<string, { ref: TableRef; columns: Set<string> }>): TableRef[] {
  return [...map.values()].map(({ ref, columns }) => ({
    ...ref,
    columns: columns.size > MAX_REFS ? ['*'] : [...columns],
  }));
}
