import type { SessionFilter } from '../../contract/routes/sessions.ts';
import type { Session } from '../../contract/session.ts';
import type { Db } from '../migrations/migration.ts';
import type { OfSubject } from '../query.ts';
import { type SessionRow, sessionOf } from '../rows.ts';
import { sessionsMatching } from './search.ts';

const VERDICTS = { asked: 'asked > 0', denied: 'denied > 0', error: 'errors > 0' } as const;

/** Latest opened first. */
export function listSessions(db: Db, filter: SessionFilter & OfSubject): { items: Session[]; total: number } {
  const where: string[] = [];
  const values: (string | number)[] = [];
  const add = (condition: string, ...given: (string | number)[]) => {
    where.push(condition);
    values.push(...given);
  };
  if (filter.connectionId !== undefined) add('connection_id = ?', filter.connectionId);
  if (filter.conversationId !== undefined) add('conversation_id = ?', filter.conversationId);
  if (filter.state !== undefined) add('state = ?', filter.state);
  if (filter.subject !== undefined) add("json_extract(identity, '$.subject') = ?", filter.subject);
  if (filter.verdict !== undefined) add(VERDICTS[filter.verdict]);
  if (filter.since !== undefined) add('opened_at >= ?', isoUtc(filter.since));
  if (filter.until !== undefined) add('opened_at < ?', isoUtc(filter.until));
  if (filter.text !== undefined && filter.text.trim() !== '') {
    add('seq IN (SELECT value FROM json_each(?))', JSON.stringify(sessionsMatching(db, filter.text)));
  }
  const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
  const total = db
    .prepare(`SELECT count(*) FROM sessions ${condition}`)
    .pluck()
    .get(...values) as number;
  const rows = db
    .prepare<unknown[], SessionRow>(
      // What is passed over is read from the index alone.
      `SELECT * FROM sessions WHERE seq IN
         (SELECT seq FROM sessions ${condition} ORDER BY opened_at DESC, id DESC LIMIT ? OFFSET ?)
       ORDER BY opened_at DESC, id DESC`,
    )
    .all(...values, filter.limit, filter.offset);
  return { items: rows.map((row) => sessionOf(row, maskedOf(db, row.seq))), total };
}

export function findSession(db: Db, id: string): Session | null {
  const row = db.prepare<[string], SessionRow>('SELECT * FROM sessions WHERE id = ?').get(id);
  return row ? sessionOf(row, maskedOf(db, row.seq)) : null;
}

/** Sessions that touched `object` (schema.table) on a connection, latest first. */
export function sessionsTouching(db: Db, connectionId: string, object: string, limit: number): string[] {
  return db
    .prepare(
      `SELECT DISTINCT s.id FROM facets f JOIN session_facets o ON o.facet = f.id JOIN sessions s ON s.seq = o.session
       WHERE f.kind = 'table' AND f.value = ? AND s.connection_id = ? ORDER BY s.opened_at DESC LIMIT ?`,
    )
    .pluck()
    .all(object, connectionId, limit) as string[];
}

function maskedOf(db: Db, seq: number): Record<string, number> {
  const rows = db
    .prepare<[number], { entity: string; count: number }>(
      'SELECT entity, count FROM session_entities WHERE session = ? ORDER BY entity',
    )
    .all(seq);
  return Object.fromEntries(rows.map(({ entity, count }) => [entity, count]));
}

/** Stored times are UTC with milliseconds, and compare as text. */
function isoUtc(time: string): string {
  return new Date(time).toISOString();
}
