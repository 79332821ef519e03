import { chmodSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Alert } from '../contract/alert.ts';
import type { Seen } from './engine.ts';

const MAX_SEEN = 200_000;
const MAX_HISTORY = 10_000;
const MAX_CACHED = 20_000;
/** So many are forgotten at once, since a sweep looks at all of them. */
const SWEEP = 10_000;

/** What rules remember, and the alerts of the past; `<home>/alerts.db`. Both are bounded: the oldest go. */
export interface AlertBook extends Seen {
  /** @returns false when this very alert is there already. */
  add(alert: Alert): boolean;
  history(page: { offset: number; limit: number }): { items: Alert[]; total: number };
  close(): void;
}

/** @param maxSeen for tests. */
export function openAlertBook(file: string, maxSeen: number = MAX_SEEN): AlertBook {
  const db = new Database(file);
  if (file !== ':memory:') chmodSync(file, 0o600);
  db.pragma('journal_mode = WAL');
  // A power cut may lose the last seconds: an alert then comes twice, which is better than a disk that waits.
  db.pragma('synchronous = NORMAL');
  db.exec(`
    CREATE TABLE IF NOT EXISTS seen (
      n INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (rule, key)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS alerts (n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, alert TEXT NOT NULL) STRICT;
  `);
  const addSeen = db.prepare('INSERT INTO seen (rule, key) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const addAlert = db.prepare('INSERT INTO alerts (id, alert) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const trim = db.prepare('DELETE FROM alerts WHERE n <= ?');
  const total = db.prepare('SELECT count(*) FROM alerts').pluck();
  const pageOf = db.prepare('SELECT alert FROM alerts ORDER BY n DESC LIMIT ? OFFSET ?').pluck();
  const sweep = db.prepare('DELETE FROM seen WHERE n IN (SELECT n FROM seen ORDER BY n LIMIT ?)');
  let count = db.prepare('SELECT count(*) FROM seen').pluck().get() as number;
  let cached = new Set<string>();

  return {
    isNew(rule, key) {
      const both = `${rule}\u0000${key}`;
      if (cached.has(both)) return false;
      const isNew = addSeen.run(rule, key).changes === 1;
      if (cached.size >= MAX_CACHED) cached = new Set();
      cached.add(both);
      if (isNew) count += 1;
      if (count > maxSeen) {
        count -= sweep.run(Math.min(SWEEP, Math.ceil(maxSeen / 10))).changes;
        cached = new Set();
      }
      return isNew;
    },
    add(alert) {
      const { changes, lastInsertRowid } = addAlert.run(alert.id, JSON.stringify(alert));
      if (changes === 1) trim.run(Number(lastInsertRowid) - MAX_HISTORY);
      return changes === 1;
    },
    history: ({ offset, limit }) => ({
      items: (pageOf.all(limit, offset) as string[]).map((text) => Alert.parse(JSON.parse(text))),
      total: total.get() as number,
    }),
    close: () => void db.close(),
  };
}

/** For an evaluation that begins from nothing and leaves nothing. */
export function freshMemory(): Seen {
  const seen = new Set<string>();
  return {
    isNew(rule, key) {
      const both = `${rule}\u0000${key}`;
      if (seen.has(both)) return false;
      if (seen.size >= MAX_SEEN) seen.delete(seen.values().next().value!);
      seen.add(both);
      return true;
    },
  };
}
