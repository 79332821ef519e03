import { CountersignError } from '../contract/errors.ts';
import type { TeamDb } from './connect.ts';

const VERSION = 1;

/**
 * The rows of gateway/store in PostgreSQL. Statements are partitioned by the month they started in, texts are
 * beside them, and what statements of a session share (`facts`) is stored once. `words` holds words and facets
 * (words.ts): one GIN index answers every combination. `stamp` of a session says which recording its rows come
 * from; null while they are written.
 */
const SCHEMA = `
CREATE TABLE facets (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind text NOT NULL,
  value text NOT NULL,
  folded text COLLATE "C" NOT NULL,
  also text COLLATE "C" NOT NULL,
  UNIQUE (kind, value, also)
);
CREATE TABLE sessions (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text NOT NULL UNIQUE,
  stamp text,
  device text,
  connection_id text NOT NULL,
  opened_at timestamptz NOT NULL,
  state text NOT NULL,
  info jsonb NOT NULL,
  statements bigint NOT NULL DEFAULT 0,
  first_us bigint NOT NULL,
  last_us bigint NOT NULL
);
CREATE INDEX sessions_by_time ON sessions (last_us);
CREATE TABLE session_facets (
  facet bigint NOT NULL REFERENCES facets (id),
  session bigint NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
  PRIMARY KEY (facet, session)
);
CREATE INDEX session_facets_by_session ON session_facets (session);
CREATE TABLE facts (
  session bigint NOT NULL REFERENCES sessions (seq) ON DELETE CASCADE,
  n integer NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (session, n)
);
CREATE TABLE statements (
  started_us bigint NOT NULL,
  session bigint NOT NULL,
  idx bigint NOT NULL,
  exchange bigint NOT NULL,
  ordinal bigint NOT NULL,
  unit bigint NOT NULL,
  duration_us bigint NOT NULL,
  held_us bigint NOT NULL,
  rows bigint NOT NULL,
  facts integer NOT NULL,
  text text NOT NULL,
  parameters text,
  tag text,
  sqlstate text,
  message text,
  masked text,
  words tsvector NOT NULL,
  PRIMARY KEY (started_us, session, idx)
) PARTITION BY RANGE (started_us);
CREATE INDEX statements_by_session ON statements (session);
CREATE INDEX statements_words ON statements USING gin (words);
CREATE TABLE statements_other PARTITION OF statements DEFAULT;
CREATE TABLE holds (what text PRIMARY KEY, why text NOT NULL, by text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE forgotten (id text PRIMARY KEY, why text NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE TABLE version (version integer NOT NULL);
INSERT INTO version VALUES (${VERSION});
`;

/**
 * Makes the tables in a schema of their own where they are not there, and goes to it. Throws
 * TEAM_INDEX_MISSING when nothing was indexed and `make` is false, TEAM_INDEX_FROM_FUTURE.
 */
export async function ensureSchema(db: TeamDb, { make }: { make: boolean }): Promise<void> {
  await db.query('SET search_path = countersign');
  const { rows } = await db.query("SELECT to_regclass('countersign.version') IS NOT NULL AS there");
  if (rows[0].there === false) {
    if (!make) {
      throw new CountersignError(
        'TEAM_INDEX_MISSING',
        'this database holds no index yet; make it with: countersign audit index --database URL',
      );
    }
    await inTransaction(db, async () => {
      // Two that make it at once: the second waits, and finds it made.
      await db.query("SELECT pg_advisory_xact_lock(hashtext('countersign schema'))");
      const again = await db.query("SELECT to_regclass('countersign.version') IS NULL AS missing");
      if (again.rows[0].missing) await db.query(`CREATE SCHEMA IF NOT EXISTS countersign; ${SCHEMA}`);
    });
  }
  const version = await db.query<{ version: number }>('SELECT version FROM version');
  if ((version.rows[0]?.version ?? 0) > VERSION) {
    throw new CountersignError(
      'TEAM_INDEX_FROM_FUTURE',
      'this index was written by a newer Countersign; update this program',
    );
  }
}

export async function inTransaction<T>(db: TeamDb, work: () => Promise<T>): Promise<T> {
  await db.query('BEGIN');
  try {
    const result = await work();
    await db.query('COMMIT');
    return result;
  } catch (error) {
    await db.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** One writer at a time; the lock ends with the connection. Throws TEAM_INDEX_BUSY. */
export async function lockForWriting(db: TeamDb): Promise<void> {
  const { rows } = await db.query("SELECT pg_try_advisory_lock(hashtext('countersign index')) AS mine");
  if (rows[0].mine === true) return;
  throw new CountersignError('TEAM_INDEX_BUSY', 'somebody else writes this index; wait for them');
}

/** Months that have a partition of their own; what says another time lies in one for all of it. */
const FIRST_YEAR = 2015;
const LAST_YEAR = 2060;

export interface Month {
  /** Of its partition. */
  table: string;
  fromUs: number;
  toUs: number;
}

/** null: not within the years that have months. */
export function monthOf(us: number): Month | null {
  const date = new Date(us / 1000);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  if (!(year >= FIRST_YEAR && year <= LAST_YEAR)) return null;
  return {
    table: `statements_${year}${String(month + 1).padStart(2, '0')}`,
    fromUs: Date.UTC(year, month) * 1000,
    toUs: Date.UTC(year, month + 1) * 1000,
  };
}

/** Partitions that there are, by month. */
export async function monthsThere(db: TeamDb): Promise<Month[]> {
  const { rows } = await db.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'countersign.statements'::regclass ORDER BY c.relname`,
  );
  return rows.flatMap(({ name }) => {
    const match = /^statements_(\d{4})(\d\d)$/.exec(name);
    if (match === null) return [];
    return [monthOf(Date.UTC(Number(match[1]), Number(match[2]) - 1) * 1000)!];
  });
}

export async function makeMonth(db: TeamDb, { table, fromUs, toUs }: Month): Promise<void> {
  await db.query(
    `CREATE TABLE IF NOT EXISTS ${table} PARTITION OF statements FOR VALUES FROM ('${fromUs}') TO ('${toUs}')`,
  );
}
