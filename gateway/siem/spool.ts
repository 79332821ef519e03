import { chmodSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { SiemEvent } from './mapping/event.ts';

/**
 * What has still to be sent, on disk: it survives a kill of the process. Events are kept once for all
 * destinations; each has its own place in them. Bounded: when it is full the oldest go, and each
 * destination that had not had them counts a gap.
 */
export interface Spool {
  /** Kept when it returns, as far as a process can say: a power cut may lose the last moment. */
  add(events: readonly SiemEvent[]): void;
  /** The next events for a destination, oldest first; `upTo` is what `done` takes. */
  next(destination: string, most: number): { events: SiemEvent[]; upTo: number };
  done(destination: string, upTo: number, sent: number): void;
  /** Events that were dropped before they were sent, until `gapTold`; null when none were. */
  gap(destination: string): Gap | null;
  gapTold(destination: string): void;
  state(destination: string): { waiting: number; waitingSince: number | null; sent: number; dropped: number };
  /** A destination that is new begins with what comes; one that is not named is forgotten. */
  setDestinations(ids: readonly string[]): void;
  close(): void;
}

export interface Gap {
  count: number;
  /** Microseconds since the epoch. */
  from: number;
  until: number;
}

interface Row {
  n: number;
  at: number;
  event: string;
}

/** Of one batch in memory; one event more may come over it. */
const MAX_BATCH_CHARS = 1024 * 1024;

export function openSpool(file: string, maxBytes: number): Spool {
  const db = new Database(file);
  chmodSync(file, 0o600);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = NORMAL');
  db.exec(`
    CREATE TABLE IF NOT EXISTS events (n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, event TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS destinations (
      id TEXT PRIMARY KEY, upto INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0, dropped INTEGER NOT NULL DEFAULT 0,
      gap INTEGER NOT NULL DEFAULT 0, gap_from INTEGER NOT NULL DEFAULT 0, gap_until INTEGER NOT NULL DEFAULT 0
    ) STRICT;
  `);
  const insert = db.prepare('INSERT INTO events (at, event) VALUES (?, ?)');
  const read = db.prepare<[number, number], Row>('SELECT n, at, event FROM events WHERE n > ? ORDER BY n LIMIT ?');
  const upto = db.prepare<[string], number>('SELECT upto FROM destinations WHERE id = ?').pluck();
  const advance = db.prepare('UPDATE destinations SET upto = max(upto, ?), sent = sent + ? WHERE id = ?');
  const forget = db.prepare(
    'DELETE FROM events WHERE n <= coalesce((SELECT min(upto) FROM destinations), 9223372036854775807)',
  );
  const gone = db
    .prepare('SELECT coalesce(sum(length(event)), 0) FROM events WHERE n <= (SELECT min(upto) FROM destinations)')
    .pluck();
  const sizeOf = db.prepare('SELECT coalesce(sum(length(event)), 0) FROM events').pluck();
  const oldest = db.prepare<[number], Row>('SELECT n, at, event FROM events ORDER BY n LIMIT ?');
  const removeUpTo = db.prepare('DELETE FROM events WHERE n <= ?');
  const last = db.prepare("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'").pluck();
  const noteGap = db.prepare(`
    UPDATE destinations SET dropped = dropped + @count, gap_from = CASE WHEN gap = 0 THEN @from ELSE gap_from END,
      gap_until = @until, gap = gap + @count, upto = @upto WHERE id = @id`);
  let bytes = sizeOf.get() as number;

  /** A tenth goes at once, so that a full spool does not sweep with each event. */
  function shrink(): void {
    while (bytes > maxBytes) {
      const rows = oldest.all(1000);
      if (rows.length === 0) return;
      let gone = 0;
      let index = 0;
      while (index < rows.length && (bytes - gone > maxBytes * 0.9 || index === 0)) gone += rows[index++]!.event.length;
      const cut = rows.slice(0, index);
      const end = cut.at(-1)!.n;
      for (const id of db.prepare('SELECT id FROM destinations').pluck().all() as string[]) {
        const lost = cut.filter((row) => row.n > upto.get(id)!);
        if (lost.length > 0)
          noteGap.run({ id, count: lost.length, from: lost[0]!.at, until: lost.at(-1)!.at, upto: end });
      }
      removeUpTo.run(end);
      bytes -= gone;
    }
  }

  return {
    add: db.transaction((events: readonly SiemEvent[]) => {
      for (const event of events) {
        const text = JSON.stringify(event);
        insert.run(Math.round(event.at), text);
        bytes += text.length;
      }
      shrink();
    }),
    next(destination, most) {
      const from = upto.get(destination) ?? 0;
      const events: SiemEvent[] = [];
      let upTo = from;
      let chars = 0;
      for (const row of read.iterate(from, most)) {
        if (events.length > 0 && chars + row.event.length > MAX_BATCH_CHARS) break;
        chars += row.event.length;
        events.push(JSON.parse(row.event) as SiemEvent);
        upTo = row.n;
      }
      return { events, upTo };
    },
    done: db.transaction((destination: string, upTo: number, sent: number) => {
      advance.run(upTo, sent, destination);
      bytes -= gone.get() as number;
      forget.run();
    }),
    gap(destination) {
      const row = db
        .prepare<[string], { gap: number; gap_from: number; gap_until: number }>(
          'SELECT gap, gap_from, gap_until FROM destinations WHERE id = ?',
        )
        .get(destination);
      return row && row.gap > 0 ? { count: row.gap, from: row.gap_from, until: row.gap_until } : null;
    },
    gapTold: (destination) => void db.prepare('UPDATE destinations SET gap = 0 WHERE id = ?').run(destination),
    state(destination) {
      const row = db
        .prepare<[string], { upto: number; sent: number; dropped: number }>(
          'SELECT upto, sent, dropped FROM destinations WHERE id = ?',
        )
        .get(destination);
      if (!row) return { waiting: 0, waitingSince: null, sent: 0, dropped: 0 };
      // Events go from the front alone, so there are no holes behind `upto`.
      const waiting = Math.max(0, (last.get() as number) - row.upto);
      const since = read.get(row.upto, 1)?.at ?? null;
      return { waiting, waitingSince: since, sent: row.sent, dropped: row.dropped };
    },
    setDestinations: db.transaction((ids: readonly string[]) => {
      const known = db.prepare('SELECT id FROM destinations').pluck().all() as string[];
      for (const id of known) if (!ids.includes(id)) db.prepare('DELETE FROM destinations WHERE id = ?').run(id);
      for (const id of ids) {
        db.prepare('INSERT INTO destinations (id, upto) VALUES (?, ?) ON CONFLICT DO NOTHING').run(id, last.get());
      }
      forget.run();
      bytes = sizeOf.get() as number;
    }),
    close: () => void db.close(),
  };
}
