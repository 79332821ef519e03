import type { Db } from '../migrations/migration.ts';
import type { Interner } from './interner.ts';

const BATCH = 2_000;

/** Forgets a session, in transactions of bounded size. @returns whether it was there. */
export function removeSession(db: Db, id: string, interner: Interner): boolean {
  const seq = db.prepare('SELECT seq FROM sessions WHERE id = ?').pluck().get(id) as number | undefined;
  if (seq === undefined) return false;
  interner.forget(seq);
  const some = db.prepare(`SELECT id FROM statements WHERE session = ? LIMIT ${BATCH}`).pluck();
  const forgetText = db.prepare('DELETE FROM statements_fts WHERE rowid = ?');
  const forget = db.prepare('DELETE FROM statements WHERE id = ?');
  for (;;) {
    const ids = some.all(seq) as number[];
    if (ids.length === 0) break;
    db.transaction(() => {
      for (const one of ids) {
        forgetText.run(one);
        forget.run(one);
      }
    }).immediate();
  }
  removeStrings(db, seq);
  // Batches, entities and objects go with the session's row (ON DELETE CASCADE).
  db.prepare('DELETE FROM sessions WHERE seq = ?').run(seq);
  return true;
}

/** Before the batches that say which strings these are. */
function removeStrings(db: Db, seq: number): void {
  const ranges = db
    .prepare<[number], { from: number; to: number | null }>(
      `SELECT b.first_string AS "from", (SELECT n.first_string FROM batches n WHERE n.first > b.first ORDER BY n.first LIMIT 1) AS "to"
       FROM batches b WHERE b.session = ?`,
    )
    .all(seq);
  const forget = db.prepare('DELETE FROM strings WHERE id >= ? AND id < ?');
  for (const { from, to } of ranges) forget.run(from, to ?? Number.MAX_SAFE_INTEGER);
}

/** Empties the index; the recordings stay. */
export function removeAll(db: Db, interner: Interner): void {
  interner.forgetAll();
  db.transaction(() => {
    db.exec(`
      INSERT INTO statements_fts (statements_fts) VALUES ('delete-all');
      DELETE FROM batches; DELETE FROM session_entities; DELETE FROM session_objects;
      DELETE FROM statements; DELETE FROM strings; DELETE FROM sessions;
    `);
  }).immediate();
}
