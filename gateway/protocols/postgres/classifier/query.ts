import { Analysis, CLEAN, type Column, NO_ROWS, type QueryShape, type Taint, union } from './analysis.ts';
import { noteCall, noteSecrets, noteUserFunction, settingOfRow } from './calls.ts';
import { type Knowledge, opaque, type Relation } from './knowledge.ts';
import { EXPRESSION_NODES } from './nodes.ts';
import { returnsSet, steadyForm, totalCall, totalNode } from './probing.ts';
import {
  expandStar,
  findCte,
  isSteadyColumn,
  mayHaveTagged,
  newScope,
  relationOf,
  renamed,
  resolveName,
  resolveQualified,
  type Scope,
} from './scope.ts';
import { as, bodyOf, child, isNodeType, isTree, list, names, type Tree, tagOf, text } from './tree.ts';

/** Rounds until a recursive WITH must have settled; then every column is taken to depend on all of them. */
const MAX_ROUNDS = 6;

/** Statements that change data, where a query may hold them: WITH, COPY, EXPLAIN. */
export type DataChange = (
  walker: QueryWalker,
  tag: string,
  body: Tree,
  scope: Scope | null,
  hidden: boolean,
) => QueryShape;

/**
 * Walks queries and expressions: gathers effects in the analysis and follows what each output column
 * depends on. When unsure it says too much.
 */
export class QueryWalker {
  readonly analysis: Analysis;
  readonly knowledge: Knowledge;
  readonly #change: DataChange;
  /** Expressions that were found to depend on tags, and of the subqueries among them those whose form is steady. */
  readonly #tagged = new WeakSet<Tree>();
  readonly #steady = new WeakSet<Tree>();

  constructor(analysis: Analysis, knowledge: Knowledge, change: DataChange) {
    this.analysis = analysis;
    this.knowledge = knowledge;
    this.#change = change;
  }

  /** A walk whose findings are kept apart: EXPLAIN's statement is not run. */
  planned(): QueryWalker {
    return new QueryWalker(new Analysis(), this.knowledge, this.#change);
  }

  /** Any statement that yields rows, as it stands in WITH, COPY, EXPLAIN, CREATE … AS. */
  query(node: Tree, scope: Scope | null, hidden: boolean): QueryShape {
    const tag = tagOf(node);
    const body = bodyOf(node);
    if (tag === 'SelectStmt') return this.select(body, scope);
    return this.#change(this, tag, body, scope, hidden);
  }

  select(body: Tree, outer: Scope | null): QueryShape {
    return this.analysis.deeper(() => this.#select(body, outer));
  }

  #select(body: Tree, outer: Scope | null): QueryShape {
    this.analysis.worsen('read');
    const scope = newScope(outer);
    this.withClause(child(body, 'withClause'), scope);
    const shape = this.#core(body, scope);
    const { analysis } = this;
    const into = child(body, 'intoClause');
    if (into !== null) this.intoTable(child(into, 'rel'), shape, 'SELECT INTO');
    if (list(body, 'lockingClause').length > 0) {
      analysis.worsen('write');
      analysis.flag('row-lock');
      analysis.detail('Locks the rows that it reads');
    }
    for (const sort of list(body, 'sortClause')) this.#sortKey(child(as(sort, 'SortBy'), 'node'), scope, shape);
    for (const limit of ['limitCount', 'limitOffset']) this.filter(child(body, limit), scope);
    analysis.taintedBy(shape.whole);
    return shape;
  }

  #core(body: Tree, scope: Scope): QueryShape {
    const op = body.op;
    const [left, right] = [child(body, 'larg'), child(body, 'rarg')];
    if (left !== null && right !== null) {
      const both = [this.select(left, scope), this.select(right, scope)];
      const shape = combined(both);
      if (op !== 'SETOP_UNION' || body.all !== true) this.analysis.filterOn(shape.whole);
      return shape;
    }
    const values = list(body, 'valuesLists');
    if (values.length > 0) {
      return combined(
        values.map((row) => {
          const columns = list(as(row, 'List'), 'items').map((item, i) => {
            const taint = this.expression(item, scope);
            return { name: `column${i + 1}`, taint, steady: this.#isSteady(item, taint, scope) };
          });
          return { columns, whole: union(...columns.map((column) => column.taint)) };
        }),
      );
    }
    for (const from of list(body, 'fromClause')) this.from(from, scope);
    this.filter(child(body, 'whereClause'), scope);
    const outer = this.analysis.settingOfRow;
    this.analysis.settingOfRow = settingOfRow(body);
    const shape = this.targets(list(body, 'targetList'), scope);
    this.analysis.settingOfRow = outer;
    for (const group of list(body, 'groupClause')) this.#sortKey(group, scope, shape, true);
    this.filter(child(body, 'havingClause'), scope);
    for (const window of list(body, 'windowClause')) this.window(as(window, 'WindowDef'), scope);
    const distinct = list(body, 'distinctClause');
    if (distinct.length > 0) {
      const on = distinct.filter((one) => tagOf(one) !== '');
      if (on.length === 0) this.analysis.filterOn(shape.whole);
      else for (const one of on) this.#sortKey(one, scope, shape);
    }
    return shape;
  }

  /** ORDER BY and GROUP BY also take an output column's position or name; GROUP BY prefers a column that it reads. */
  #sortKey(node: Tree | null, scope: Scope, shape: QueryShape, groups: boolean = false): void {
    if (node === null) return;
    const grouping = as(node, 'GroupingSet');
    if (grouping !== null) {
      for (const one of list(grouping, 'content')) this.#sortKey(one, scope, shape, groups);
      return;
    }
    const row = as(node, 'RowExpr');
    if (row !== null) for (const one of list(row, 'args')) this.#sortKey(one, scope, shape, groups);
    const constant = as(node, 'A_Const');
    if (constant !== null) {
      if (shape.whole.size === 0) return;
      this.analysis.literalsMatter = true;
      const at = child(constant, 'ival');
      const column = at === null ? undefined : shape.columns?.[Number(at.ival ?? 0) - 1];
      this.analysis.filterOn(column === undefined ? shape.whole : column.taint);
      return;
    }
    const fields = names(list(as(node, 'ColumnRef'), 'fields'));
    if (fields.length === 1) {
      const outputs = (shape.columns ?? []).filter((column) => column.name === fields[0]);
      // Of two outputs of one name the server would complain.
      if (outputs.length === 0) this.analysis.filterOn(shape.unnamed ?? CLEAN);
      if (outputs.length > 0) {
        this.analysis.filterOn(union(...outputs.map((column) => column.taint)));
        if (groups && mayHaveTagged(scope, fields[0]!)) this.filter(node, scope);
        return;
      }
    }
    this.filter(node, scope);
  }

  withClause(clause: Tree | null, scope: Scope): void {
    const ctes = list(clause, 'ctes');
    if (clause?.recursive !== true) {
      for (const node of ctes) this.#cte(node, scope);
      return;
    }
    // Each sees all of them, itself and later ones too, so they are walked until none learns more of another.
    for (const node of ctes)
      scope.ctes.set(text(as(node, 'CommonTableExpr'), 'ctename'), { columns: null, whole: CLEAN });
    for (const node of ctes) {
      const cte = as(node, 'CommonTableExpr');
      const first = child(as(child(cte, 'ctequery'), 'SelectStmt'), 'larg');
      // Seen from inside, a query starts as its first arm; every round can only add to what it depends on.
      if (first !== null) scope.ctes.set(text(cte, 'ctename'), withNames(this.select(first, scope), aliasesOf(cte)));
    }
    for (let round = 0; round < MAX_ROUNDS + ctes.length; round += 1) {
      this.analysis.walkAgain();
      let settled = true;
      for (const node of ctes) {
        const name = text(as(node, 'CommonTableExpr'), 'ctename');
        const previous = scope.ctes.get(name)!;
        this.#cte(node, scope);
        if (!sameShape(previous, scope.ctes.get(name) ?? previous)) settled = false;
      }
      if (settled) return;
    }
    for (const node of ctes) {
      const name = text(as(node, 'CommonTableExpr'), 'ctename');
      scope.ctes.set(name, { columns: null, whole: union(scope.ctes.get(name)?.whole ?? CLEAN, this.analysis.all) });
    }
  }

  #cte(node: Tree, scope: Scope): void {
    const cte = as(node, 'CommonTableExpr');
    const query = child(cte, 'ctequery');
    if (cte === null || query === null) {
      this.analysis.unknown('Has a WITH that Countersign does not know');
      return;
    }
    const shape = withNames(this.query(query, scope, true), aliasesOf(cte));
    const cycle = child(cte, 'cycle_clause');
    // Equal values end a cycle, so the number of rows tells of them.
    if (cycle !== null) this.analysis.filterOn(shape.whole);
    // SEARCH and CYCLE append columns made of the others.
    const appended = cycle !== null || child(cte, 'search_clause') !== null;
    scope.ctes.set(text(cte, 'ctename'), appended ? { columns: null, whole: shape.whole } : shape);
  }

  /** Adds to the scope what one item of FROM brings. */
  from(node: Tree, scope: Scope): void {
    const tag = tagOf(node);
    const body = bodyOf(node);
    const alias = child(body, 'alias');
    const aliasName = text(alias, 'aliasname');
    const columnNames = names(list(alias, 'colnames'));
    const put = (relation: Relation, fallback: string, read: Set<string> | null): void => {
      scope.sources.push({
        alias: aliasName === '' ? fallback : aliasName,
        relation: renamed(relation, columnNames),
        read,
        hidden: false,
      });
    };
    switch (tag) {
      case 'RangeVar': {
        const name = text(body, 'relname');
        const schema = text(body, 'schemaname');
        const cte = schema === '' ? findCte(scope, name) : null;
        if (cte !== null) put(relationOf(cte), name, null);
        else {
          noteSecrets(name, this.analysis);
          put(this.table(body), name, this.analysis.reads(schema === '' ? null : schema, name));
        }
        return;
      }
      case 'RangeSubselect': {
        const query = child(body, 'subquery');
        // Without LATERAL it sees the queries around this one, but nothing else of this FROM.
        const seen = body.lateral === true ? scope : { ...scope, sources: [] };
        put(query === null ? opaque(this.knowledge.all) : relationOf(this.query(query, seen, true)), '', null);
        return;
      }
      case 'RangeTableSample': {
        for (const arg of list(body, 'args')) this.filter(arg, scope);
        this.filter(child(body, 'repeatable'), scope);
        const relation = child(body, 'relation');
        if (relation !== null) this.from(relation, scope);
        return;
      }
      case 'JoinExpr':
        this.#join(body, scope);
        return;
      case 'RangeFunction': {
        const taints: Taint[] = [];
        let fallback = '';
        for (const one of list(body, 'functions')) {
          for (const item of list(as(one, 'List'), 'items')) {
            const type = tagOf(item);
            if (type === '') continue;
            if (fallback === '' && type === 'FuncCall')
              fallback = names(list(as(item, 'FuncCall'), 'funcname')).at(-1) ?? '';
            const taint = this.expression(item, scope);
            taints.push(taint);
            // How many rows a function makes tells of what it makes them from.
            if (type !== 'FuncCall' || list(bodyOf(item), 'args').some((arg) => this.#tagged.has(arg)))
              this.analysis.filterOn(taint);
          }
        }
        put(opaque(union(...taints)), fallback, null);
        return;
      }
      case 'RangeTableFunc':
      case 'JsonTable': {
        const taint = this.children(body, scope);
        this.analysis.filterOn(taint);
        put(opaque(taint), tag === 'JsonTable' ? 'json_table' : 'xmltable', null);
        return;
      }
      default:
        this.analysis.unknown(`Reads from something that Countersign does not know (${tag})`);
        put(opaque(this.knowledge.all), '', null);
    }
  }

  /** What is known of a table by its RangeVar; notes that its rows are read. */
  table(rangeVar: Tree | null): Relation {
    const schema = text(rangeVar, 'schemaname');
    return this.knowledge.relation(schema === '' ? null : schema, text(rangeVar, 'relname'));
  }

  #join(body: Tree, scope: Scope): void {
    const from = scope.sources.length;
    for (const side of ['larg', 'rarg']) {
      const one = child(body, side);
      if (one !== null) this.from(one, scope);
    }
    const joined = scope.sources.slice(from);
    const using = names(list(body, 'usingClause'));
    for (const name of using) {
      scope.merges = true;
      for (const { relation } of joined) this.analysis.filterOn(relation.byName.get(name) ?? relation.rest);
    }
    if (body.isNatural === true) {
      scope.merges = true;
      for (const { relation } of joined) {
        // Which columns are common is known only where all of them are.
        const common = joined.every((other) => other.relation.columns !== null)
          ? [...relation.byName].filter(([name]) => joined.every((other) => other.relation.byName.has(name)))
          : [...relation.byName];
        this.analysis.filterOn(union(...common.map(([, taint]) => taint)));
      }
    }
    // ON sees the two sides, then the queries around: not what else this FROM names.
    this.filter(child(body, 'quals'), { ...scope, sources: joined });
    const alias = text(child(body, 'alias'), 'aliasname');
    const merged = text(child(body, 'join_using_alias'), 'aliasname');
    const whole = union(...joined.map((source) => source.relation.whole));
    if (merged !== '') scope.sources.push({ alias: merged, relation: opaque(whole), read: null, hidden: true });
    if (alias === '') return;
    scope.sources.length = from;
    const known = joined.every((source) => source.relation.columns !== null) && !scope.merges;
    const columns = known ? joined.flatMap((source) => source.relation.columns ?? []) : null;
    for (const source of joined) source.read?.add('*');
    const relation = renamed(relationOf({ columns, whole }), names(list(child(body, 'alias'), 'colnames')));
    scope.sources.push({ alias, relation, read: null, hidden: false });
  }

  /** A SELECT list or RETURNING. */
  targets(nodes: readonly Tree[], scope: Scope): QueryShape {
    const columns: Column[] = [];
    let known = true;
    let whole: Taint = CLEAN;
    let unnamed: Taint = CLEAN;
    for (const node of nodes) {
      const target = as(node, 'ResTarget');
      const value = child(target, 'val');
      if (target === null || value === null) {
        this.analysis.unknown('Has an output that Countersign does not know');
        continue;
      }
      const star = starOf(value);
      if (star !== undefined) {
        const shape =
          star === 'fields'
            ? { columns: null, whole: this.expression(value, scope) }
            : expandStar(scope, star === '' ? null : star);
        whole = union(whole, shape.whole);
        if (star === 'fields') unnamed = union(unnamed, shape.whole);
        if (shape.columns === null) known = false;
        else columns.push(...shape.columns);
        continue;
      }
      const taint = this.expression(value, scope);
      whole = union(whole, taint);
      const steady = this.#isSteady(value, taint, scope);
      const name = text(target, 'name') || outputName(value);
      if (name === '') unnamed = union(unnamed, taint);
      columns.push({ name, taint, steady });
    }
    return { columns: known ? columns : null, whole, unnamed };
  }

  /** What decides which rows come out, or in which order. */
  filter(node: Tree | null, scope: Scope): void {
    if (node !== null) this.analysis.filterOn(this.expression(node, scope));
  }

  window(window: Tree | null, scope: Scope): void {
    if (window === null) return;
    for (const one of [...list(window, 'partitionClause'), ...list(window, 'orderClause')]) this.filter(one, scope);
    for (const bound of ['startOffset', 'endOffset']) this.filter(child(window, bound), scope);
  }

  /** @returns what the value depends on. */
  expression(node: Tree, scope: Scope): Taint {
    const taint = this.analysis.deeper(() => this.#expression(node, scope));
    if (taint.size > 0) {
      this.#tagged.add(node);
      const tag = tagOf(node);
      if (tag !== '' && tag !== 'FuncCall' && !totalNode(tag, bodyOf(node))) this.analysis.filterOn(taint);
    }
    return taint;
  }

  #isSteady(value: Tree, taint: Taint, scope: Scope): boolean {
    if (taint.size === 0) return true;
    return steadyForm(value, (part) => {
      if (!this.#tagged.has(part)) return true;
      if (tagOf(part) === 'ColumnRef') {
        const fields = list(bodyOf(part), 'fields');
        return !fields.some((field) => as(field, 'A_Star') !== null) && isSteadyColumn(scope, names(fields));
      }
      return this.#steady.has(part);
    });
  }

  #expression(node: Tree, scope: Scope): Taint {
    const tag = tagOf(node);
    if (tag === '') return this.children(node, scope);
    const body = bodyOf(node);
    switch (tag) {
      case 'A_Const':
      case 'ParamRef':
        return CLEAN;
      case 'ColumnRef':
        return this.#column(list(body, 'fields'), scope);
      case 'FuncCall':
        return this.call(body, scope);
      case 'SubLink':
        return this.#subLink(node, body, scope);
      case 'SelectStmt':
        return this.select(body, scope).whole;
      case 'A_Expr':
        this.#operator(list(body, 'name'));
        return this.children(body, scope);
      case 'A_Indirection': {
        const called = names(list(body, 'indirection')).map((name) => this.#rowFunction(name));
        return union(this.children(body, scope), ...called);
      }
      case 'A_Indices': {
        const taint = this.children(body, scope);
        this.analysis.filterOn(taint);
        return taint;
      }
      default:
        if (!EXPRESSION_NODES.has(tag)) this.analysis.unknown(`Contains ${tag}, which Countersign does not know`);
        return this.children(body, scope);
    }
  }

  /** An operator of another schema is a function that somebody made. */
  #operator(parts: readonly Tree[]): void {
    const name = names(parts);
    if (name.length < 2 || name[0] === 'pg_catalog') return;
    this.analysis.flag('unknown-function');
    this.analysis.unknown(`Uses the operator ${name.join('.')}, which Countersign does not know`);
  }

  #column(fields: readonly Tree[], scope: Scope): Taint {
    const parts = names(fields);
    const called = parts.length > 1 ? this.#rowFunction(parts[parts.length - 1]!) : CLEAN;
    return union(called, this.#resolved(fields, parts, scope));
  }

  /** `row.f` and `(row).f` call a function f of the row where it has no such column. */
  #rowFunction(name: string): Taint {
    return name !== '' && this.knowledge.userFunction(name)?.takesRow === true
      ? noteUserFunction(name, name, this.analysis, this.knowledge)
      : CLEAN;
  }

  #resolved(fields: readonly Tree[], parts: readonly string[], scope: Scope): Taint {
    if (fields.some((field) => as(field, 'A_Star') !== null)) {
      return expandStar(scope, parts.length > 1 ? parts[parts.length - 2]! : null).whole;
    }
    if (parts.length === 1) return resolveName(scope, parts[0]!);
    return resolveQualified(scope, parts[parts.length - 2]!, parts[parts.length - 1]!);
  }

  call(body: Tree, scope: Scope): Taint {
    const own = noteCall(body, this.analysis, this.knowledge);
    const taints = list(body, 'args').map((arg) => this.expression(arg, scope));
    for (const sort of list(body, 'agg_order')) this.filter(sort, scope);
    this.filter(child(body, 'agg_filter'), scope);
    this.window(child(body, 'over'), scope);
    const parts = names(list(body, 'funcname'));
    const tainted = union(...taints);
    if (tainted.size === 0) return own;
    // The number of different values answers whether two are equal.
    const tells = body.agg_distinct === true || returnsSet(parts) || this.knowledge.userFunction(parts.at(-1) ?? '');
    if (
      tells ||
      !totalCall(
        body,
        taints.map((taint) => taint.size > 0),
      )
    )
      this.analysis.filterOn(tainted);
    const counts = parts.at(-1) === 'count' && (parts.length === 1 || parts[0] === 'pg_catalog');
    if (counts && this.knowledge.userFunction('count') === null) {
      this.analysis.taintedBy(tainted);
      const steady = list(body, 'args').every((arg, i) => this.#isSteady(arg, taints[i]!, scope));
      if (steady) return own;
    }
    return union(own, tainted);
  }

  #subLink(node: Tree, body: Tree, scope: Scope): Taint {
    this.#operator(list(body, 'operName'));
    const test = child(body, 'testexpr');
    const tested = test === null ? CLEAN : this.expression(test, scope);
    const query = child(body, 'subselect');
    const shape = query === null ? NO_ROWS : this.query(query, scope, true);
    const valued = body.subLinkType === 'EXPR_SUBLINK' || body.subLinkType === 'ARRAY_SUBLINK';
    if (valued && shape.columns?.every((column) => column.steady) === true) this.#steady.add(node);
    return body.subLinkType === 'EXISTS_SUBLINK' ? CLEAN : union(tested, shape.whole);
  }

  /** Everything below a node whose own meaning only combines its parts. */
  children(body: Tree, scope: Scope): Taint {
    let out: Taint = CLEAN;
    for (const key in body) {
      const value = body[key];
      if (Array.isArray(value)) {
        for (const one of value) if (isTree(one)) out = union(out, this.expression(one, scope));
      } else if (isTree(value) && !isNodeType(key)) {
        out = union(out, this.expression(value, scope));
      } else if (isTree(value)) out = union(out, this.expression({ [key]: value }, scope));
    }
    return out;
  }

  /** SELECT INTO, CREATE TABLE AS and the like: a table with a copy of the result. */
  intoTable(rangeVar: Tree | null, shape: QueryShape, op: string): void {
    const { analysis } = this;
    const schema = text(rangeVar, 'schemaname');
    const name = text(rangeVar, 'relname');
    analysis.worsen('write');
    analysis.flag('ddl');
    if (op === 'SELECT INTO') analysis.flag('hidden-write');
    analysis.writes(schema === '' ? null : schema, name, ['*']);
    analysis.headline(`Creates the table ${name} from a query`);
    this.noteCopy(shape.whole, name);
  }

  /** Tagged values go to where no tag is. */
  noteCopy(taint: Taint, to: string): void {
    if (taint.size === 0) return;
    this.analysis.taintedBy(taint);
    this.analysis.flag('copies-tagged');
    const from = [...taint].slice(0, 5).map((tag) => `${tag.table}.${tag.column}`);
    this.analysis.headline(`Copies sensitive values (${from.join(', ')}) to ${to}`);
  }
}

/** undefined: no star; '' for `*`; an alias for `alias.*`; 'fields' for `(row).*`. */
function starOf(value: Tree): string | undefined {
  const fields = list(as(value, 'ColumnRef'), 'fields');
  if (fields.length > 0 && as(fields[fields.length - 1]!, 'A_Star') !== null)
    return fields.length === 1 ? '' : (names(fields)[fields.length - 2] ?? '');
  const steps = list(as(value, 'A_Indirection'), 'indirection');
  return steps.some((step) => as(step, 'A_Star') !== null) ? 'fields' : undefined;
}

const NAMELESS = '?column?';

/** The name that PostgreSQL gives an output without AS (FigureColname); '' where it is not told here. */
function outputName(value: Tree): string {
  const body = bodyOf(value);
  switch (tagOf(value)) {
    case 'ColumnRef':
      return names(list(body, 'fields')).at(-1) ?? '';
    case 'FuncCall':
      return names(list(body, 'funcname')).at(-1) ?? '';
    case 'A_Indirection': {
      const field = names(list(body, 'indirection'))
        .filter((name) => name !== '')
        .at(-1);
      const arg = child(body, 'arg');
      return field ?? (arg === null ? '' : outputName(arg));
    }
    case 'TypeCast': {
      const arg = child(body, 'arg');
      const inner = arg === null ? '' : outputName(arg);
      if (inner !== NAMELESS) return inner;
      return names(list(child(body, 'typeName'), 'names')).at(-1) ?? '';
    }
    case 'CollateClause': {
      const arg = child(body, 'arg');
      return arg === null ? '' : outputName(arg);
    }
    case 'CoalesceExpr':
      return 'coalesce';
    case 'MinMaxExpr':
      return body.op === 'IS_LEAST' ? 'least' : 'greatest';
    case 'A_ArrayExpr':
      return 'array';
    case 'RowExpr':
      return 'row';
    case 'A_Expr':
      return body.kind === 'AEXPR_NULLIF' ? 'nullif' : NAMELESS;
    case 'A_Const':
    case 'BoolExpr':
    case 'NullTest':
    case 'BooleanTest':
      return NAMELESS;
    default:
      return '';
  }
}

function aliasesOf(cte: Tree | null): string[] {
  return names(list(cte, 'aliascolnames'));
}

function withNames(shape: QueryShape, aliases: readonly string[]): QueryShape {
  if (aliases.length === 0 || shape.columns === null) return shape;
  return { ...shape, columns: shape.columns.map((column, i) => ({ ...column, name: aliases[i] ?? column.name })) };
}

/** Set operations and VALUES: each column depends on that position of every arm. */
function combined(shapes: readonly QueryShape[]): QueryShape {
  const whole = union(...shapes.map((shape) => shape.whole));
  const first = shapes[0]?.columns ?? null;
  if (first === null || shapes.some((shape) => shape.columns?.length !== first.length)) return { columns: null, whole };
  return {
    columns: first.map((column, i) => ({
      name: column.name,
      taint: union(...shapes.map((shape) => shape.columns![i]!.taint)),
      steady: shapes.every((shape) => shape.columns![i]!.steady),
    })),
    whole,
  };
}

function sameShape(a: QueryShape, b: QueryShape): boolean {
  if (a.whole.size !== b.whole.size || a.columns?.length !== b.columns?.length) return false;
  return (a.columns ?? []).every((column, i) => {
    const other = b.columns![i]!;
    return column.taint.size === other.taint.size && column.steady === other.steady;
  });
}
