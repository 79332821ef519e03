import type { ParseOutcome } from '../classifier/parser.ts';
import { as, bodyOf, child, isTree, list, names, sameTree, type Tree, tagOf, text } from '../classifier/tree.ts';

/** A statement that changes rows of one table and does nothing else, as far as its text tells. */
export interface Change {
  op: 'INSERT' | 'UPDATE' | 'DELETE' | 'MERGE';
  target: { schema: string | null; name: string };
  /** Rows of a VALUES list; null where there is none. */
  values: readonly (readonly Value[])[] | null;
  /** Columns that an INSERT names; empty: the table's own order. */
  columns: readonly string[];
  /** It may insert rows by a part that EXPLAIN does not show. */
  hiddenInsert: boolean;
  /** Rows that are there already may be changed by an INSERT. */
  onConflict: boolean;
  /** The statement, without its own RETURNING and what follows it, with another. null: that cannot be told apart. */
  returning(items: string): string | null;
}

/** A value as the statement's text has it; `computed`: an expression. */
export type Value =
  | { kind: 'constant'; value: string | null }
  | { kind: 'parameter'; number: number }
  | { kind: 'default' }
  | { kind: 'computed' };

const OPS = { InsertStmt: 'INSERT', UpdateStmt: 'UPDATE', DeleteStmt: 'DELETE', MergeStmt: 'MERGE' } as const;

/** @returns null where it is another statement, or several. */
export function readChange(sql: string, parse: (sql: string) => ParseOutcome): Change | null {
  const parsed = parse(sql);
  if (!parsed.ok || parsed.statements.length !== 1) return null;
  const statement = parsed.statements[0]!;
  const tag = tagOf(statement);
  if (!(tag in OPS)) return null;
  const op = OPS[tag as keyof typeof OPS];
  const body = bodyOf(statement);
  if (list(child(body, 'withClause'), 'ctes').some(changesData)) return null;
  const relation = child(body, 'relation');
  const schema = text(relation, 'schemaname');
  const conflict = child(body, 'onConflictClause');
  const onConflict = text(conflict, 'action') === 'ONCONFLICT_UPDATE';
  const inserting = list(body, 'mergeWhenClauses').filter(
    (clause) => text(as(clause, 'MergeWhenClause'), 'commandType') === 'CMD_INSERT',
  );
  return {
    op,
    target: { schema: schema === '' ? null : schema, name: text(relation, 'relname') },
    values: op === 'INSERT' ? valuesOf(child(child(body, 'selectStmt'), 'SelectStmt')) : null,
    columns: list(body, 'cols').map((node) => text(as(node, 'ResTarget'), 'name')),
    hiddenInsert: inserting.length > 0 || ((onConflict || op === 'MERGE') && hasDefault(conflict ?? body)),
    onConflict,
    returning: (items) => observed(sql, body, items, parse),
  };
}

function changesData(cte: Tree): boolean {
  const query = child(as(cte, 'CommonTableExpr'), 'ctequery');
  return tagOf(query) !== 'SelectStmt';
}

function hasDefault(tree: unknown): boolean {
  if (Array.isArray(tree)) return tree.some(hasDefault);
  if (!isTree(tree)) return false;
  return 'SetToDefault' in tree || Object.values(tree).some(hasDefault);
}

const MAX_VALUES = 1000;

function valuesOf(select: Tree | null): readonly (readonly Value[])[] | null {
  const lists = list(select, 'valuesLists');
  if (lists.length === 0 || lists.length > MAX_VALUES) return null;
  return lists.map((row) => list(as(row, 'List'), 'items').map(readValue));
}

function readValue(node: Tree): Value {
  const constant = as(node, 'A_Const');
  if (constant) {
    if (constant.isnull === true) return { kind: 'constant', value: null };
    return { kind: 'constant', value: constantText(constant) };
  }
  const cast = as(node, 'TypeCast');
  if (cast) return readValue(child(cast, 'arg') ?? {});
  const parameter = as(node, 'ParamRef');
  if (parameter) return { kind: 'parameter', number: Number(parameter.number ?? 0) };
  return as(node, 'SetToDefault') ? { kind: 'default' } : { kind: 'computed' };
}

/** Fields that hold zero, false or nothing are left out of the tree. */
function constantText(constant: Tree): string {
  const boolean = child(constant, 'boolval');
  if (boolean) return boolean.boolval === true ? 't' : 'f';
  const integer = child(constant, 'ival');
  if (integer) return String(integer.ival ?? 0);
  const float = child(constant, 'fval');
  if (float) return text(float, 'fval');
  return text(child(constant, 'sval') ?? child(constant, 'bsval'), constant.bsval ? 'bsval' : 'sval');
}

const MAX_CUTS = 32;

/**
 * Cut where the parser itself says that the same statement ends: a word of the text may as well be in a string,
 * a comment or a name.
 */
function observed(sql: string, body: Tree, items: string, parse: (sql: string) => ParseOutcome): string | null {
  const cuts = [sql.length, ...[...sql.matchAll(/;|\breturning\b/gi)].map(({ index }) => index).reverse()];
  for (const cut of cuts.slice(0, MAX_CUTS)) {
    const candidate = `${sql.slice(0, cut)}\nRETURNING ${items}`;
    const parsed = parse(candidate);
    const [only] = parsed.ok && parsed.statements.length === 1 ? parsed.statements : [];
    if (!only) continue;
    const { returningClause: _, ...rest } = bodyOf(only);
    const { returningClause: own, ...wanted } = body;
    if (sameTree(rest, wanted) && !(own && cut === sql.length)) return candidate;
  }
  return null;
}

/** What a DDL statement is about; null: it is not one whose objects can be named. */
export interface Definition {
  op: 'DROP' | 'TRUNCATE' | 'ALTER' | 'CREATE INDEX' | 'OTHER';
  /** As pg_describe_object would find them: tables, views, sequences, indexes by name. */
  relations: readonly { schema: string | null; name: string }[];
  cascade: boolean;
  /** The lock that it takes on them, as PostgreSQL names it. */
  lock: string;
}

const SHARE_UPDATE = 'SHARE UPDATE EXCLUSIVE';
const SHARE_ROW = 'SHARE ROW EXCLUSIVE';
const ACCESS = 'ACCESS EXCLUSIVE';

/** Subcommands of ALTER TABLE that take less than ACCESS EXCLUSIVE. Source: tablecmds.c, AlterTableGetLockLevel. */
const ALTER_LOCKS: Readonly<Record<string, string>> = {
  AT_SetStatistics: SHARE_UPDATE,
  AT_SetOptions: SHARE_UPDATE,
  AT_ResetOptions: SHARE_UPDATE,
  AT_ValidateConstraint: SHARE_UPDATE,
  AT_ClusterOn: SHARE_UPDATE,
  AT_DropCluster: SHARE_UPDATE,
  AT_AttachPartition: SHARE_UPDATE,
  AT_EnableTrig: SHARE_ROW,
  AT_DisableTrig: SHARE_ROW,
  AT_EnableTrigAll: SHARE_ROW,
  AT_DisableTrigAll: SHARE_ROW,
  AT_EnableTrigUser: SHARE_ROW,
  AT_DisableTrigUser: SHARE_ROW,
};
const LOCKS = [SHARE_UPDATE, SHARE_ROW, ACCESS];

const RELATION_KINDS = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_INDEX',
  'OBJECT_SEQUENCE',
  'OBJECT_FOREIGN_TABLE',
]);

/** @returns null where it is no such statement, or several. */
export function readDefinition(sql: string, parse: (sql: string) => ParseOutcome): Definition | null {
  const parsed = parse(sql);
  if (!parsed.ok || parsed.statements.length !== 1) return null;
  const statement = parsed.statements[0]!;
  const body = bodyOf(statement);
  const cascade = text(body, 'behavior') === 'DROP_CASCADE';
  switch (tagOf(statement)) {
    case 'DropStmt': {
      if (!RELATION_KINDS.has(text(body, 'removeType'))) return null;
      const relations = list(body, 'objects').map((object) => qualified(names(list(as(object, 'List'), 'items'))));
      const lock = body.concurrent === true ? SHARE_UPDATE : ACCESS;
      return { op: 'DROP', relations, cascade, lock };
    }
    case 'TruncateStmt':
      return { op: 'TRUNCATE', relations: list(body, 'relations').map(rangeVar), cascade, lock: ACCESS };
    case 'AlterTableStmt':
      return { op: 'ALTER', relations: [rangeVarOf(child(body, 'relation'))], cascade, lock: alterLock(body) };
    case 'RenameStmt':
    case 'AlterObjectSchemaStmt': {
      const relation = child(body, 'relation');
      return relation && { op: 'ALTER', relations: [rangeVarOf(relation)], cascade, lock: ACCESS };
    }
    case 'IndexStmt': {
      const lock = body.concurrent === true ? SHARE_UPDATE : 'SHARE';
      return { op: 'CREATE INDEX', relations: [rangeVarOf(child(body, 'relation'))], cascade, lock };
    }
    case 'CreateTrigStmt':
      return { op: 'OTHER', relations: [rangeVarOf(child(body, 'relation'))], cascade, lock: SHARE_ROW };
    case 'CreatePolicyStmt':
    case 'RuleStmt':
      return {
        op: 'OTHER',
        relations: [rangeVarOf(child(body, 'table') ?? child(body, 'relation'))],
        cascade,
        lock: ACCESS,
      };
    default:
      return null;
  }
}

function alterLock(body: Tree): string {
  const locks = list(body, 'cmds').map((node) => {
    const command = as(node, 'AlterTableCmd');
    const subtype = text(command, 'subtype');
    const foreign = text(as(child(command, 'def'), 'Constraint'), 'contype') === 'CONSTR_FOREIGN';
    if (subtype === 'AT_AddConstraint' && foreign) return SHARE_ROW;
    return ALTER_LOCKS[subtype] ?? ACCESS;
  });
  return LOCKS[Math.max(...locks.map((lock) => LOCKS.indexOf(lock)), 0)]!;
}

function rangeVar(node: Tree): { schema: string | null; name: string } {
  return rangeVarOf(as(node, 'RangeVar'));
}

function rangeVarOf(relation: Tree | null): { schema: string | null; name: string } {
  const schema = text(relation, 'schemaname');
  return { schema: schema === '' ? null : schema, name: text(relation, 'relname') };
}

function qualified(parts: readonly string[]): { schema: string | null; name: string } {
  return { schema: parts.length > 1 ? parts.at(-2)! : null, name: parts.at(-1) ?? '' };
}
