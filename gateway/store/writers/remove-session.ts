import type { Db } from '../migrations/migration.ts';
import type { FacetIds } from './facet-ids.ts';
import type { Interner } from './interner.ts';

const BATCH = 2_000;

/** Forgets a session, in transactions of bounded size. @returns whether it was there. */
export function removeSession(db: Db, id: string, interner: Interner, facets: FacetIds): boolean {
  const seq = db.prepare('SELECT seq FROM sessions WHERE id = ?').pluck().get(id) as number | undefined;
  if (seq === undefined) return false;
  interner.forget(seq);
  facets.forgetAll();
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
  db.transaction(() => {
    // String ranges, entities, tallies and facets' links go with the session's row (ON DELETE CASCADE).
    db.prepare('DELETE FROM sessions WHERE seq = ?').run(seq);
    db.exec('DELETE FROM facets WHERE NOT EXISTS (SELECT 1 FROM session_facets WHERE facet = facets.id)');
  }).immediate();
  return true;
}

/** Before the ranges that say which strings these are. */
function removeStrings(db: Db, seq: number): void {
  const ranges = db
    .prepare<[number], { from: number; to: number | null }>(
      `SELECT r.first AS "from", (SELECT min(n.first) FROM string_ranges n WHERE n.first > r.first) AS "to"
       FROM string_ranges r WHERE r.session = ?`,
    )
    .all(seq);
  const forget = db.prepare('DELETE FROM strings WHERE id >= ? AND id < ?');
  for (const { from, to } of ranges) forget.run(from, to ?? Number.MAX_SAFE_INTEGER);
}

/** Empties the index; the recordings stay. */
export function removeAll(db: Db, interner: Interner, facets: FacetIds): void {
  interner.forgetAll();
  facets.forgetAll();
  db.transaction(() => {
    db.exec(`
      INSERT INTO statements_fts (statements_fts) VALUES ('delete-all');
      DELETE FROM tallies; DELETE FROM shape_tallies; DELETE FROM table_tallies;
      DELETE FROM string_ranges; DELETE FROM session_entities; DELETE FROM session_facets;
      DELETE FROM statements; DELETE FROM strings; DELETE FROM sessions; DELETE FROM facets;
    `);
  }).immediate();
}
