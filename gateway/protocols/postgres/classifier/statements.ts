import { type Analysis, NO_ROWS, type QueryShape } from './analysis.ts';
import { constantText } from './calls.ts';
import { copyColumns, dataChange } from './changes.ts';
import type { QueryWalker } from './query.ts';
import { newScope } from './scope.ts';
import { isPinned, settingEffect } from './settings.ts';
import { as, bodyOf, child, list, names, type Tree, tagOf, text } from './tree.ts';
import { simpleStatement } from './utilities.ts';

/** Rows that a statement sends, or that none come. */
export interface StatementResult {
  shape: QueryShape;
  rows: boolean;
}

/** What PREPARE and DECLARE of this message, or of the session, left under a name. */
export interface Names {
  prepared(name: string): Remembered | null;
  cursor(name: string): Remembered | null;
  remember(kind: 'prepared' | 'cursor', name: string, shape: QueryShape): void;
}

/** Merges the effects of what runs now and was classified before. */
export interface Remembered {
  shape: QueryShape;
  apply(analysis: Analysis): void;
}

const SILENT: StatementResult = { shape: NO_ROWS, rows: false };
const DATA_CHANGES: Readonly<Record<string, string>> = {
  InsertStmt: 'INSERT',
  UpdateStmt: 'UPDATE',
  DeleteStmt: 'DELETE',
  MergeStmt: 'MERGE',
};

/** One statement of a message. Everything but plain queries carries texts that its shape would lift out. */
export function statement(node: Tree, walker: QueryWalker, remembered: Names): StatementResult {
  const { analysis } = walker;
  const tag = tagOf(node);
  const body = bodyOf(node);
  if (tag === 'SelectStmt') {
    analysis.ops.push(child(body, 'intoClause') === null ? 'SELECT' : 'SELECT INTO');
    const shape = walker.select(body, null);
    return { shape, rows: child(body, 'intoClause') === null };
  }
  const change = DATA_CHANGES[tag];
  if (change !== undefined) {
    analysis.ops.push(change);
    const shape = dataChange(walker, tag, body, null, false);
    return { shape, rows: child(body, 'returningClause') !== null };
  }
  if (tag !== 'TransactionStmt') analysis.literalsMatter = true;
  switch (tag) {
    case 'ExplainStmt':
      return explain(body, walker, remembered);
    case 'CopyStmt':
      return copy(body, walker);
    case 'PrepareStmt': {
      const name = text(body, 'name');
      const from = child(body, 'query');
      const inner = from === null ? SILENT : statement(from, walker, remembered);
      analysis.ops.push('PREPARE');
      analysis.flag('prepared');
      analysis.names.push({ kind: 'prepare', name });
      remembered.remember('prepared', name, inner.shape);
      return { shape: inner.shape, rows: false };
    }
    case 'ExecuteStmt':
      analysis.ops.push('EXECUTE');
      return execute(body, walker, remembered);
    case 'DeclareCursorStmt': {
      const name = text(body, 'portalname');
      const query = child(body, 'query');
      const inner = query === null ? SILENT : statement(query, walker, remembered);
      analysis.ops.push('DECLARE CURSOR');
      analysis.flag('cursor');
      analysis.names.push({ kind: 'declare-cursor', name });
      remembered.remember('cursor', name, inner.shape);
      return { shape: inner.shape, rows: false };
    }
    case 'FetchStmt': {
      const name = text(body, 'portalname');
      analysis.ops.push(body.ismove === true ? 'MOVE' : 'FETCH');
      analysis.worsen('read');
      analysis.flag('cursor');
      analysis.sessionMatters = true;
      analysis.names.push({ kind: 'fetch', name });
      // A cursor from elsewhere (a function's, a portal) was classified when it was opened, its columns were not.
      const shape = remembered.cursor(name)?.shape ?? { columns: null, whole: walker.knowledge.all };
      analysis.taintedBy(shape.whole);
      return { shape, rows: body.ismove !== true };
    }
    case 'CreateTableAsStmt': {
      const op = body.objtype === 'OBJECT_MATVIEW' ? 'CREATE MATERIALIZED VIEW' : 'CREATE TABLE AS';
      analysis.ops.push(op);
      const query = child(body, 'query');
      const shape = query === null ? NO_ROWS : inner(query, walker, remembered);
      walker.intoTable(child(child(body, 'into'), 'rel'), shape, op);
      return SILENT;
    }
    case 'ViewStmt': {
      analysis.ops.push('CREATE VIEW');
      const query = child(body, 'query');
      const shape = query === null ? NO_ROWS : inner(query, walker, remembered);
      const view = child(body, 'view');
      const name = text(view, 'relname');
      analysis.worsen('write');
      analysis.flag('ddl');
      analysis.writes(text(view, 'schemaname') || null, name, ['*']);
      analysis.headline(`${body.replace === true ? 'Creates or replaces' : 'Creates'} the view ${name}`);
      walker.noteCopy(shape.whole, `the view ${name}`);
      return SILENT;
    }
    case 'VariableSetStmt':
      set(body, analysis);
      return SILENT;
    case 'AlterRoleSetStmt':
    case 'AlterDatabaseSetStmt':
      keptSetting(tag, body, analysis);
      return SILENT;
    default:
      simpleStatement(tag, body, walker);
      return { shape: NO_ROWS, rows: tag === 'CallStmt' || tag === 'VariableShowStmt' };
  }
}

/** A query inside CREATE … AS or EXPLAIN: a SELECT, a change, or EXECUTE. */
function inner(query: Tree, walker: QueryWalker, remembered: Names): QueryShape {
  const run = as(query, 'ExecuteStmt');
  return run === null ? walker.query(query, null, true) : execute(run, walker, remembered).shape;
}

function execute(body: Tree, walker: QueryWalker, remembered: Names): StatementResult {
  const { analysis } = walker;
  const name = text(body, 'name');
  analysis.sessionMatters = true;
  analysis.flag('prepared');
  analysis.names.push({ kind: 'execute', name });
  for (const param of list(body, 'params')) walker.expression(param, newScope(null));
  const known = remembered.prepared(name);
  if (known === null) {
    analysis.unknown(`Runs the prepared statement ${name}, which Countersign has not seen`);
    return { shape: { columns: null, whole: walker.knowledge.all }, rows: true };
  }
  known.apply(analysis);
  analysis.taintedBy(known.shape.whole);
  return { shape: known.shape, rows: true };
}

function explain(body: Tree, walker: QueryWalker, remembered: Names): StatementResult {
  const { analysis } = walker;
  const query = child(body, 'query');
  const analyze = list(body, 'options').some((node) => {
    const option = as(node, 'DefElem');
    return text(option, 'defname') === 'analyze' && !isOff(child(option, 'arg'));
  });
  if (query === null) return SILENT;
  if (analyze) {
    analysis.ops.push('EXPLAIN ANALYZE');
    analysis.flag('explain-analyze');
    const before = analysis.class;
    const isChange = DATA_CHANGES[tagOf(query)] !== undefined;
    if (tagOf(query) === 'ExecuteStmt') execute(bodyOf(query), walker, remembered);
    else if (isChange) dataChange(walker, tagOf(query), bodyOf(query), null, true);
    else statement(query, walker, remembered);
    if (before === analysis.class) analysis.worsen('read');
    analysis.detail('EXPLAIN ANALYZE runs the statement');
    return { shape: NO_ROWS, rows: true };
  }
  // Planned, not run: what it would read is of interest, what it would do is not done.
  analysis.ops.push('EXPLAIN');
  const planned = walker.planned();
  if (tagOf(query) === 'ExecuteStmt') {
    const name = text(bodyOf(query), 'name');
    analysis.sessionMatters = true;
    analysis.worsen('read');
    analysis.names.push({ kind: 'execute', name });
    // The parameters are computed to plan with them; the estimates tell of what the statement filters on.
    for (const param of list(bodyOf(query), 'params')) walker.expression(param, newScope(null));
    const known = remembered.prepared(name);
    if (known !== null) {
      known.apply(planned.analysis);
      planned.analysis.taintedBy(known.shape.whole);
      analysis.adoptPlan(planned.analysis);
    }
  } else {
    statement(query, planned, remembered);
    analysis.adoptPlan(planned.analysis);
  }
  return { shape: NO_ROWS, rows: true };
}

/** As defGetBoolean reads an option's argument. */
function isOff(arg: Tree | null): boolean {
  if (arg === null) return false;
  const string = child(arg, 'String');
  if (string !== null) return /^(off|false)$/i.test(text(string, 'sval'));
  const integer = child(arg, 'Integer');
  if (integer !== null) return (integer.ival ?? 0) === 0;
  const boolean = child(arg, 'Boolean');
  return boolean !== null && boolean.boolval !== true;
}

function copy(body: Tree, walker: QueryWalker): StatementResult {
  const { analysis } = walker;
  const from = body.is_from === true;
  analysis.ops.push(from ? 'COPY FROM' : 'COPY TO');
  const relation = child(body, 'relation');
  const query = child(body, 'query');
  const name = text(relation, 'relname');
  const schema = text(relation, 'schemaname') || null;
  const columns = names(list(body, 'attlist'));
  let shape = NO_ROWS;
  if (query !== null) shape = walker.query(query, null, true);
  else if (from) {
    analysis.worsen('write');
    analysis.writes(schema, name, columns.length === 0 ? ['*'] : columns);
    if (name.startsWith('pg_') || schema === 'pg_catalog') {
      analysis.worsen('privilege');
      analysis.flag('privilege', 'catalog-write');
    }
    const scope = newScope(null);
    scope.sources.push({ alias: name, relation: walker.table(relation), read: null, hidden: false });
    walker.filter(child(body, 'whereClause'), scope);
    analysis.headline(`Loads rows into ${name}`);
  } else if (relation !== null) {
    analysis.worsen('read');
    const read = analysis.reads(schema, name);
    for (const column of columns.length === 0 ? ['*'] : columns) read.add(column);
    shape = copyColumns(walker, relation, columns);
  }
  analysis.taintedBy(shape.whole);
  const file = text(body, 'filename');
  if (body.is_program === true) {
    analysis.worsen('execute');
    analysis.flag('code-execution', 'copy-program');
    analysis.headline(`Runs a program on the database server: ${file}`);
  } else if (file !== '') {
    analysis.worsen('execute');
    analysis.flag('server-file');
    analysis.headline(`${from ? 'Reads' : 'Writes'} the file ${file} on the database server`);
  }
  if (file !== '') walker.noteCopy(shape.whole, file);
  return { shape, rows: !from && file === '' };
}

function set(body: Tree, analysis: Analysis): void {
  const kind = text(body, 'kind');
  const name = text(body, 'name').toLowerCase();
  const local = body.is_local === true;
  analysis.ops.push(kind.startsWith('VAR_RESET') ? 'RESET' : 'SET');
  if (kind === 'VAR_RESET_ALL') {
    analysis.names.push({ kind: 'set', setting: 'all', value: null, local: false });
    return;
  }
  if (kind === 'VAR_SET_MULTI') {
    // SET TRANSACTION, SET SESSION CHARACTERISTICS; a snapshot's name is the only text in it.
    analysis.flag('transaction-control');
    return;
  }
  if (kind === 'VAR_SET_CURRENT') return;
  const reset = kind === 'VAR_SET_DEFAULT' || kind === 'VAR_RESET';
  const parts = list(body, 'args').map((arg) => constantText(arg));
  const value = reset ? undefined : parts.includes(null) ? null : parts.join(', ');
  const effect = settingEffect(name, value);
  analysis.worsen(effect.class);
  analysis.flag(...effect.flags);
  if (effect.words !== null) analysis.headline(effect.words);
  analysis.names.push({ kind: 'set', setting: name, value: value ?? null, local });
}

/** Settings kept for a role or a database: every later session has them. */
function keptSetting(tag: string, body: Tree, analysis: Analysis): void {
  const role = tag === 'AlterRoleSetStmt';
  analysis.ops.push(role ? 'ALTER ROLE' : 'ALTER DATABASE');
  const setting = child(body, 'setstmt');
  const name = text(setting, 'name').toLowerCase();
  analysis.worsen('privilege');
  analysis.flag('privilege');
  const of = role ? text(child(body, 'role'), 'rolename') || 'all roles' : `the database ${text(body, 'dbname')}`;
  const resets = text(setting, 'kind').startsWith('VAR_RESET') || text(setting, 'kind') === 'VAR_SET_DEFAULT';
  if (isPinned(name) && !resets) analysis.flag('sets-pinned-setting');
  analysis.headline(`Changes the setting ${name === '' ? 'of everything' : name} kept for ${of}`);
}
