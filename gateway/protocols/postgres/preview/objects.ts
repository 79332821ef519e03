import type { PreviewLimits } from '../../../contract/connection.ts';
import type { ObjectsPreview, PreviewPart } from '../../../contract/preview.ts';
import { quoteIdentifier, quoteLiteral } from '../wire/simple-client.ts';
import type { Definition } from './change.ts';
import { type PreviewSession, Refused } from './session.ts';

/** A table that is no larger is counted. */
const COUNTED_BYTES = 16 * 1024 * 1024;
const MAX_RELATIONS = 10;
const MAX_LINES = 40;

export interface ObjectsLook {
  session: PreviewSession;
  definition: Definition;
  limits: PreviewLimits;
  now(): number;
}

export const NO_OBJECTS_YET: ObjectsPreview = {
  kind: 'objects',
  state: 'loading',
  at: null,
  why: null,
  parts: [],
  undo: null,
};

interface Found {
  name: string;
  kind: string;
  rows: number;
  bytes: number;
  dependants: readonly string[] | null;
}

/** Reads of the catalog what a definition is about; nothing of it is run. Rejects with Stopped. */
export async function lookAtObjects({ session, definition, limits, now }: ObjectsLook): Promise<ObjectsPreview> {
  const done = (found: Partial<ObjectsPreview>): ObjectsPreview => ({
    ...NO_OBJECTS_YET,
    state: 'done',
    at: new Date(now()).toISOString(),
    undo: { can: 'none', sentence: UNDO[definition.op] },
    ...found,
  });
  const closed = await session.begin(limits);
  if (closed !== null) return done({ why: closed });
  try {
    const found = await relationsOf(session, definition);
    if (found.length === 0) return done({ why: 'What it names is not there.', parts: [lockPart(definition)] });
    const parts: PreviewPart[] = [];
    for (const relation of found) parts.push(await sizePart(session, relation, definition));
    parts.push(lockPart(definition));
    for (const relation of found) parts.push(...dependantsPart(relation, definition));
    return done({ parts: parts.slice(0, MAX_LINES) });
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const locked = error.summary.sqlstate === '55P03';
    const why = locked
      ? 'Another session holds a lock on it, so it was not waited for.'
      : `It cannot be looked at: ${error.message}`;
    return done({ why: why.slice(0, 500), parts: [lockPart(definition)] });
  }
}

const NOT_HERE = 'It cannot be undone from here';

const UNDO: Record<Definition['op'], string> = {
  DROP: `${NOT_HERE}: what is dropped comes back from a backup only.`,
  TRUNCATE: `${NOT_HERE}: the rows come back from a backup only.`,
  ALTER: `${NOT_HERE}: another ALTER has to take it back.`,
  'CREATE INDEX': `${NOT_HERE}, but DROP INDEX takes it back.`,
  OTHER: `${NOT_HERE}, but what it makes can be dropped.`,
};

const KINDS: Readonly<Record<string, string>> = {
  r: 'table',
  p: 'partitioned table',
  v: 'view',
  m: 'materialized view',
  i: 'index',
  I: 'partitioned index',
  S: 'sequence',
  f: 'foreign table',
};

async function relationsOf(session: PreviewSession, { relations }: Definition): Promise<Found[]> {
  const names = relations
    .slice(0, MAX_RELATIONS)
    .map(({ schema, name }) =>
      quoteLiteral(schema === null ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`),
    );
  const oids = await session.all([
    `SELECT ${names.map((name) => `pg_catalog.to_regclass(${name})::pg_catalog.oid`).join(', ')}`,
  ]);
  const found: Found[] = [];
  for (const oid of oids) {
    if (oid === null) continue;
    const [json] = await session.apart(['SET LOCAL search_path = pg_catalog, pg_temp', relationSql(Number(oid))]);
    if (json != null) found.push(JSON.parse(json) as Found);
  }
  return found;
}

/** The relation, its size with indexes, and what would have to go with it; its own parts are left out. */
function relationSql(oid: number): string {
  return `WITH RECURSIVE dep(class, id, depth) AS (
      SELECT 'pg_class'::regclass::oid, ${oid}::oid, 0
      UNION SELECT x.class, x.id, dep.depth + 1 FROM dep CROSS JOIN LATERAL (
        SELECT d.classid AS class, d.objid AS id FROM pg_depend d
          WHERE d.refclassid = dep.class AND d.refobjid = dep.id AND d.deptype IN ('n', 'a', 'i', 'P')
        UNION SELECT 'pg_class'::regclass, w.ev_class FROM pg_rewrite w
          WHERE dep.class = 'pg_rewrite'::regclass AND w.oid = dep.id) x
      WHERE dep.depth < 6),
    named AS (SELECT DISTINCT class, id FROM dep WHERE depth > 0 AND NOT (class = 'pg_class'::regclass AND id = ${oid})
      AND class NOT IN ('pg_type'::regclass, 'pg_rewrite'::regclass, 'pg_attrdef'::regclass)
      AND NOT (class = 'pg_constraint'::regclass AND EXISTS (SELECT 1 FROM pg_constraint k
        WHERE k.oid = id AND (k.conrelid = ${oid} OR k.contype <> 'f' OR k.conparentid <> 0)))
      AND NOT (class = 'pg_class'::regclass AND EXISTS (SELECT 1 FROM pg_class k WHERE k.oid = id AND k.relnamespace = 'pg_toast'::regnamespace))
      AND NOT (class = 'pg_trigger'::regclass AND EXISTS (SELECT 1 FROM pg_trigger k WHERE k.oid = id AND k.tgisinternal)))
    SELECT json_build_object('name', quote_ident(n.nspname) || '.' || quote_ident(c.relname), 'kind', c.relkind,
      'rows', greatest(c.reltuples, 0)::bigint, 'bytes', coalesce(pg_total_relation_size(c.oid), 0),
      'dependants', (SELECT json_agg(pg_describe_object(class, id, 0)) FROM (SELECT * FROM named LIMIT 200) a))
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = ${oid}`;
}

async function sizePart(session: PreviewSession, found: Found, { op }: Definition): Promise<PreviewPart> {
  const { name, bytes } = found;
  const kind = KINDS[found.kind] ?? 'relation';
  const lost = op === 'DROP' || op === 'TRUNCATE';
  const rows =
    found.kind === 'r' || found.kind === 'p' || found.kind === 'm' ? `, ${await rowsOf(session, found)}` : '';
  return {
    tone: lost ? 'loss' : 'plain',
    sentence: `${name}: ${kind}${rows}, ${sizeOf(bytes)} with its indexes`.slice(0, 500),
    lines: [],
    more: 0,
  };
}

async function rowsOf(session: PreviewSession, { name, kind, rows, bytes }: Found): Promise<string> {
  if (bytes > COUNTED_BYTES || kind === 'p') return `about ${rows} rows (estimate)`;
  const [count] = await session.all([`SELECT pg_catalog.count(*) FROM ONLY ${name}`]);
  return count === '1' ? '1 row' : `${count} rows`;
}

function sizeOf(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

const MEANINGS: Readonly<Record<string, string>> = {
  'SHARE UPDATE EXCLUSIVE': 'others read and write meanwhile',
  SHARE: 'others read, and cannot write, until its transaction ends',
  'SHARE ROW EXCLUSIVE': 'others read, and cannot write, until its transaction ends',
  'ACCESS EXCLUSIVE': 'nobody else can read or write until its transaction ends',
};

function lockPart({ lock }: Definition): PreviewPart {
  return {
    tone: 'plain',
    sentence: `It takes an ${lock} lock: ${MEANINGS[lock]}.`.replace('an S', 'a S'),
    lines: [],
    more: 0,
  };
}

function dependantsPart({ name, dependants }: Found, { op, cascade }: Definition): PreviewPart[] {
  if (dependants === null || dependants.length === 0) return [];
  const many = `${dependants.length === 200 ? 'At least 200' : dependants.length} object${dependants.length === 1 ? '' : 's'}`;
  const then =
    op === 'DROP' ? (cascade ? ', and go with it' : '; without CASCADE most of them would make it fail') : '';
  return [
    {
      tone: op === 'DROP' && cascade ? 'loss' : 'plain',
      sentence: `${many} depend${dependants.length === 1 ? 's' : ''} on ${name}${then}.`.slice(0, 500),
      lines: dependants.slice(0, MAX_LINES).map((line) => line.slice(0, 400)),
      more: Math.max(dependants.length - MAX_LINES, 0),
    },
  ];
}
