import type { DerivedStatement } from '../../protocols/postgres/derive/types.ts';
import type { Db } from '../migrations/migration.ts';
import { sameFacts, sharedFacts } from '../rows.ts';
import type { Interner } from './interner.ts';

export interface PlacedStatement {
  statement: DerivedStatement;
  index: number;
  /** First unit of its exchange in the recording. */
  unit: number;
}

/** What the index keeps of one text or of one statement's parameters; the recording has all of it. */
const MAX_TEXT = 64 * 1024;
const MAX_PARAMETER = 4 * 1024;
const MAX_PARAMETERS = 64 * 1024;
const MAX_ENTITIES = 1_000;
const MAX_OBJECTS = 10_000;

export interface BatchCounts {
  asked: number;
  denied: number;
  errors: number;
  rows: number;
}

/** Within the caller's transaction. */
export function insertStatements(
  db: Db,
  session: number,
  statements: readonly PlacedStatement[],
  interner: Interner,
): BatchCounts {
  const counts: BatchCounts = { asked: 0, denied: 0, errors: 0, rows: 0 };
  if (statements.length === 0) return counts;
  const { insert, insertText, addObject } = prepared(db);
  const last = db.prepare('SELECT max(id) FROM statements').pluck().get() as number | null;
  let id = (last ?? 0) + 1;
  startBatch(db, id, interner.begin(), session);
  const entities = new Map<string, number>();
  /** Written in this batch already. */
  const objects = new Set<string>();
  const factsId = factsIds(session, interner);
  for (const { statement, index, unit } of statements) {
    const text = cut(statement.text, MAX_TEXT);
    const parameters = statement.parameters.length === 0 ? null : keptParameters(statement.parameters);
    const { error } = statement;
    const message = error === null ? null : cut(error.message, MAX_PARAMETER);
    const masked = Object.entries(statement.masked);
    insert.run(
      id,
      session,
      index,
      statement.exchange,
      statement.ordinal,
      unit,
      statement.startedUs,
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
    );
    insertText.run(id, text, parameters, message);
    for (const object of statement.objects) {
      if (objects.has(object)) continue;
      if (objects.size < MAX_OBJECTS) objects.add(object);
      addObject.run(object, session);
    }
    for (const [entity, count] of masked) {
      if (entities.size < MAX_ENTITIES || entities.has(entity))
        entities.set(entity, (entities.get(entity) ?? 0) + count);
    }
    if (statement.part === 0 && statement.verdict.startsWith('asked')) counts.asked++;
    if (statement.part === 0 && isDenied(statement)) counts.denied++;
    if (error !== null) counts.errors++;
    counts.rows += statement.rows;
    id++;
  }
  const addEntity = db.prepare(
    `INSERT INTO session_entities (session, entity, count) VALUES (?, ?, ?)
     ON CONFLICT (session, entity) DO UPDATE SET count = count + excluded.count`,
  );
  for (const [entity, count] of entities) addEntity.run(session, entity, count);
  return counts;
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

/** Ids up to the next batch belong to `session`; a batch of the session that was last goes on. */
function startBatch(db: Db, first: number, firstString: number, session: number): void {
  const before = db.prepare<[], { session: number }>('SELECT session FROM batches ORDER BY first DESC LIMIT 1').get();
  if (before?.session === session) return;
  db.prepare('INSERT OR REPLACE INTO batches (first, first_string, session) VALUES (?, ?, ?)').run(
    first,
    firstString,
    session,
  );
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
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    insertText: db.prepare('INSERT INTO statements_fts (rowid, text, parameters, message) VALUES (?, ?, ?, ?)'),
    addObject: db.prepare('INSERT OR IGNORE INTO session_objects (object, session) VALUES (?, ?)'),
  };
}

function cut(text: string, limit: number): string {
  return text.length <= limit
    ? text
    : `${text.slice(0, limit)}… (${text.length - limit} more characters in the recording)`;
}

function keptParameters(parameters: readonly (string | null)[]): string {
  const kept: (string | null)[] = [];
  let left = MAX_PARAMETERS;
  for (const value of parameters) {
    if (left <= 0) {
      kept.push(`… (${parameters.length - kept.length} more parameters in the recording)`);
      break;
    }
    const shown = value === null ? null : cut(value, Math.min(MAX_PARAMETER, left));
    left -= shown?.length ?? 0;
    left -= 4;
    kept.push(shown);
  }
  return JSON.stringify(kept);
}
