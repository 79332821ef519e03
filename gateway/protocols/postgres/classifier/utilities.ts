import type { OperationClass } from '../../../contract/operation.ts';
import type { QueryWalker } from './query.ts';
import { newScope } from './scope.ts';
import { as, bodyOf, child, isTree, list, names, type Tree, tagOf, text } from './tree.ts';

/** A statement without rows whose effect is in its kind. */
interface Utility {
  op: string;
  class: OperationClass;
  flags: readonly string[];
  /** `{}` stands for the objects named. */
  words: string | null;
}

const utility = (op: string, effect: OperationClass, flags: readonly string[], words: string | null): Utility => ({
  op,
  class: effect,
  flags,
  words,
});
const create = (what: string): Utility =>
  utility(`CREATE ${what}`, 'write', ['ddl'], `Creates the ${what.toLowerCase()} {}`);
const alter = (what: string): Utility =>
  utility(`ALTER ${what}`, 'write', ['ddl'], `Changes the ${what.toLowerCase()} {}`);
const code = (op: string, words: string): Utility => utility(op, 'execute', ['code-execution', 'ddl'], words);
const privilege = (op: string, words: string): Utility => utility(op, 'privilege', ['privilege'], words);
const maintenance = (op: string, words: string): Utility => utility(op, 'write', ['maintenance'], words);

const UTILITIES: Readonly<Record<string, Utility>> = {
  TransactionStmt: utility('TRANSACTION', 'session', ['transaction-control'], null),
  VariableShowStmt: utility('SHOW', 'session', [], null),
  ConstraintsSetStmt: utility('SET CONSTRAINTS', 'session', ['transaction-control'], null),
  DeallocateStmt: utility('DEALLOCATE', 'session', ['prepared'], null),
  ClosePortalStmt: utility('CLOSE', 'session', ['cursor'], null),
  DiscardStmt: utility('DISCARD', 'session', [], null),
  ListenStmt: utility('LISTEN', 'session', ['listen-notify'], null),
  UnlistenStmt: utility('UNLISTEN', 'session', ['listen-notify'], null),
  NotifyStmt: utility('NOTIFY', 'write', ['listen-notify'], 'Sends a notification on {}'),
  LockStmt: utility('LOCK', 'write', ['table-lock'], 'Locks {}'),
  CheckPointStmt: utility(
    'CHECKPOINT',
    'privilege',
    ['privilege', 'maintenance'],
    'Makes the server write a checkpoint',
  ),
  ClusterStmt: maintenance('CLUSTER', 'Rewrites and locks {}'),
  ReindexStmt: maintenance('REINDEX', 'Rebuilds indexes of {}'),
  RefreshMatViewStmt: maintenance('REFRESH MATERIALIZED VIEW', 'Computes {} again'),
  TruncateStmt: utility('TRUNCATE', 'destructive', ['destructive'], 'Deletes every row of {} (TRUNCATE)'),
  DropdbStmt: utility('DROP DATABASE', 'destructive', ['destructive', 'drop-database', 'ddl'], 'Drops the database {}'),
  DropTableSpaceStmt: utility('DROP TABLESPACE', 'destructive', ['destructive', 'ddl'], 'Drops the tablespace {}'),
  DropOwnedStmt: utility(
    'DROP OWNED',
    'privilege',
    ['destructive', 'privilege', 'ddl'],
    'Drops everything that roles own',
  ),
  DropRoleStmt: utility('DROP ROLE', 'privilege', ['destructive', 'privilege'], 'Drops the role {}'),
  DropUserMappingStmt: privilege('DROP USER MAPPING', 'Drops a user mapping'),
  DropSubscriptionStmt: utility(
    'DROP SUBSCRIPTION',
    'destructive',
    ['destructive', 'ddl'],
    'Drops the subscription {}',
  ),
  CreateStmt: create('TABLE'),
  CreateSchemaStmt: create('SCHEMA'),
  CreateSeqStmt: create('SEQUENCE'),
  IndexStmt: create('INDEX'),
  CreateEnumStmt: create('TYPE'),
  CompositeTypeStmt: create('TYPE'),
  CreateDomainStmt: create('DOMAIN'),
  CreateStatsStmt: create('STATISTICS'),
  CreatedbStmt: create('DATABASE'),
  CreateTableSpaceStmt: utility(
    'CREATE TABLESPACE',
    'execute',
    ['server-file', 'ddl'],
    'Creates a tablespace in a folder of the server',
  ),
  AlterSeqStmt: alter('SEQUENCE'),
  AlterEnumStmt: alter('TYPE'),
  AlterStatsStmt: alter('STATISTICS'),
  AlterObjectSchemaStmt: alter('OBJECT'),
  AlterObjectDependsStmt: alter('OBJECT'),
  AlterCollationStmt: alter('COLLATION'),
  AlterTSConfigurationStmt: alter('TEXT SEARCH CONFIGURATION'),
  AlterTSDictionaryStmt: alter('TEXT SEARCH DICTIONARY'),
  AlterDatabaseRefreshCollStmt: alter('DATABASE'),
  AlterTableSpaceOptionsStmt: alter('TABLESPACE'),
  RenameStmt: utility('RENAME', 'write', ['ddl'], 'Renames {}'),
  CommentStmt: utility('COMMENT', 'write', ['ddl'], 'Changes a comment'),
  GrantStmt: privilege('GRANT', 'Changes who may use {}'),
  GrantRoleStmt: privilege('GRANT', 'Changes who is a member of a role'),
  AlterDefaultPrivilegesStmt: privilege('ALTER DEFAULT PRIVILEGES', 'Changes privileges of what will be created'),
  CreateRoleStmt: privilege('CREATE ROLE', 'Creates the role {}'),
  AlterRoleStmt: privilege('ALTER ROLE', 'Changes the role {}'),
  AlterOwnerStmt: privilege('ALTER OWNER', 'Changes who owns {}'),
  ReassignOwnedStmt: privilege('REASSIGN OWNED', 'Gives what roles own to another role'),
  CreatePolicyStmt: privilege('CREATE POLICY', 'Changes which rows of {} can be seen'),
  AlterPolicyStmt: privilege('ALTER POLICY', 'Changes which rows of {} can be seen'),
  SecLabelStmt: privilege('SECURITY LABEL', 'Changes a security label'),
  AlterDatabaseStmt: privilege('ALTER DATABASE', 'Changes the database {}'),
  CallStmt: utility('CALL', 'execute', ['code-execution'], 'Calls the procedure {}'),
  DoStmt: utility('DO', 'execute', ['code-execution'], 'Runs a block of code on the server (DO)'),
  LoadStmt: utility('LOAD', 'execute', ['code-execution', 'load-library'], 'Loads the library {} into the server'),
  AlterSystemStmt: utility(
    'ALTER SYSTEM',
    'execute',
    ['code-execution', 'alter-system'],
    'Changes the configuration of the server',
  ),
  CreateFunctionStmt: code('CREATE FUNCTION', 'Creates the function {}'),
  AlterFunctionStmt: code('ALTER FUNCTION', 'Changes the function {}'),
  CreateTrigStmt: code('CREATE TRIGGER', 'Makes changes of {} run code'),
  CreateEventTrigStmt: code('CREATE EVENT TRIGGER', 'Makes commands run code'),
  AlterEventTrigStmt: code('ALTER EVENT TRIGGER', 'Changes what commands run'),
  RuleStmt: code('CREATE RULE', 'Rewrites what statements on {} do'),
  CreateExtensionStmt: code('CREATE EXTENSION', 'Installs the extension {}'),
  AlterExtensionStmt: code('ALTER EXTENSION', 'Changes the extension {}'),
  AlterExtensionContentsStmt: code('ALTER EXTENSION', 'Changes the extension {}'),
  CreatePLangStmt: code('CREATE LANGUAGE', 'Installs a language'),
  CreateAmStmt: code('CREATE ACCESS METHOD', 'Installs an access method'),
  CreateFdwStmt: code('CREATE FOREIGN DATA WRAPPER', 'Lets the server reach other systems'),
  AlterFdwStmt: code('ALTER FOREIGN DATA WRAPPER', 'Changes how the server reaches other systems'),
  CreateForeignServerStmt: code('CREATE SERVER', 'Lets the server reach other systems'),
  AlterForeignServerStmt: code('ALTER SERVER', 'Changes how the server reaches other systems'),
  CreateForeignTableStmt: code('CREATE FOREIGN TABLE', 'Creates a table that is kept elsewhere'),
  ImportForeignSchemaStmt: code('IMPORT FOREIGN SCHEMA', 'Creates tables that are kept elsewhere'),
  CreateUserMappingStmt: privilege('CREATE USER MAPPING', 'Keeps a credential for another system'),
  AlterUserMappingStmt: privilege('ALTER USER MAPPING', 'Changes a credential for another system'),
  CreatePublicationStmt: privilege('CREATE PUBLICATION', 'Publishes changes of tables'),
  AlterPublicationStmt: privilege('ALTER PUBLICATION', 'Changes which tables are published'),
  CreateSubscriptionStmt: code('CREATE SUBSCRIPTION', 'Makes the server fetch changes from another'),
  AlterSubscriptionStmt: code('ALTER SUBSCRIPTION', 'Changes what the server fetches from another'),
  CreateOpClassStmt: code('CREATE OPERATOR CLASS', 'Makes indexes run functions'),
  CreateOpFamilyStmt: code('CREATE OPERATOR FAMILY', 'Makes indexes run functions'),
  AlterOpFamilyStmt: code('ALTER OPERATOR FAMILY', 'Makes indexes run functions'),
  AlterOperatorStmt: code('ALTER OPERATOR', 'Changes an operator'),
  AlterTypeStmt: code('ALTER TYPE', 'Changes a type'),
  AlterDomainStmt: alter('DOMAIN'),
  CreateCastStmt: code('CREATE CAST', 'Makes casts run a function'),
  CreateConversionStmt: code('CREATE CONVERSION', 'Makes encodings run a function'),
  CreateTransformStmt: code('CREATE TRANSFORM', 'Makes functions run functions'),
  CreateRangeStmt: code('CREATE TYPE', 'Creates a type'),
  DefineStmt: code('CREATE', 'Creates {}'),
};

const TRANSACTIONS: Readonly<Record<string, string>> = {
  TRANS_STMT_BEGIN: 'BEGIN',
  TRANS_STMT_START: 'BEGIN',
  TRANS_STMT_COMMIT: 'COMMIT',
  TRANS_STMT_ROLLBACK: 'ROLLBACK',
  TRANS_STMT_SAVEPOINT: 'SAVEPOINT',
  TRANS_STMT_RELEASE: 'RELEASE',
  TRANS_STMT_ROLLBACK_TO: 'ROLLBACK TO',
  TRANS_STMT_PREPARE: 'PREPARE TRANSACTION',
  TRANS_STMT_COMMIT_PREPARED: 'COMMIT PREPARED',
  TRANS_STMT_ROLLBACK_PREPARED: 'ROLLBACK PREPARED',
};

/** Actions of ALTER TABLE by how far they go; others only change the table's definition. */
const ALTER_DROPS = /^AT_(Drop(Column|Constraint|OfParam|Identity|Expression|Inherit)|DetachPartition)/;
const ALTER_PRIVILEGES =
  /^AT_(ChangeOwner|(Enable|Disable|Force|NoForce)(RowSecurity|Trig|AlwaysTrig|ReplicaTrig|Rule|AlwaysRule|ReplicaRule)|.*RowSecurity|.*Trig.*|.*Rule.*)/;

/** LOCKMODE AccessShareLock. */
const ACCESS_SHARE = 1;

/** Statements that are not queries. A kind that is not in the table is unknown. */
export function simpleStatement(tag: string, body: Tree, walker: QueryWalker): void {
  const { analysis } = walker;
  switch (tag) {
    case 'TransactionStmt': {
      const kind = TRANSACTIONS[text(body, 'kind')];
      if (kind === undefined || text(body, 'gid') !== '') analysis.literalsMatter = true;
      analysis.ops.push(kind ?? 'TRANSACTION');
      analysis.flag('transaction-control');
      if (kind?.endsWith('PREPARED') || kind === 'PREPARE TRANSACTION') {
        // It may be another session's, and what it changed was not asked for in this one.
        analysis.worsen('write');
        analysis.headline('Prepares or ends a transaction that outlives its session');
      }
      return;
    }
    case 'DropStmt':
      drop(body, walker);
      return;
    case 'AlterTableStmt':
      alterTable(body, walker);
      return;
    case 'LockStmt':
      if (body.mode !== ACCESS_SHARE) break;
      // What any SELECT takes; pg_dump does it for every table.
      analysis.ops.push('LOCK');
      analysis.worsen('read');
      analysis.flag('table-lock');
      for (const table of tablesOf(body)) analysis.reads(text(table, 'schemaname') || null, text(table, 'relname'));
      return;
    case 'VacuumStmt': {
      const what = body.is_vacuumcmd === true ? 'VACUUM' : 'ANALYZE';
      analysis.ops.push(what);
      analysis.worsen('write');
      analysis.flag('maintenance');
      const tables = list(body, 'rels').map((node) => child(as(node, 'VacuumRelation'), 'relation'));
      for (const table of tables) if (table !== null) touch(walker, table);
      const shown = tables.map((table) => text(table, 'relname')).join(', ');
      analysis.headline(`${what === 'VACUUM' ? 'Cleans up' : 'Takes statistics of'} ${shown || 'the whole database'}`);
      return;
    }
    case 'DeallocateStmt':
      analysis.names.push({ kind: 'deallocate', name: body.isall === true ? null : text(body, 'name') });
      break;
    case 'ClosePortalStmt':
      analysis.names.push({ kind: 'close-cursor', name: text(body, 'portalname') || null });
      break;
    case 'DiscardStmt': {
      const all = body.target === 'DISCARD_ALL';
      if (all) {
        analysis.names.push({ kind: 'deallocate', name: null }, { kind: 'close-cursor', name: null });
        analysis.names.push({ kind: 'set', setting: 'all', value: null, local: false });
      }
      break;
    }
    case 'CallStmt': {
      const call = child(body, 'funccall');
      if (call !== null) for (const arg of list(call, 'args')) walker.expression(arg, newScope(null));
      analysis.taintedBy(walker.knowledge.all);
      break;
    }
    case 'CreateSchemaStmt':
      for (const element of list(body, 'schemaElts')) {
        analysis.detail('Creates objects inside of the schema');
        const part = tagOf(element);
        if (part === 'ViewStmt') {
          const query = child(bodyOf(element), 'query');
          if (query !== null) walker.noteCopy(walker.query(query, null, true).whole, 'a view');
        } else simpleStatement(part, bodyOf(element), walker);
      }
      break;
    case 'GrantStmt':
      analysis.ops.push(body.is_grant === true ? 'GRANT' : 'REVOKE');
      break;
    case 'GrantRoleStmt':
      analysis.ops.push(body.is_grant === true ? 'GRANT' : 'REVOKE');
      break;
  }
  const known = UTILITIES[tag];
  if (known === undefined) {
    analysis.ops.push(tag === '' ? 'UNKNOWN' : tag);
    analysis.unknown(`Is a statement that Countersign does not know (${tag})`);
    return;
  }
  if (tag !== 'GrantStmt' && tag !== 'GrantRoleStmt') analysis.ops.push(known.op);
  analysis.worsen(known.class);
  analysis.flag(...known.flags);
  if (known.words !== null) analysis.headline(known.words.replace('{}', objectsOf(body) || 'an object'));
  for (const table of tablesOf(body)) touch(walker, table);
  if (tag === 'RenameStmt' || tag === 'AlterObjectSchemaStmt') noteMoved(body, walker);
  if (known.class !== 'session') noteExpressions(body, walker, tag === 'CallStmt' ? null : child(body, 'relation'));
}

function touch(walker: QueryWalker, table: Tree): void {
  const schema = text(table, 'schemaname');
  walker.analysis.writes(schema === '' ? null : schema, text(table, 'relname'), ['*']);
}

/** RangeVars that a utility statement names in its usual places. */
function tablesOf(body: Tree): Tree[] {
  const single = ['relation', 'sequence', 'view'].flatMap((field) => {
    const table = child(body, field);
    return table !== null && text(table, 'relname') !== '' ? [table] : [];
  });
  const many = ['relations', 'objects'].flatMap((field) =>
    list(body, field).flatMap((node) => {
      const table = as(node, 'RangeVar');
      return table === null ? [] : [table];
    }),
  );
  return [...single, ...many];
}

/** Names of what a utility statement is about, as a person would say them. */
function objectsOf(body: Tree): string {
  const tables = tablesOf(body).map((table) => text(table, 'relname'));
  if (tables.length > 0) return tables.slice(0, 8).join(', ');
  for (const field of [
    'dbname',
    'extname',
    'role',
    'filename',
    'tablespacename',
    'schemaname',
    'subname',
    'pubname',
    'conditionname',
    'idxname',
    'plname',
    'policy_name',
    'seqname',
    'name',
  ])
    if (text(body, field) !== '') return text(body, field);
  const role = text(child(body, 'role'), 'rolename');
  if (role !== '') return role;
  const roles = list(body, 'roles').map((node) => text(as(node, 'RoleSpec'), 'rolename'));
  if (roles.length > 0) return roles.join(', ');
  for (const field of ['funcname', 'typeName', 'domainname', 'defnames']) {
    const parts = names(list(body, field)).filter((part) => part !== '');
    if (parts.length > 0) return parts.join('.');
  }
  return names(list(child(body, 'funccall'), 'funcname')).join('.');
}

function drop(body: Tree, walker: QueryWalker): void {
  const { analysis } = walker;
  const kind = text(body, 'removeType')
    .replace('OBJECT_', '')
    .replace('MATVIEW', 'MATERIALIZED VIEW')
    .replaceAll('_', ' ');
  analysis.ops.push(`DROP ${kind}`);
  analysis.worsen('destructive');
  analysis.flag('destructive', 'ddl');
  if (kind === 'POLICY') {
    analysis.worsen('privilege');
    analysis.flag('privilege');
  }
  const dropped: string[] = [];
  for (const node of list(body, 'objects')) {
    const parts = partsOf(node);
    dropped.push(parts.join('.'));
    if (/TABLE|VIEW|SEQUENCE/.test(kind)) analysis.writes(parts.at(-2) ?? null, parts.at(-1) ?? '', ['*']);
  }
  const cascade = body.behavior === 'DROP_CASCADE' ? ' and everything that depends on it' : '';
  analysis.headline(`Drops the ${kind.toLowerCase()} ${dropped.slice(0, 8).join(', ')}${cascade}`);
}

function partsOf(node: Tree): string[] {
  const body = bodyOf(node);
  switch (tagOf(node)) {
    case 'String':
      return [text(body, 'sval')];
    case 'List':
      return names(list(body, 'items'));
    case 'ObjectWithArgs':
      return names(list(body, 'objname'));
    case 'TypeName':
      return names(list(body, 'names'));
    default:
      return ['an object'];
  }
}

function alterTable(body: Tree, walker: QueryWalker): void {
  const { analysis } = walker;
  const kind = text(body, 'objtype').replace('OBJECT_', '').replaceAll('_', ' ');
  analysis.ops.push(`ALTER ${kind}`);
  analysis.worsen('write');
  analysis.flag('ddl');
  const relation = child(body, 'relation');
  const name = text(relation, 'relname');
  if (relation !== null) touch(walker, relation);
  for (const node of list(body, 'cmds')) {
    const command = as(node, 'AlterTableCmd');
    const subtype = text(command, 'subtype');
    if (ALTER_DROPS.test(subtype)) {
      analysis.worsen('destructive');
      analysis.flag('destructive');
      const what = text(command, 'name');
      analysis.headline(`Drops ${what === '' ? 'a part' : what} of ${name}`);
    } else if (ALTER_PRIVILEGES.test(subtype)) {
      analysis.worsen('privilege');
      analysis.flag('privilege');
      analysis.headline(`Changes who or what may act on ${name}`);
    }
  }
  noteInheritance(body, walker, relation);
  noteExpressions(body, walker, relation);
  analysis.headline(`Changes the ${kind.toLowerCase()} ${name}`);
}

/**
 * Expressions anywhere in a definition: defaults, USING, generated columns, index expressions, checks.
 * They run for the rows there are, and what they compute from a tagged column is a copy of it.
 */
function noteExpressions(body: Tree, walker: QueryWalker, relation: Tree | null): void {
  const scope = newScope(null);
  if (relation !== null) {
    const name = text(relation, 'relname');
    scope.sources.push({ alias: name, relation: walker.table(relation), read: null, hidden: false });
  }
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) visit(one);
    if (!isTree(value)) return;
    const tag = tagOf(value);
    if (tag === 'SelectStmt') walker.noteCopy(walker.query(value, null, true).whole, 'a new object');
    else if (EXPRESSIONS.has(tag)) walker.noteCopy(walker.expression(value, scope), 'a new object');
    else for (const key in value) visit(value[key]);
  };
  walker.analysis.deeper(() => visit(body));
}

const EXPRESSIONS: ReadonlySet<string> = new Set([
  'FuncCall',
  'ColumnRef',
  'SubLink',
  'A_Expr',
  'BoolExpr',
  'TypeCast',
  'CaseExpr',
  'CoalesceExpr',
]);

/** Rows of a table show through a parent or partitioned table that it is put under. */
function noteInheritance(body: Tree, walker: QueryWalker, relation: Tree | null): void {
  for (const node of list(body, 'cmds')) {
    const command = as(node, 'AlterTableCmd');
    const definition = child(command, 'def');
    if (command?.subtype === 'AT_AddInherit') walker.noteCopy(walker.table(relation).whole, 'a parent table');
    const attached = child(as(definition, 'PartitionCmd'), 'name');
    if (command?.subtype === 'AT_AttachPartition' && attached !== null)
      walker.noteCopy(walker.table(attached).whole, 'a partitioned table');
  }
}

/** A new name or schema takes a tagged column, or its table, out of its tag's reach. */
function noteMoved(body: Tree, walker: QueryWalker): void {
  const relation = child(body, 'relation');
  if (relation === null || text(body, 'renameType') === 'OBJECT_TABCONSTRAINT') return;
  const known = walker.table(relation);
  const column = text(body, 'subname');
  const taint = body.renameType === 'OBJECT_COLUMN' ? (known.byName.get(column) ?? known.rest) : known.whole;
  walker.noteCopy(taint, `the new name ${text(body, 'newname') || text(body, 'newschema')}`);
}
