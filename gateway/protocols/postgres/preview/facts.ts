import type { Body } from './harmless.ts';

/** What the catalog says of the tables that a statement names and of all that a change of them reaches. */
export interface Facts {
  relations: readonly FactsRelation[];
  triggers: readonly ({ relation: string; name: string; deferred: boolean } & Body)[];
  rules: readonly { relation: string; name: string }[];
  deferred: readonly { relation: string; name: string }[];
  /** Checks, generated columns, index expressions and row security of what is written; domains' checks. */
  expressions: readonly { relation: string; text: string }[];
  /** Every function that somebody made, as this session sees it: of its own transaction, too. */
  functions: readonly ({ schema: string; name: string } & Body)[];
  /** Functions behind operators, casts, aggregates and operator classes that somebody made. */
  hidden: readonly ({ name: string } & Body)[];
  /** Of the table that is changed, in its order. */
  columns: readonly { name: string; sequence: boolean }[];
  /** Its primary key. */
  key: readonly string[];
}

export interface FactsRelation {
  id: number;
  name: string;
  /** pg_class.relkind. */
  kind: string;
  written: boolean;
  /** Row security decides what the session sees of it. */
  secured: boolean;
  cascaded: boolean;
}

/** access/transam.h: below it are the objects of PostgreSQL itself. */
const FIRST_NORMAL_OID = 16_384;
const VOLATILITY = "CASE p.provolatile WHEN 'v' THEN 'volatile' WHEN 's' THEN 'stable' ELSE 'immutable' END";

/** Bits of pg_trigger.tgtype. */
const EVENTS = { INSERT: 4, DELETE: 8, UPDATE: 16 } as const;

/**
 * One query with search_path = pg_catalog, so that nothing of it can be made to mean something else.
 * @param target the relation that is changed
 * @param reads others that are read
 */
export function factsSql(
  target: number,
  reads: readonly number[],
  op: keyof typeof EVENTS | 'MERGE',
  conflict: boolean,
  major: number,
): string {
  // A body in standard SQL is no text of pg_proc.
  const source = `left(${major < 14 ? 'p.prosrc' : 'coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)'}, 65536)`;
  const events = op === 'MERGE' ? 28 : EVENTS[op] | (conflict ? EVENTS.UPDATE : 0);
  const list = reads.filter((id) => id !== target);
  return `WITH RECURSIVE rel(id, written, cascaded) AS (
    SELECT ${target}::oid, true, false
    ${list.map((id) => `UNION ALL SELECT ${id}::oid, false, false`).join(' ')}
    UNION
    SELECT x.id, r.written, r.cascaded OR x.cascaded FROM rel r CROSS JOIN LATERAL (
      SELECT d.refobjid AS id, false AS cascaded FROM pg_rewrite w
        JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.id
        WHERE w.ev_class = r.id
      UNION ALL SELECT inhrelid, false FROM pg_inherits WHERE inhparent = r.id
      UNION ALL SELECT conrelid, true FROM pg_constraint WHERE r.written AND confrelid = r.id AND contype = 'f'
        AND (confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd'))
    ) x),
  reached AS MATERIALIZED (
    SELECT c.oid AS id, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, c.relkind AS kind,
      bool_or(rel.written) AS written, bool_and(rel.cascaded) AS cascaded, row_security_active(c.oid) AS secured
    FROM rel JOIN pg_class c ON c.oid = rel.id JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') GROUP BY c.oid, n.nspname, c.relname, c.relkind LIMIT 500),
  written AS (SELECT * FROM reached WHERE written)
  SELECT json_build_object(
    'relations', (SELECT json_agg(json_build_object('id', id::bigint, 'name', name, 'kind', kind, 'written', written,
       'secured', secured, 'cascaded', cascaded)) FROM reached),
    'triggers', (SELECT json_agg(json_build_object('relation', w.name, 'name', t.tgname, 'language', l.lanname,
       'source', left(p.prosrc, 65536), 'volatility', 'volatile', 'deferred', t.tginitdeferred))
       FROM written w JOIN pg_trigger t ON t.tgrelid = w.id JOIN pg_proc p ON p.oid = t.tgfoid
       JOIN pg_language l ON l.oid = p.prolang WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
       AND (w.cascaded OR w.kind = 'p' OR t.tgparentid <> 0 OR t.tgtype & ${events} <> 0)),
    'rules', (SELECT json_agg(json_build_object('relation', w.name, 'name', r.rulename))
       FROM written w JOIN pg_rewrite r ON r.ev_class = w.id WHERE r.ev_type <> '1' AND r.ev_enabled <> 'D'),
    'deferred', (SELECT json_agg(json_build_object('relation', w.name, 'name', c.conname))
       FROM written w JOIN pg_constraint c ON c.conrelid = w.id OR c.confrelid = w.id WHERE c.condeferred),
    'expressions', (SELECT json_agg(json_build_object('relation', e.name, 'text', e.text)) FROM (
       SELECT w.name, pg_get_constraintdef(c.oid) AS text FROM written w JOIN pg_constraint c ON c.conrelid = w.id
         WHERE c.contype = 'c'
       UNION ALL SELECT w.name, pg_get_expr(d.adbin, d.adrelid) FROM written w JOIN pg_attrdef d ON d.adrelid = w.id
         JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated <> ''
       UNION ALL SELECT w.name, coalesce(pg_get_expr(i.indexprs, i.indrelid), '') || ' ' ||
         coalesce(pg_get_expr(i.indpred, i.indrelid), '') FROM written w JOIN pg_index i ON i.indrelid = w.id
         WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
       UNION ALL SELECT w.name, coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' ||
         coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') FROM written w JOIN pg_policy p ON p.polrelid = w.id
       UNION ALL SELECT w.name, pg_get_expr(d.adbin, d.adrelid) FROM written w JOIN pg_attrdef d ON d.adrelid = w.id
         JOIN pg_constraint c ON c.conrelid = w.id AND (c.confdeltype = 'd' OR c.confupdtype = 'd')
         AND d.adnum = ANY (c.conkey) WHERE w.cascaded
       UNION ALL (SELECT 'a domain', pg_get_constraintdef(oid) FROM pg_constraint
         WHERE contypid <> 0 AND oid >= 16384 LIMIT 500)) e),
    'functions', (SELECT json_agg(json_build_object('schema', '', 'name', p.proname, 'language', l.lanname,
       'source', ${source}, 'volatility', ${VOLATILITY})) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
       WHERE p.oid >= ${FIRST_NORMAL_OID}),
    'hidden', (SELECT json_agg(json_build_object('name', p.proname, 'language', l.lanname,
       'source', ${source}, 'volatility', ${VOLATILITY}))
       FROM (SELECT oprcode::oid AS f FROM pg_operator WHERE oid >= ${FIRST_NORMAL_OID}
         UNION SELECT oprrest::oid FROM pg_operator WHERE oid >= ${FIRST_NORMAL_OID}
         UNION SELECT oprjoin::oid FROM pg_operator WHERE oid >= ${FIRST_NORMAL_OID}
         UNION SELECT castfunc FROM pg_cast WHERE oid >= ${FIRST_NORMAL_OID}
         UNION SELECT unnest(ARRAY[aggtransfn, aggfinalfn, aggcombinefn, aggmtransfn, aggminvtransfn, aggmfinalfn])::oid
           FROM pg_aggregate WHERE aggfnoid::oid >= ${FIRST_NORMAL_OID}
         UNION SELECT amproc::oid FROM pg_amproc WHERE oid >= ${FIRST_NORMAL_OID}) u
       JOIN pg_proc p ON p.oid = u.f JOIN pg_language l ON l.oid = p.prolang
       WHERE l.lanname NOT IN ('c', 'internal') OR p.provolatile = 'v'),
    'columns', (SELECT json_agg(json_build_object('name', a.attname, 'sequence', a.attidentity <> '' OR
       coalesce(pg_get_expr(d.adbin, d.adrelid) ~ 'nextval', false)) ORDER BY a.attnum)
       FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
       WHERE a.attrelid = ${target} AND a.attnum > 0 AND NOT a.attisdropped),
    'key', (SELECT json_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_index i
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
       WHERE i.indrelid = ${target} AND i.indisprimary)
  )`;
}

/** json_agg of nothing is NULL. */
export function readFacts(json: string): Facts {
  const found = JSON.parse(json) as { [K in keyof Facts]: Facts[K] | null };
  return {
    relations: found.relations ?? [],
    triggers: found.triggers ?? [],
    rules: found.rules ?? [],
    deferred: found.deferred ?? [],
    expressions: found.expressions ?? [],
    functions: found.functions ?? [],
    hidden: found.hidden ?? [],
    columns: found.columns ?? [],
    key: found.key ?? [],
  };
}
