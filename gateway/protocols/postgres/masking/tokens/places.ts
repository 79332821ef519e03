import { as, bodyOf, child, isTree, list, names, type Tree, tagOf, text } from '../../classifier/tree.ts';
import type { CatalogSnapshot } from '../../ports.ts';
import { newScope, type ResolvedColumn, resolve, type Scope, Tables } from './scope.ts';

/** Where a value of one column, and nothing but that, may be put in. */
export interface Place {
  column: ResolvedColumn;
  /** A parameter that is an array of such values. */
  array: boolean;
  /** Byte offset of the type's name in a cast that has to mean PostgreSQL's own type; null: none, or it is qualified. */
  castAt: number | null;
}

export interface Literal {
  value: string;
  /** Byte offset. */
  at: number;
  /** It is an output of a query, as it stands. */
  shown: boolean;
}

export interface Places {
  /** By byte offset of the literal. */
  literals: ReadonlyMap<number, Place>;
  /** By number of the parameter, one for each of its uses that is one. */
  parameters: ReadonlyMap<number, readonly Place[]>;
  /** How often each parameter is used at all. */
  uses: ReadonlyMap<number, number>;
  /** Every string of the statement. */
  strings: readonly Literal[];
}

const MAX_DEPTH = 300;

/** Types in which a token may be cast to what its column is. */
const CASTS: ReadonlySet<string> = new Set(['text', 'varchar', 'uuid']);

const EQUALITY: ReadonlySet<string> = new Set(['=', '<>']);

/** @returns null where the statement is nested too deeply. */
export function findPlaces(statement: Tree, sql: Buffer, catalog: CatalogSnapshot): Places | null {
  const seen = { uses: new Map<number, number>(), strings: [] as Literal[], ctes: new Set<string>() };
  if (!gather(statement, seen, 0)) return null;
  const walk = new PlaceWalk(new Tables(catalog, sql, seen.ctes));
  walk.statement(statement, null);
  return { literals: walk.literals, parameters: walk.parameters, uses: seen.uses, strings: seen.strings };
}

interface Gathered {
  uses: Map<number, number>;
  strings: Literal[];
  ctes: Set<string>;
}

/** Everything that stands anywhere in the tree. */
function gather(node: unknown, into: Gathered, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (Array.isArray(node)) return node.every((one) => gather(one, into, depth + 1));
  if (!isTree(node)) return true;
  const parameter = as(node, 'ParamRef');
  if (parameter !== null) {
    const number = Number(parameter.number ?? 0);
    into.uses.set(number, (into.uses.get(number) ?? 0) + 1);
  }
  const cte = as(node, 'CommonTableExpr');
  if (cte !== null) into.ctes.add(text(cte, 'ctename'));
  const literal = literalOf(node);
  if (literal !== null) into.strings.push({ ...literal, shown: false });
  const target = as(node, 'ResTarget');
  const shown = literalOf(child(target, 'val'));
  const count = into.strings.length;
  for (const key in node) if (!gather(node[key], into, depth + 1)) return false;
  if (shown !== null && text(target, 'name') === '') {
    const own = into.strings.slice(count).find(({ at }) => at === shown.at);
    if (own !== undefined) own.shown = true;
  }
  return true;
}

function literalOf(node: Tree | null): { value: string; at: number } | null {
  const constant = as(node, 'A_Const');
  const string = child(constant, 'sval');
  return string === null ? null : { value: text(string, 'sval'), at: Number(constant?.location ?? 0) };
}

/** The parts of every column's name below a node. */
function columnRefs(node: unknown): Tree[] {
  if (Array.isArray(node)) return node.flatMap(columnRefs);
  if (!isTree(node)) return [];
  return [...list(as(node, 'ColumnRef'), 'fields'), ...Object.values(node).flatMap(columnRefs)];
}

class PlaceWalk {
  readonly literals = new Map<number, Place>();
  readonly parameters = new Map<number, Place[]>();
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  statement(node: Tree, outer: Scope | null): void {
    const body = bodyOf(node);
    switch (tagOf(node)) {
      case 'SelectStmt':
        this.#select(body, outer);
        return;
      case 'InsertStmt':
        this.#insert(body, outer);
        return;
      case 'UpdateStmt':
        this.#change(body, outer, 'fromClause');
        return;
      case 'DeleteStmt':
        this.#change(body, outer, 'usingClause');
    }
  }

  #with(body: Tree, outer: Scope | null): void {
    for (const cte of list(child(body, 'withClause'), 'ctes')) {
      const query = child(as(cte, 'CommonTableExpr'), 'ctequery');
      if (query !== null) this.statement(query, outer);
    }
  }

  #select(body: Tree, outer: Scope | null): void {
    this.#with(body, outer);
    for (const arm of ['larg', 'rarg']) {
      const one = child(body, arm);
      if (one !== null) this.#select(one, outer);
    }
    const scope = newScope(outer);
    for (const from of list(body, 'fromClause')) this.#from(from, scope);
    for (const part of [child(body, 'whereClause'), child(body, 'havingClause')]) this.#expression(part, scope);
    for (const target of list(body, 'targetList')) this.#expression(target, scope);
  }

  #from(node: Tree, scope: Scope): void {
    const body = bodyOf(node);
    const alias = text(child(body, 'alias'), 'aliasname');
    switch (tagOf(node)) {
      case 'RangeVar':
        scope.sources.push(this.#tables.source(body));
        return;
      case 'RangeSubselect': {
        const query = child(body, 'subquery');
        if (query !== null)
          this.statement(query, body.lateral === true ? { ...scope, sources: [...scope.sources] } : scope.parent);
        scope.sources.push({ alias: alias || null, table: null });
        return;
      }
      case 'JoinExpr':
        this.#join(body, scope, alias);
        return;
      default:
        scope.sources.push({ alias: alias || null, table: null });
    }
  }

  #join(body: Tree, scope: Scope, alias: string): void {
    const from = scope.sources.length;
    for (const side of ['larg', 'rarg']) {
      const one = child(body, side);
      if (one !== null) this.#from(one, scope);
    }
    if (list(body, 'usingClause').length > 0 || body.isNatural === true) scope.merged = true;
    // ON sees the two sides, then the queries around: not what else this FROM names.
    this.#expression(child(body, 'quals'), { ...scope, sources: scope.sources.slice(from) });
    const merged = text(child(body, 'join_using_alias'), 'aliasname');
    if (merged !== '') scope.sources.push({ alias: merged, table: null });
    if (alias === '') return;
    scope.sources.length = from;
    scope.sources.push({ alias, table: null });
  }

  #insert(body: Tree, outer: Scope | null): void {
    this.#with(body, outer);
    const table = this.#tables.named(child(body, 'relation'));
    const columns = list(body, 'cols').map((column) => text(as(column, 'ResTarget'), 'name'));
    const order = columns.length > 0 ? columns : [...(table?.columns.keys() ?? [])];
    const source = child(body, 'selectStmt');
    const rows = list(as(source, 'SelectStmt'), 'valuesLists');
    if (source !== null && rows.length === 0) this.statement(source, outer);
    const conflict = child(body, 'onConflictClause');
    // `SET note = excluded.email` would give a value of the row to another column.
    const goesOn = names(columnRefs(conflict)).includes('excluded');
    for (const row of goesOn ? [] : rows) {
      list(as(row, 'List'), 'items').forEach((item, i) => {
        const tag = table?.columns.get(order[i] ?? '');
        if (table && tag) this.#put(item, { tag, table });
      });
    }
    this.#assignments(list(conflict, 'targetList'), table, null);
  }

  #change(body: Tree, outer: Scope | null, others: 'fromClause' | 'usingClause'): void {
    this.#with(body, outer);
    const scope = newScope(outer);
    const relation = child(body, 'relation');
    if (relation === null) return;
    scope.sources.push(this.#tables.source(relation));
    for (const from of list(body, others)) this.#from(from, scope);
    this.#assignments(list(body, 'targetList'), this.#tables.named(relation), scope);
    this.#expression(child(body, 'whereClause'), scope);
  }

  #assignments(nodes: readonly Tree[], table: ResolvedColumn['table'] | null, scope: Scope | null): void {
    for (const node of nodes) {
      const target = as(node, 'ResTarget');
      const value = child(target, 'val');
      const tag = list(target, 'indirection').length > 0 ? null : table?.columns.get(text(target, 'name'));
      if (table && tag && value !== null) this.#put(value, { tag, table });
      this.#expression(value, scope);
    }
  }

  #expression(node: unknown, scope: Scope | null): void {
    if (Array.isArray(node)) {
      for (const one of node) this.#expression(one, scope);
      return;
    }
    if (!isTree(node)) return;
    const query = as(node, 'SelectStmt');
    if (query !== null) {
      this.#select(query, scope);
      return;
    }
    const operation = as(node, 'A_Expr');
    if (operation !== null) this.#comparison(operation, scope);
    for (const key in node) this.#expression(node[key], scope);
  }

  #comparison(body: Tree, scope: Scope | null): void {
    const operator = names(list(body, 'name'));
    if (!EQUALITY.has(operator.at(-1) ?? '') || (operator.length > 1 && operator[0] !== 'pg_catalog')) return;
    const left = child(body, 'lexpr');
    const right = child(body, 'rexpr');
    const column = resolve(left, scope);
    switch (body.kind) {
      case 'AEXPR_OP':
      case 'AEXPR_DISTINCT':
      case 'AEXPR_NOT_DISTINCT': {
        if (column !== null) this.#put(right, column);
        const other = resolve(right, scope);
        if (other !== null) this.#put(left, other);
        return;
      }
      case 'AEXPR_IN':
        if (column !== null) for (const item of list(as(right, 'List'), 'items')) this.#put(item, column);
        return;
      case 'AEXPR_OP_ANY':
      case 'AEXPR_OP_ALL':
        if (column !== null) this.#putArray(right, column);
    }
  }

  #putArray(node: Tree | null, column: ResolvedColumn): void {
    const elements = list(as(node, 'A_ArrayExpr'), 'elements');
    for (const element of elements) this.#put(element, column);
    if (elements.length === 0) this.#put(node, column, true);
  }

  /** Puts a value in where the node is a literal or a parameter, or a cast of one to a type that holds it as it is. */
  #put(node: Tree | null, column: ResolvedColumn, array = false): void {
    const cast = as(node, 'TypeCast');
    const type = child(cast, 'typeName');
    const inner = cast === null ? node : child(cast, 'arg');
    const parameter = as(inner, 'ParamRef');
    const literal = array ? null : literalOf(inner);
    if (parameter === null && literal === null) return;
    let castAt: number | null = null;
    if (type !== null) {
      const at = Number(type.location ?? 0);
      const written = names(list(type, 'names'));
      const known = CASTS.has(written.at(-1) ?? '') && (written.length === 1 || written[0] === 'pg_catalog');
      const arrays = list(type, 'arrayBounds').length;
      // `text '…'` has its type before the literal, where no parameter can stand.
      const after = at > Number((parameter ?? as(inner, 'A_Const'))?.location ?? 0);
      if (!known || !after || list(type, 'typmods').length > 0 || arrays !== (array ? 1 : 0)) return;
      castAt = written.length === 1 ? at : null;
    }
    const place: Place = { column, array, castAt };
    if (literal !== null) this.literals.set(literal.at, place);
    else {
      const number = Number(parameter!.number ?? 0);
      this.parameters.set(number, [...(this.parameters.get(number) ?? []), place]);
    }
  }
}
