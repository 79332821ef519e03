import { chmodSync, existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { AuditStatus, AuditVerdict } from '../../contract/audit.ts';
import type { AuditReport, DeviceReport, SessionReport } from '../verify/report.ts';

const SCHEMA_VERSION = 1;
const SCHEMA = `
CREATE TABLE reports (id INTEGER PRIMARY KEY CHECK (id = 1), at TEXT NOT NULL, facts TEXT NOT NULL) STRICT;
CREATE TABLE devices (device TEXT PRIMARY KEY, name TEXT, at TEXT NOT NULL, facts TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
  sid TEXT PRIMARY KEY,
  device TEXT NOT NULL,
  -- In the order of the device's log; what it does not name comes last.
  place INTEGER NOT NULL,
  state TEXT NOT NULL,
  ok INTEGER NOT NULL,
  at TEXT NOT NULL,
  facts TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of ON sessions (device, place);
CREATE INDEX sessions_failed ON sessions (ok, sid);
`;

export interface StoredReport {
  at: string;
  ok: boolean;
  checks: AuditReport['checks'];
  counts: AuditReport['counts'];
}

export type StoredDevice = Omit<DeviceReport, 'sessions'> & {
  at: string;
  counts: NonNullable<AuditStatus['verified']>['counts'];
};

const LAST = Number.MAX_SAFE_INTEGER;
const GONE = ['missing', 'kept-local', 'removed', 'unreadable'];

/** What the last verification of everything said, and of sessions that were verified since. It can be made anew at any time. */
export class Verdicts {
  readonly #db: Database.Database;

  constructor(file: string) {
    const fresh = !existsSync(file);
    this.#db = new Database(file, { timeout: 5000 });
    if (fresh) chmodSync(file, 0o600);
    this.#db.pragma('journal_mode = WAL');
    if (this.#db.pragma('user_version', { simple: true }) !== SCHEMA_VERSION) this.#begin();
  }

  #begin(): void {
    this.#db.transaction(() => {
      this.#db.exec('DROP TABLE IF EXISTS reports; DROP TABLE IF EXISTS devices; DROP TABLE IF EXISTS sessions');
      this.#db.exec(SCHEMA);
      this.#db.pragma(`user_version = ${SCHEMA_VERSION}`);
    })();
  }

  put({ at, ok, checks, counts, devices }: AuditReport): void {
    this.#db.transaction(() => {
      this.#db.exec('DELETE FROM reports; DELETE FROM devices; DELETE FROM sessions');
      this.#db.prepare('INSERT INTO reports VALUES (1, ?, ?)').run(at, JSON.stringify({ ok, checks, counts }));
      for (const { sessions, ...device } of devices) {
        this.#db
          .prepare('INSERT INTO devices VALUES (?, ?, ?, ?)')
          .run(device.device, device.name, at, JSON.stringify({ ...device, counts: countsOf(sessions) }));
        for (const session of sessions) this.putSession(session, at);
      }
    })();
  }

  putSession(session: SessionReport, at: string): void {
    const { sid, device, ordinal, state, ok } = session;
    this.#db
      .prepare('INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(sid, device, ordinal ?? LAST, state, ok ? 1 : 0, at, JSON.stringify(session));
  }

  report(): StoredReport | null {
    const row = this.#db.prepare('SELECT at, facts FROM reports').get() as { at: string; facts: string } | undefined;
    return row === undefined ? null : { ...(JSON.parse(row.facts) as Omit<StoredReport, 'at'>), at: row.at };
  }

  devices(): StoredDevice[] {
    const rows = this.#db.prepare('SELECT at, facts FROM devices ORDER BY device').all() as {
      at: string;
      facts: string;
    }[];
    return rows.map(({ at, facts }) => ({ ...(JSON.parse(facts) as Omit<StoredDevice, 'at'>), at }));
  }

  nameOf(device: string): string | null {
    return (this.#db.prepare('SELECT name FROM devices WHERE device = ?').pluck().get(device) as string | null) ?? null;
  }

  verdict(sid: string): AuditVerdict | null {
    const row = this.#db.prepare('SELECT at, facts FROM sessions WHERE sid = ?').get(sid) as Row | undefined;
    return row === undefined ? null : verdictOf(row);
  }

  ofDevice(
    device: string,
    { only, offset, limit }: { only?: 'failed' | 'missing' | undefined; offset: number; limit: number },
  ): { items: AuditVerdict[]; total: number } {
    const which = only === 'failed' ? 'AND ok = 0' : only === 'missing' ? "AND state IN ('missing', 'unreadable')" : '';
    const rows = this.#db
      .prepare(`SELECT at, facts FROM sessions WHERE device = ? ${which} ORDER BY place, sid LIMIT ? OFFSET ?`)
      .all(device, limit, offset) as Row[];
    const total = this.#db.prepare(`SELECT count(*) FROM sessions WHERE device = ? ${which}`).pluck().get(device);
    return { items: rows.map(verdictOf), total: total as number };
  }

  /** Sessions that can be looked at and do not hold, newest first. */
  failed({ offset, limit }: { offset: number; limit: number }): { sids: string[]; total: number } {
    const where = `ok = 0 AND state NOT IN (${GONE.map(() => '?').join(', ')})`;
    const sids = this.#db
      .prepare(`SELECT sid FROM sessions WHERE ${where} ORDER BY sid DESC LIMIT ? OFFSET ?`)
      .pluck()
      .all(...GONE, limit, offset) as string[];
    const total = this.#db.prepare(`SELECT count(*) FROM sessions WHERE ${where}`).pluck();
    return { sids, total: total.get(...GONE) as number };
  }

  close(): void {
    this.#db.close();
  }
}

interface Row {
  at: string;
  facts: string;
}

const verdictOf = ({ at, facts }: Row): AuditVerdict => ({ ...(JSON.parse(facts) as SessionReport), at });

function countsOf(sessions: readonly SessionReport[]): StoredDevice['counts'] {
  const failed = sessions.filter(({ ok }) => !ok).length;
  const gone = sessions.filter(({ ok, state }) => ok && GONE.includes(state)).length;
  return {
    devices: 1,
    sessions: sessions.length,
    verified: sessions.length - failed - gone,
    failed,
    missing: sessions.filter(({ state }) => state === 'missing' || state === 'unreadable').length,
  };
}
