import { NO_ROWS, type QueryShape, type Taint, union } from './analysis.ts';
import { withColumns } from './knowledge.ts';
import type { DataChange, QueryWalker } from './query.ts';
import { conditionText, restricts } from './restricting.ts';
import { newScope, type Scope } from './scope.ts';
import { as, child, list, type Tree, text } from './tree.ts';

/** INSERT, UPDATE, DELETE, MERGE: what they write, read and return. Anything else in that place is unknown. */
export const dataChange: DataChange = (walker, tag, body, outer, hidden) => {
  const { analysis } = walker;
  const run = CHANGES[tag];
  if (run === undefined) {
    analysis.unknown(`Contains ${tag === '' ? 'a statement' : tag}, which Countersign does not know`);
    return { columns: null, whole: walker.knowledge.all };
  }
  analysis.worsen('write');
  if (hidden) {
    analysis.flag('hidden-write');
    analysis.detail('The change is inside of another statement');
  }
  return analysis.deeper(() => {
    const scope = newScope(outer);
    walker.withClause(child(body, 'withClause'), scope);
    const shape = run(walker, body, scope);
    analysis.taintedBy(shape.whole);
    return shape;
  });
};

const CHANGES: Readonly<Record<string, (walker: QueryWalker, body: Tree, scope: Scope) => QueryShape>> = {
  InsertStmt: insert,
  UpdateStmt: update,
  DeleteStmt: remove,
  MergeStmt: merge,
};

/** An UPDATE of this view is set_config(). */
const SETTINGS_VIEW = 'pg_settings';

function target(walker: QueryWalker, body: Tree, scope: Scope, columns: readonly string[]): string {
  const relation = child(body, 'relation');
  const name = text(relation, 'relname');
  const schema = text(relation, 'schemaname');
  const { analysis } = walker;
  analysis.writes(schema === '' ? null : schema, name, columns);
  if (name === SETTINGS_VIEW) {
    analysis.worsen('privilege');
    analysis.flag('privilege', 'sets-pinned-setting');
    analysis.headline('Changes settings through pg_settings');
  } else if (schema === 'pg_catalog' || schema === 'information_schema' || name.startsWith('pg_')) {
    analysis.worsen('privilege');
    analysis.flag('privilege', 'catalog-write');
    analysis.headline(`Changes the system catalog ${name}`);
  }
  const alias = text(child(relation, 'alias'), 'aliasname');
  const table = walker.table(relation);
  // What a row held before is in the error of a constraint that its change violates.
  analysis.taintedBy(table.whole);
  scope.sources.push({
    alias: alias === '' ? name : alias,
    relation: table,
    read: new Set(),
    hidden: false,
  });
  return name;
}

/** RETURNING, with `old` and `new` under the names that its WITH gives them. */
function returning(walker: QueryWalker, body: Tree, scope: Scope): QueryShape {
  const clause = child(body, 'returningClause');
  if (clause === null) return NO_ROWS;
  const base = scope.sources[0]!;
  const aliases = list(clause, 'options').map((option) => text(as(option, 'ReturningOption'), 'value'));
  for (const alias of ['old', 'new', ...aliases]) scope.sources.push({ ...base, alias, hidden: true });
  walker.analysis.worsen('read');
  return walker.targets(list(clause, 'exprs'), scope);
}

function assignments(walker: QueryWalker, nodes: readonly Tree[], scope: Scope): { names: string[]; taint: Taint } {
  const columns: string[] = [];
  const taints: Taint[] = [];
  for (const node of nodes) {
    const assigned = as(node, 'ResTarget');
    columns.push(text(assigned, 'name'));
    for (const step of list(assigned, 'indirection')) walker.filter(step, scope);
    const value = child(assigned, 'val');
    if (value !== null) taints.push(walker.expression(value, scope));
  }
  return { names: [...new Set(columns)], taint: union(...taints) };
}

function insert(walker: QueryWalker, body: Tree, scope: Scope): QueryShape {
  const { analysis } = walker;
  const columns = list(body, 'cols').map((column) => text(as(column, 'ResTarget'), 'name'));
  const source = child(body, 'selectStmt');
  const select = source === null ? NO_ROWS : walker.query(source, scope, true);
  const name = target(walker, body, scope, columns.length === 0 ? ['*'] : columns);
  const literalRows = list(as(source, 'SelectStmt'), 'valuesLists').length;
  analysis.headline(
    source === null || literalRows > 0
      ? `Adds ${literalRows > 1 ? `${literalRows} rows` : 'a row'} to ${name}`
      : `Adds the rows of a query to ${name}`,
  );
  walker.noteCopy(select.whole, name);
  const conflict = child(body, 'onConflictClause');
  if (conflict !== null && conflict.action === 'ONCONFLICT_UPDATE') {
    scope.sources.push({ ...scope.sources[0]!, alias: 'excluded', hidden: true });
    const changed = assignments(walker, list(conflict, 'targetList'), scope);
    target(walker, body, newScope(null), changed.names);
    walker.filter(child(conflict, 'whereClause'), scope);
    analysis.detail(`Changes ${changed.names.join(', ')} of rows that are there already`);
    walker.noteCopy(changed.taint, name);
  }
  const infer = child(conflict, 'infer');
  if (infer !== null) walker.children(infer, scope);
  return returning(walker, body, scope);
}

function update(walker: QueryWalker, body: Tree, scope: Scope): QueryShape {
  const { analysis } = walker;
  const named = list(body, 'targetList').map((node) => text(as(node, 'ResTarget'), 'name'));
  const name = target(walker, body, scope, [...new Set(named)]);
  for (const from of list(body, 'fromClause')) walker.from(from, scope);
  const changed = assignments(walker, list(body, 'targetList'), scope);
  const where = child(body, 'whereClause');
  walker.filter(where, scope);
  const shown = changed.names.slice(0, 6).join(', ') + (changed.names.length > 6 ? ', …' : '');
  if (restricts(where, name, analysis)) analysis.headline(`Changes ${shown} of ${name} where ${conditionText(where)}`);
  else everyRow(walker, `Changes ${shown} of every row of ${name}`, where !== null);
  walker.noteCopy(changed.taint, name);
  return returning(walker, body, scope);
}

function remove(walker: QueryWalker, body: Tree, scope: Scope): QueryShape {
  const name = target(walker, body, scope, ['*']);
  for (const using of list(body, 'usingClause')) walker.from(using, scope);
  const where = child(body, 'whereClause');
  walker.filter(where, scope);
  if (restricts(where, name, walker.analysis))
    walker.analysis.headline(`Deletes rows of ${name} where ${conditionText(where)}`);
  else everyRow(walker, `Deletes every row of ${name}`, where !== null);
  return returning(walker, body, scope);
}

function everyRow(walker: QueryWalker, words: string, hasWhere: boolean): void {
  walker.analysis.worsen('destructive');
  walker.analysis.flag('destructive', 'no-where');
  walker.analysis.headline(`${words} (${hasWhere ? 'its WHERE keeps none out' : 'no WHERE'})`);
}

function merge(walker: QueryWalker, body: Tree, scope: Scope): QueryShape {
  const { analysis } = walker;
  const clauses = list(body, 'mergeWhenClauses').map((node) => as(node, 'MergeWhenClause'));
  const columns = clauses.flatMap((clause) =>
    list(clause, 'targetList').map((node) => text(as(node, 'ResTarget'), 'name')),
  );
  const deletes = clauses.some((clause) => clause?.commandType === 'CMD_DELETE');
  const name = target(walker, body, scope, deletes || columns.length === 0 ? ['*'] : [...new Set(columns)]);
  const source = child(body, 'sourceRelation');
  if (source !== null) walker.from(source, scope);
  const on = child(body, 'joinCondition');
  walker.filter(on, scope);
  const taints: Taint[] = [];
  for (const clause of clauses) {
    if (clause === null) {
      analysis.unknown('Has a WHEN that Countersign does not know');
      continue;
    }
    walker.filter(child(clause, 'condition'), scope);
    taints.push(assignments(walker, list(clause, 'targetList'), scope).taint);
    for (const value of list(clause, 'values')) taints.push(walker.expression(value, scope));
  }
  walker.noteCopy(union(...taints), name);
  const updates = clauses.some((clause) => clause?.commandType === 'CMD_UPDATE');
  if (deletes) {
    analysis.worsen('destructive');
    analysis.flag('destructive');
    analysis.headline(`Merges into ${name} and deletes rows that match`);
  } else if (updates && !restricts(on, name, analysis)) everyRow(walker, `Merges into every row of ${name}`, true);
  else analysis.headline(`Merges rows into ${name} where ${conditionText(on)}`);
  const shape = returning(walker, body, scope);
  // MERGE's RETURNING * has the source's columns first.
  return { columns: shape.whole.size === 0 ? shape.columns : null, whole: shape.whole };
}

/** The columns of COPY table (a, b) TO, in that order. */
export function copyColumns(walker: QueryWalker, relation: Tree, columns: readonly string[]): QueryShape {
  const known = walker.table(relation);
  if (columns.length === 0) return { columns: known.columns, whole: known.whole };
  const chosen = columns.map((name) => {
    const taint = known.byName.get(name) ?? known.rest;
    return { name, taint, steady: taint.size === 0 || (known.byName.has(name) && !known.unsteady.has(name)) };
  });
  return { columns: chosen, whole: withColumns(chosen).whole };
}
