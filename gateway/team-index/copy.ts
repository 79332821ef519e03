import { once } from 'node:events';
import { from } from 'pg-copy-streams';
import type { TeamDb } from './connect.ts';

/** Text is sent in pieces of about this many characters. */
const PIECE = 256 * 1024;

export type CopyValue = string | number | null;

/** Rows by COPY, in its text format: https://www.postgresql.org/docs/current/sql-copy.html */
export async function copyRows(db: TeamDb, into: string, rows: Iterable<readonly CopyValue[]>): Promise<void> {
  const stream = db.query(from(`COPY ${into} FROM STDIN`));
  const finished = new Promise<void>((done, fail) => {
    stream.once('finish', done);
    stream.once('error', fail);
  });
  // Its failure is told at the end.
  finished.catch(() => {});
  let piece = '';
  for (const row of rows) {
    piece += `${row.map(field).join('\t')}\n`;
    if (piece.length < PIECE) continue;
    if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), finished]);
    piece = '';
  }
  stream.end(piece);
  await finished;
}

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  // PostgreSQL's text cannot hold it.
  '\0': '\ufffd',
};

function field(value: CopyValue): string {
  if (value === null) return '\\N';
  if (typeof value === 'number') return String(value);
  return value.replace(/[\\\n\r\t\0]/g, (char) => SPECIAL[char]!);
}
