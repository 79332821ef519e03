import { chmodSync, existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CountersignError } from '../../contract/errors.ts';
import { type Cursor, START } from '../cut.ts';
import { type Db, migrate } from './migrations/index.ts';

export type ObjectKind = 'part' | 'last-part' | 'log' | 'document';

/** An object that waits for the store; its bytes lie in a file of the staging folder. */
export interface StagedObject {
  id: number;
  lane: string;
  kind: ObjectKind;
  /** Without the `.rK` of a repetition. */
  name: string;
  retry: number;
  file: string;
  size: number;
  sha256: Uint8Array;
  stagedAt: number;
  attempts: number;
  nextAt: number;
  error: string | null;
}

export type NewObject = Pick<StagedObject, 'lane' | 'kind' | 'name' | 'file' | 'size' | 'sha256'>;

export interface SessionRow {
  sid: string;
  /** Below the recordings' folder. */
  folder: string;
  connection: string;
  sync: 'all' | 'local';
  openedAt: number;
  /** null while it is open. */
  endedAt: number | null;
  asked: number;
  denied: number;
  errors: number;
  /** On this disk. */
  bytes: number;
  /** Of those, in no part yet. */
  rest: number;
  nextPart: number;
  /** Hash of the last part that was made. */
  prev: string;
  cursor: Cursor;
  /** Since when something of it is not in the store; null when all is. */
  waitingSince: number | null;
  /** Its last part was made. */
  complete: boolean;
  /** The store confirmed its last part. */
  confirmedAt: number | null;
  problem: string | null;
  removedAt: number | null;
}

export interface Ending {
  endedAt: number;
  asked: number;
  denied: number;
  errors: number;
}

const MAX_FINDINGS = 1000;
const OBJECT = 'id, lane, kind, name, retry, file, size, sha256, staged_at stagedAt, attempts, next_at nextAt, error';
const SESSION = `sid, folder, connection, sync, opened_at openedAt, ended_at endedAt, asked, denied, errors, bytes, rest,
  next_part nextPart, prev, cursor, waiting_since waitingSince, complete, confirmed_at confirmedAt, problem, removed_at removedAt`;

type RawSession = Omit<SessionRow, 'cursor' | 'complete'> & { cursor: string; complete: number };
const sessionOf = (raw: RawSession): SessionRow => ({
  ...raw,
  cursor: JSON.parse(raw.cursor) as Cursor,
  complete: raw.complete === 1,
});

/**
 * What has gone to the store, what waits for it, and how far each session's parts go. It cannot be made anew from the
 * recordings, so every transaction is on disk when it returns. Throws SYNC_FROM_FUTURE, SYNC_OUTBOX_BROKEN.
 */
export class Outbox {
  readonly #db: Db;
  readonly #statements = new Map<string, Database.Statement>();

  constructor(file: string) {
    const isNew = !existsSync(file);
    try {
      this.#db = new Database(file, { timeout: 5000 });
      if (isNew) chmodSync(file, 0o600);
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      migrate(this.#db);
    } catch (cause) {
      if (cause instanceof CountersignError) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CountersignError('SYNC_OUTBOX_BROKEN', `the outbox ${file} cannot be used: ${why}`, { cause });
    }
  }

  close(): void {
    this.#db.close();
  }

  #sql(text: string): Database.Statement {
    let statement = this.#statements.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#statements.set(text, statement);
    }
    return statement;
  }

  #all<T>(text: string, ...args: unknown[]): T[] {
    return this.#sql(text).all(...args) as T[];
  }

  #get<T>(text: string, ...args: unknown[]): T | undefined {
    return this.#sql(text).get(...args) as T | undefined;
  }

  transaction<T>(run: () => T): T {
    return this.#db.transaction(run).immediate();
  }

  // ---- meta --------------------------------------------------------------------------------

  meta(key: string): string | null {
    return this.#get<{ value: string }>('SELECT value FROM meta WHERE key = ?', key)?.value ?? null;
  }

  setMeta(key: string, value: string): void {
    this.#sql('INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value').run(key, value);
  }

  addMeta(key: string, by: number): void {
    this.setMeta(key, String(Number(this.meta(key) ?? 0) + by));
  }

  // ---- sessions ----------------------------------------------------------------------------

  session(sid: string): SessionRow | null {
    const raw = this.#get<RawSession>(`SELECT ${SESSION} FROM sessions WHERE sid = ?`, sid);
    return raw === undefined ? null : sessionOf(raw);
  }

  /** Does nothing where it is known. */
  addSession(
    row: Pick<SessionRow, 'sid' | 'folder' | 'connection' | 'sync' | 'openedAt' | 'bytes'>,
    now: number,
  ): void {
    this.#sql(
      `INSERT INTO sessions (sid, folder, connection, sync, opened_at, bytes, rest, cursor, waiting_since)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    ).run(
      row.sid,
      row.folder,
      row.connection,
      row.sync,
      row.openedAt,
      row.bytes,
      row.bytes,
      JSON.stringify(START),
      row.sync === 'all' ? now : null,
    );
  }

  endSession(sid: string, { endedAt, asked, denied, errors }: Ending, bytes: number): void {
    this.#sql('UPDATE sessions SET ended_at = ?, asked = ?, denied = ?, errors = ?, bytes = ? WHERE sid = ?').run(
      endedAt,
      asked,
      denied,
      errors,
      bytes,
      sid,
    );
  }

  grewTo(sid: string, bytes: number, now: number): void {
    this.#sql(
      `UPDATE sessions SET rest = max(0, rest + ? - bytes), bytes = ?,
         waiting_since = CASE WHEN sync = 'local' THEN NULL ELSE coalesce(waiting_since, ?) END WHERE sid = ?`,
    ).run(bytes, bytes, now, sid);
  }

  /** Everything that a signed head covers is in parts. */
  nothingLeft(sid: string): void {
    this.#sql(
      `UPDATE sessions SET rest = 0, problem = NULL, waiting_since = (SELECT min(staged_at) FROM objects WHERE lane = sid)
       WHERE sid = ? AND (rest > 0 OR problem IS NOT NULL)`,
    ).run(sid);
  }

  setProblem(sid: string, problem: string | null): void {
    this.#sql('UPDATE sessions SET problem = ? WHERE sid = ? AND problem IS NOT ?').run(problem, sid, problem);
  }

  /** Those of which something may still have to be made into parts. */
  unfinished(): string[] {
    return this.#all<{ sid: string }>(
      `SELECT sid FROM sessions WHERE confirmed_at IS NULL AND removed_at IS NULL AND complete = 0 AND sync = 'all' ORDER BY sid`,
    ).map(({ sid }) => sid);
  }

  /** Those whose end has not been written down. */
  openSessions(): string[] {
    return this.#all<{ sid: string }>(
      'SELECT sid FROM sessions WHERE confirmed_at IS NULL AND removed_at IS NULL AND ended_at IS NULL ORDER BY sid',
    ).map(({ sid }) => sid);
  }

  /** Ended ones that are still on this disk, oldest first. */
  *ended(): Generator<SessionRow> {
    let after = '';
    for (;;) {
      const page = this.#all<RawSession>(
        `SELECT ${SESSION} FROM sessions WHERE sid > ? AND removed_at IS NULL AND ended_at IS NOT NULL ORDER BY sid LIMIT 500`,
        after,
      );
      if (page.length === 0) return;
      after = page.at(-1)!.sid;
      yield* page.map(sessionOf);
    }
  }

  removedSession(sid: string, now: number): void {
    this.#sql('UPDATE sessions SET removed_at = ?, waiting_since = NULL WHERE sid = ?').run(now, sid);
  }

  localBytes(): number {
    return this.#get<{ sum: number | null }>('SELECT sum(bytes) sum FROM sessions WHERE removed_at IS NULL')?.sum ?? 0;
  }

  waiting(): { sessions: number; bytes: number; oldest: number | null; local: number; problems: string[] } {
    const row = this.#get<{ sessions: number; bytes: number | null; oldest: number | null }>(
      `SELECT count(*) sessions, sum(rest) bytes, min(waiting_since) oldest FROM sessions
       WHERE waiting_since IS NOT NULL AND removed_at IS NULL AND sync = 'all'`,
    )!;
    const { local } = this.#get<{ local: number }>(
      `SELECT count(*) local FROM sessions WHERE sync = 'local' AND removed_at IS NULL`,
    )!;
    const problems = this.#all<{ problem: string }>(
      'SELECT problem FROM sessions WHERE problem IS NOT NULL AND removed_at IS NULL ORDER BY sid LIMIT 20',
    ).map(({ problem }) => problem);
    return { ...row, bytes: row.bytes ?? 0, local, problems };
  }

  // ---- objects -----------------------------------------------------------------------------

  #insert(object: NewObject, now: number, undo: string | null): void {
    const { lane, kind, name, file, size, sha256 } = object;
    this.#sql(
      'INSERT INTO objects (lane, kind, name, file, size, sha256, staged_at, undo) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ).run(lane, kind, name, file, size, sha256, now, undo);
  }

  /**
   * The next part of a session waits for the store, and the session's parts go as far as it.
   * @returns false, and nothing was done, where the session's parts have been taken back since `session` was read.
   */
  stagePart(
    object: NewObject,
    session: SessionRow,
    next: { prev: string; cursor: Cursor; rest: number },
    now: number,
  ): boolean {
    return this.transaction(() => {
      const { sid, nextPart, prev, cursor } = session;
      const { changes } = this.#sql(
        `UPDATE sessions SET next_part = ?, prev = ?, cursor = ?, rest = ?, complete = ?, problem = NULL
         WHERE sid = ? AND next_part = ? AND prev = ?`,
      ).run(
        nextPart + 1,
        next.prev,
        JSON.stringify(next.cursor),
        next.rest,
        object.kind === 'last-part' ? 1 : 0,
        sid,
        nextPart,
        prev,
      );
      if (changes === 0) return false;
      this.#insert(object, now, JSON.stringify({ nextPart, prev, cursor }));
      return true;
    });
  }

  /** @param meta is written with them. */
  stage(objects: readonly NewObject[], now: number, meta: Readonly<Record<string, string>> = {}): void {
    this.transaction(() => {
      for (const object of objects) this.#insert(object, now, null);
      for (const [key, value] of Object.entries(meta)) this.setMeta(key, value);
    });
  }

  /** The first of each lane, if its time has come. */
  due(now: number, longestWait: number, busy: ReadonlySet<string>, limit: number): StagedObject[] {
    // A clock that was set back must not make anything wait for the day it came from.
    return this.#all<StagedObject>(
      `SELECT ${OBJECT} FROM objects o WHERE id = (SELECT min(id) FROM objects WHERE lane = o.lane)
         AND (next_at <= ? OR next_at > ?) ORDER BY kind IN ('log', 'document') DESC, id LIMIT ?`,
      now,
      now + longestWait,
      limit + busy.size,
    )
      .filter(({ lane }) => !busy.has(lane))
      .slice(0, limit);
  }

  nextDue(now: number): number | null {
    return this.#get<{ at: number | null }>('SELECT min(next_at) at FROM objects WHERE next_at > ?', now)?.at ?? null;
  }

  inLane(lane: string): number {
    return this.#get<{ n: number }>('SELECT count(*) n FROM objects WHERE lane = ?', lane)!.n;
  }

  stagedFiles(): Set<string> {
    return new Set(this.#all<{ file: string }>('SELECT file FROM objects').map(({ file }) => file));
  }

  queue(): { objects: number; bytes: number; oldest: number | null } {
    const row = this.#get<{ objects: number; bytes: number | null; oldest: number | null }>(
      'SELECT count(*) objects, sum(size) bytes, min(staged_at) oldest FROM objects',
    )!;
    return { ...row, bytes: row.bytes ?? 0 };
  }

  failed(id: number, error: string, nextAt: number): void {
    this.#sql('UPDATE objects SET attempts = attempts + 1, error = ?, next_at = ? WHERE id = ?').run(error, nextAt, id);
  }

  /** What lies under its name is something else: from here on it has the next name. */
  nextName(id: number): void {
    this.#sql('UPDATE objects SET retry = retry + 1 WHERE id = ?').run(id);
  }

  allDueNow(): void {
    this.#sql('UPDATE objects SET next_at = 0').run();
  }

  /** The store has it. */
  confirmed(object: StagedObject, now: number): void {
    this.transaction(() => {
      this.#sql('DELETE FROM objects WHERE id = ?').run(object.id);
      this.addMeta('confirmed-objects', 1);
      this.addMeta('confirmed-bytes', object.size);
      this.setMeta('confirmed-at', String(now));
      if (object.kind === 'document')
        this.#sql('INSERT INTO published VALUES (?, ?) ON CONFLICT DO UPDATE SET sha256 = excluded.sha256').run(
          object.name,
          object.sha256,
        );
      if (object.kind === 'last-part')
        this.#sql('UPDATE sessions SET confirmed_at = ?, waiting_since = NULL WHERE sid = ?').run(now, object.lane);
      else if (object.kind === 'part')
        // What is left came after this part was made.
        this.#sql(
          `UPDATE sessions SET waiting_since =
             CASE WHEN rest > 0 OR EXISTS (SELECT 1 FROM objects WHERE lane = sid) THEN max(waiting_since, ?) END WHERE sid = ?`,
        ).run(object.stagedAt, object.lane);
    });
  }

  /** A part's bytes are gone from the staging folder: it and those after it are made again. @returns their files. */
  takeBack(object: StagedObject): string[] {
    return this.transaction(() => {
      const rows = this.#all<{ id: number; file: string; undo: string | null }>(
        'SELECT id, file, undo FROM objects WHERE lane = ? AND id >= ? ORDER BY id',
        object.lane,
        object.id,
      );
      this.#sql('DELETE FROM objects WHERE lane = ? AND id >= ?').run(object.lane, object.id);
      const undo = rows[0]?.undo ?? null;
      if (undo !== null) {
        const { nextPart, prev, cursor } = JSON.parse(undo) as Pick<SessionRow, 'nextPart' | 'prev' | 'cursor'>;
        this.#sql(
          'UPDATE sessions SET next_part = ?, prev = ?, cursor = ?, complete = 0, rest = bytes WHERE sid = ?',
        ).run(nextPart, prev, JSON.stringify(cursor), object.lane);
      }
      return rows.map(({ file }) => file);
    });
  }

  isPublished(name: string, sha256: Uint8Array): boolean {
    return (
      this.#get('SELECT 1 FROM published WHERE name = ? AND sha256 = ?', name, sha256) !== undefined ||
      this.#get('SELECT 1 FROM objects WHERE name = ? AND sha256 = ?', name, sha256) !== undefined
    );
  }

  /** Another store: everything that is still here goes there from the beginning. */
  startOver(now: number): void {
    this.transaction(() => {
      this.#db.exec(`
        DELETE FROM objects; DELETE FROM published; DELETE FROM findings;
        DELETE FROM meta WHERE key GLOB 'log-size/*'`);
      this.#sql(
        `UPDATE sessions SET next_part = 0, prev = '', cursor = ?, complete = 0, confirmed_at = NULL, problem = NULL, rest = bytes,
           waiting_since = CASE WHEN sync = 'all' THEN ? ELSE NULL END WHERE removed_at IS NULL`,
      ).run(JSON.stringify(START), now);
    });
  }

  // ---- findings ----------------------------------------------------------------------------

  addFinding(name: string, sentence: string, now: number): void {
    this.#sql('INSERT INTO findings VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(name, now, sentence);
    this.#sql('DELETE FROM findings WHERE name NOT IN (SELECT name FROM findings ORDER BY at DESC LIMIT ?)').run(
      MAX_FINDINGS,
    );
  }

  findings(): { at: number; sentence: string }[] {
    return this.#all('SELECT at, sentence FROM findings ORDER BY at DESC LIMIT 100');
  }
}
