import type { ColumnTag } from '../../../contract/connection.ts';
import { CountersignError } from '../../../contract/errors.ts';
import { UpstreamRefusal } from '../handshake/upstream-error.ts';
import type { CatalogFunction, CatalogRelation, CatalogSnapshot } from '../ports.ts';
import { quoteLiteral, type SimpleClient, type SimpleResult } from './simple-client.ts';

const MAX_RELATIONS = 10_000;
const MAX_FUNCTIONS = 10_000;
/** Characters of function source over all; what is above is left out and marked so. */
const MAX_SOURCE = 1024 * 1024;
/** For a lock that another session holds. */
const LOCK_MS = 100;
/** For views one by one, after one of them could not be read. */
const SINGLY_MS = 2_000;
/** PostgreSQL 14 brought SQL-standard function bodies, whose prosrc is empty. */
const SQL_BODIES_SINCE = 140_000;

/** They show samples of every table's values; a view upon one does, too. */
const STATISTICS = "'pg_stats', 'pg_stats_ext', 'pg_stats_ext_exprs'";

/**
 * Tagged relations with their whole inheritance (partitions hold the column's data too, and a parent
 * shows its children's), and views that depend on any of them, or on a user's function (whose body may
 * read them without a recorded dependency), to any depth.
 */
function relationsSql(tags: readonly ColumnTag[]): string {
  const named = tags.map((tag) => `(${quoteLiteral(tag.schema)},${quoteLiteral(tag.table)})`);
  const tagged =
    named.length === 0
      ? 'SELECT NULL::oid WHERE false'
      : `SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE (n.nspname, c.relname) IN (${[...new Set(named)].join(',')}) AND c.relkind IN ('r','v','m','f','p')`;
  return `
    WITH RECURSIVE family(oid) AS (
      (${tagged})
      UNION
      SELECT CASE WHEN i.inhparent = f.oid THEN i.inhrelid ELSE i.inhparent END
      FROM family f JOIN pg_inherits i ON f.oid IN (i.inhparent, i.inhrelid)
    ), dependent(oid) AS (
      (SELECT oid FROM family
       UNION
       SELECT oid FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relname IN (${STATISTICS})
       UNION
       SELECT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_proc p ON p.oid = d.refobjid
       WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_proc'::regclass
         AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace))
      UNION
      SELECT r.ev_class
      FROM dependent t
      JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid AND d.classid = 'pg_rewrite'::regclass
      JOIN pg_rewrite r ON r.oid = d.objid AND r.ev_class <> t.oid
    )
    SELECT c.oid, n.nspname, c.relname, c.relkind, f.oid IS NOT NULL
    FROM dependent t
    JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN family f ON f.oid = t.oid
    WHERE c.relkind IN ('r','v','m','f','p') AND (c.oid >= 16384 OR f.oid IS NOT NULL)
    ORDER BY c.oid LIMIT ${MAX_RELATIONS + 1}`;
}

function columnsSql(oids: readonly string[]): string {
  return `SELECT attrelid, attname, attnum, atttypid FROM pg_attribute
    WHERE attrelid IN (${oids.join(',')}) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum`;
}

function definitionsSql(oids: readonly string[]): string {
  return `SELECT c.oid, pg_get_viewdef(c.oid) FROM pg_class c WHERE c.oid IN (${oids.join(',')})`;
}

/** @param bodies false: the source of SQL-standard bodies is NULL. */
function functionsSql(version: number, bodies: boolean): string {
  const body = bodies ? 'pg_get_function_sqlbody(p.oid)' : 'NULL';
  const source =
    version >= SQL_BODIES_SINCE ? `CASE WHEN p.prosqlbody IS NULL THEN p.prosrc ELSE ${body} END` : 'p.prosrc';
  return `
    SELECT nspname, proname, provolatile, lanname,
           CASE WHEN sum(length(source)) OVER (ORDER BY oid) <= ${MAX_SOURCE} THEN source END, takes_row
    FROM (
      SELECT p.oid, n.nspname, p.proname, p.provolatile, l.lanname, ${source} AS source,
             p.pronargs > 0 AND p.pronargs - p.pronargdefaults <= 1 AND EXISTS (
               SELECT FROM pg_type t WHERE t.oid = p.proargtypes[0] AND t.typtype IN ('c', 'd', 'p')) AS takes_row
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
      WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
      ORDER BY p.oid LIMIT ${MAX_FUNCTIONS + 1}
    ) f ORDER BY oid`;
}

const VOLATILE_SQL = `SELECT DISTINCT proname FROM pg_proc
  WHERE pronamespace = 'pg_catalog'::regnamespace AND provolatile = 'v' ORDER BY 1`;

const kinds: Readonly<Record<string, CatalogRelation['kind']>> = {
  r: 'table',
  p: 'partitioned-table',
  f: 'foreign-table',
  v: 'view',
  m: 'materialized-view',
};

const volatilities: Readonly<Record<string, CatalogFunction['volatility']>> = { i: 'immutable', s: 'stable' };

interface Relation extends CatalogRelation {
  columns: { name: string; attnum: number; typeOid: number }[];
  /** Tagged itself, or of the family of one that is. */
  family: boolean;
}

/**
 * Reads what the classifier and the masker need of one database, in one read-only snapshot. Names in
 * view definitions are qualified unless they are of pg_catalog.
 *
 * Rejects with PG_CATALOG_TOO_LARGE above 10,000 relations or functions: a catalog that was cut would
 * let statements seem harmless. A function whose source is beyond 1 MiB of all sources comes with
 * language 'omitted', volatility volatile and no source.
 *
 * The server deparses views and bodies under its newest catalog and with locks: where another session
 * drops or locks what they name, they come without definition (whatever they show counts as tagged) or
 * as omitted, and nobody waits.
 */
export async function readCatalog(client: SimpleClient, tags: readonly ColumnTag[]): Promise<CatalogSnapshot> {
  const version = Number(client.parameters.get('server_version_num') ?? (await versionOf(client)));
  await client.query(
    `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL search_path = pg_catalog; SET LOCAL statement_timeout = 10000; SET LOCAL lock_timeout = ${LOCK_MS}`,
  );
  try {
    const relations = readRelations(await one(client, relationsSql(tags)));
    if (relations.size > 0) addColumns(relations, await one(client, columnsSql([...relations.keys()])));
    await addDefinitions(relations, client);
    const whole = await attempt(client, functionsSql(version, true));
    const functions = readFunctions(whole ?? (await one(client, functionsSql(version, false))));
    const volatile = await one(client, VOLATILE_SQL);
    return {
      tagByOid: tagsByOid(relations.values(), tags),
      relations: [...relations.values()].map(({ family: _, ...relation }) => relation),
      functions,
      volatileBuiltins: new Set(volatile.rows.map(([name]) => name ?? '')),
    };
  } finally {
    if (!client.closed) await client.query('ROLLBACK').catch(() => client.close());
  }
}

async function one(client: SimpleClient, sql: string): Promise<SimpleResult> {
  return client.execute(sql, [], [], { timeoutMs: 15_000 });
}

/** @returns null where the server refused; the transaction goes on. */
async function attempt(client: SimpleClient, sql: string): Promise<SimpleResult | null> {
  await client.query('SAVEPOINT attempt');
  try {
    return await one(client, sql);
  } catch (error) {
    if (client.closed || !(error instanceof UpstreamRefusal)) throw error;
    await client.query('ROLLBACK TO attempt');
    return null;
  }
}

async function addDefinitions(relations: ReadonlyMap<string, Relation>, client: SimpleClient): Promise<void> {
  const views = [...relations].filter(([, { kind }]) => kind === 'view' || kind === 'materialized-view');
  if (views.length === 0) return;
  const add = ({ rows }: SimpleResult) => {
    for (const [oid, definition] of rows) relations.get(oid!)!.definition = definition ?? null;
  };
  const all = await attempt(client, definitionsSql(views.map(([oid]) => oid)));
  if (all) {
    add(all);
    return;
  }
  const until = Date.now() + SINGLY_MS;
  for (const [oid] of views) {
    if (Date.now() > until) return;
    const one = await attempt(client, definitionsSql([oid]));
    if (one) add(one);
  }
}

async function versionOf(client: SimpleClient): Promise<string> {
  const { rows } = await client.execute('SHOW server_version_num');
  return rows[0]?.[0] ?? '0';
}

function tooLarge(what: string, limit: number): CountersignError {
  return new CountersignError(
    'PG_CATALOG_TOO_LARGE',
    `the database has more than ${limit} ${what}: it is too large to be looked through`,
  );
}

function readRelations({ rows }: SimpleResult): Map<string, Relation> {
  if (rows.length > MAX_RELATIONS) throw tooLarge('relations with sensitive columns', MAX_RELATIONS);
  const relations = new Map<string, Relation>();
  for (const [oid, schema, name, kind, family] of rows) {
    relations.set(oid!, {
      oid: Number(oid),
      schema: schema!,
      name: name!,
      kind: kinds[kind!]!,
      columns: [],
      definition: null,
      family: family === 't',
    });
  }
  return relations;
}

function addColumns(relations: ReadonlyMap<string, Relation>, { rows }: SimpleResult): void {
  for (const [oid, name, attnum, typeOid] of rows) {
    relations.get(oid!)?.columns.push({ name: name!, attnum: Number(attnum), typeOid: Number(typeOid) });
  }
}

function readFunctions({ rows }: SimpleResult): CatalogFunction[] {
  if (rows.length > MAX_FUNCTIONS) throw tooLarge('functions', MAX_FUNCTIONS);
  return rows.map(([schema, name, volatility, language, source, takesRow]) => ({
    schema: schema!,
    name: name!,
    volatility: source == null ? 'volatile' : (volatilities[volatility!] ?? 'volatile'),
    language: source == null ? 'omitted' : language!,
    source: source ?? '',
    takesRow: takesRow === 't',
  }));
}

/** A relation of the family bears the tags of its own name, and those of its relatives by column name. */
function tagsByOid(relations: Iterable<Relation>, tags: readonly ColumnTag[]): Map<number, Map<number, ColumnTag>> {
  const all = [...relations].filter((relation) => relation.family);
  const named = new Set(all.map((relation) => `${relation.schema}\0${relation.name}`));
  // A tag whose own table is not there has no relatives either.
  const present = tags.filter((tag) => named.has(`${tag.schema}\0${tag.table}`));
  const byOid = new Map<number, Map<number, ColumnTag>>();
  for (const relation of all) {
    const columns = new Map<number, ColumnTag>();
    const own = present.filter((tag) => tag.schema === relation.schema && tag.table === relation.name);
    const inherited = own.length > 0 ? own : present;
    for (const column of relation.columns) {
      const tag = inherited.find((candidate) => candidate.column === column.name);
      if (tag) columns.set(column.attnum, tag);
    }
    if (columns.size > 0) byOid.set(relation.oid, columns);
  }
  return byOid;
}
