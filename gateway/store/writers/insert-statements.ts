import type { DerivedStatement } from '../../pipeline/derive.ts';
import { statementTokens } from '../facets.ts';
import { keptOf } from '../kept-texts.ts';
import type { Db } from '../migrations/migration.ts';
import { sameFacts, sharedFacts } from '../rows.ts';
import type { FacetIds } from './facet-ids.ts';
import type { Interner } from './interner.ts';
import { SessionTally } from './tally.ts';

export interface PlacedStatement {
  statement: DerivedStatement;
  index: number;
  /** First unit of its exchange in the recording. */
  unit: number;
}

const MAX_ENTITIES = 1_000;

export interface BatchCounts {
  asked: number;
  denied: number;
  errors: number;
  rows: number;
}

export interface Names {
  interner: Interner;
  facets: FacetIds;
  /** Tokens that all statements of the session have. */
  shared: string;
  /** They are statements of SQL. */
  sql: boolean;
}

/** A row of `statements` but for its id, and the words it is found by. */
export interface StatementToInsert {
  startedUs: number;
  row: (string | number | null)[];
  text: string;
  parameters: string | null;
  message: string | null;
  facets: string;
}

/** Writes what statements share, and gives their rows to `into`. Within the caller's transaction. */
export function rowsOf(
  db: Db,
  session: number,
  statements: readonly PlacedStatement[],
  { interner, facets, shared, sql }: Names,
  into: StatementToInsert[],
): BatchCounts {
  const counts: BatchCounts = { asked: 0, denied: 0, errors: 0, rows: 0 };
  if (statements.length === 0) return counts;
  const { addEntity } = startStrings(db, interner.next, session);
  const entities = new Map<string, number>();
  const factsId = factsIds(session, interner);
  const tally = new SessionTally(sql);
  for (const { statement, index, unit } of statements) {
    const { startedUs, text, parameters, message } = keptOf(statement);
    tally.add(statement, text, index);
    const { error } = statement;
    const masked = Object.entries(statement.masked);
    const row = [
      session,
      index,
      statement.exchange,
      statement.ordinal,
      unit,
      startedUs,
      Math.round(statement.durationMs * 1000),
      Math.round(statement.heldMs * 1000),
      interner.id(session, text),
      factsId(statement),
      parameters,
      statement.rows,
      statement.tag,
      error?.sqlstate ?? null,
      message,
      masked.length === 0 ? null : JSON.stringify(statement.masked),
    ];
    const tokens = `${shared} ${statementTokens(statement, facets.token, facets.tableToken)}`;
    into.push({ startedUs, row, text, parameters, message, facets: tokens });
    for (const [entity, count] of masked) {
      if (entities.size < MAX_ENTITIES || entities.has(entity))
        entities.set(entity, (entities.get(entity) ?? 0) + count);
    }
    if (statement.part === 0 && statement.verdict.startsWith('asked')) counts.asked++;
    if (statement.part === 0 && isDenied(statement)) counts.denied++;
    if (error !== null) counts.errors++;
    counts.rows += statement.rows;
  }
  for (const [entity, count] of entities) addEntity.run(session, entity, count);
  tally.write(db, session, interner, facets);
  return counts;
}

/** Within the caller's transaction. Ids are the times, or the next that are free. */
export function insertRows(db: Db, rows: StatementToInsert[]): void {
  const { insert, insertText, lastBefore } = prepared(db);
  // Full text writes what it has gathered where an id is lower than the one before it.
  rows.sort((a, b) => a.startedUs - b.startedUs);
  let id = -1;
  for (const { startedUs, row, text, parameters, message, facets } of rows) {
    id = Math.max(id + 1, startedUs);
    for (let reach = 1000; insert.run(id, row).changes === 0; reach *= 2) {
      id = (lastBefore.get(id, id + reach) as number) + 1;
    }
    insertText.run(id, text, parameters, message, facets);
  }
}

/** Most statements share their facts with one of the last few, and writing them as JSON is dearer than comparing. */
const RECENT = 8;

function factsIds(session: number, interner: Interner): (statement: DerivedStatement) => number {
  const recent: { statement: DerivedStatement; id: number }[] = [];
  return (statement) => {
    for (const known of recent) if (sameFacts(known.statement, statement)) return known.id;
    const id = interner.id(session, sharedFacts(statement));
    if (recent.length >= RECENT) recent.pop();
    recent.unshift({ statement, id });
    return id;
  };
}

function isDenied({ verdict }: DerivedStatement): boolean {
  return verdict === 'denied' || verdict === 'asked-denied' || verdict === 'asked-expired';
}

/** Strings from `first` on belong to `session`, up to those of the next range; the session that was last goes on. */
function startStrings(db: Db, first: number, session: number): ReturnType<typeof prepare> {
  const sql = prepared(db);
  if (sql.lastRange.get() !== session) sql.addRange.run(first, session);
  return sql;
}

const cache = new WeakMap<Db, ReturnType<typeof prepare>>();

function prepared(db: Db): ReturnType<typeof prepare> {
  let statements = cache.get(db);
  if (!statements) {
    statements = prepare(db);
    cache.set(db, statements);
  }
  return statements;
}

function prepare(db: Db) {
  return {
    insert: db.prepare(
      `INSERT INTO statements (id, session, idx, exchange, ordinal, unit, started_us, duration_us, held_us, text,
         facts, parameters, rows, tag, sqlstate, message, masked)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
    ),
    lastRange: db.prepare('SELECT session FROM string_ranges ORDER BY first DESC LIMIT 1').pluck(),
    addRange: db.prepare('INSERT OR REPLACE INTO string_ranges (first, session) VALUES (?, ?)'),
    addEntity: db.prepare(
      `INSERT INTO session_entities (session, entity, count) VALUES (?, ?, ?)
       ON CONFLICT (session, entity) DO UPDATE SET count = count + excluded.count`,
    ),
    /** The last id of those that are taken from one that is. */
    lastBefore: db.prepare('SELECT max(id) FROM statements WHERE id >= ? AND id <= ?').pluck(),
    insertText: db.prepare(
      'INSERT INTO statements_fts (rowid, text, parameters, message, facets) VALUES (?, ?, ?, ?, ?)',
    ),
  };
}
