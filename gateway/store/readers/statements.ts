import type { Statement } from '../../contract/session.ts';
import type { Db } from '../migrations/migration.ts';
import { STATEMENT_COLUMNS, type StatementRow, statementOf } from '../rows.ts';
import type { Page } from './search.ts';

/** In the order of the session; null when the session is not known. */
export function listStatements(db: Db, sessionId: string, page: Page): { items: Statement[]; total: number } | null {
  const session = db
    .prepare<[string], { seq: number; statements: number }>('SELECT seq, statements FROM sessions WHERE id = ?')
    .get(sessionId);
  if (!session) return null;
  const rows = db
    .prepare<unknown[], StatementRow>(
      `SELECT ${STATEMENT_COLUMNS} WHERE s.session = ? AND s.idx >= ? AND s.idx < ? ORDER BY s.idx`,
    )
    .all(session.seq, page.offset, page.offset + page.limit);
  return { items: rows.map(statementOf), total: session.statements };
}

/** One statement with where its result lies in the recording. */
export function findStatement(db: Db, sessionId: string, index: number): StatementRow | null {
  return (
    db
      .prepare<[string, number], StatementRow>(`SELECT ${STATEMENT_COLUMNS} WHERE n.id = ? AND s.idx = ?`)
      .get(sessionId, index) ?? null
  );
}
