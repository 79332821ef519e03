import type { Session } from '../../contract/session.ts';
import type { DerivedStatement } from '../../pipeline/derive.ts';
import type { RecordedSession } from '../../recording/recorded.ts';
import { type Origin, originFacets, sessionToken } from '../facets.ts';
import type { Db } from '../migrations/migration.ts';
import type { SessionRow } from '../rows.ts';
import type { WalkCursor, WalkStep } from '../walk.ts';
import type { FacetIds } from './facet-ids.ts';
import { insertRows, type PlacedStatement, rowsOf, type StatementToInsert } from './insert-statements.ts';
import type { Interner } from './interner.ts';

/** Statements and characters of one transaction: what a batch holds in memory and blocks the disk for. */
const BATCH_STATEMENTS = 4_000;
const BATCH_CHARS = 8 * 1024 * 1024;
/** Small sessions share a transaction; full text then gathers the words of all of them. */
const BATCH_SESSIONS = 1_000;

/** What one session adds to a batch. */
interface Part {
  recorded: RecordedSession;
  device: string | null;
  /** Where the index was when the walk began, and where it is after the batch. */
  from: WalkCursor;
  to: WalkCursor;
  /** Index of the next statement. */
  next: number;
  statements: PlacedStatement[];
  bytesUp: number;
  bytesDown: number;
  deriver: string | null;
  over: boolean;
}

/**
 * Statements that are written in one transaction, which also says how far each of their sessions came: a stop
 * at any point (also of the process) is gone on from, and two processes cannot write the same statements twice.
 */
export class Batch {
  readonly #db: Db;
  readonly #interner: Interner;
  readonly #facets: FacetIds;
  readonly #sql: ReturnType<typeof prepare>;
  #parts: Part[] = [];
  #open: Part | null = null;
  #count = 0;
  #chars = 0;
  /** Statements that were written. */
  written = 0;

  constructor(db: Db, interner: Interner, facets: FacetIds) {
    this.#db = db;
    this.#interner = interner;
    this.#facets = facets;
    this.#sql = prepare(db);
  }

  get full(): boolean {
    return this.#count >= BATCH_STATEMENTS || this.#chars >= BATCH_CHARS || this.#parts.length >= BATCH_SESSIONS;
  }

  known(id: string): SessionRow | null {
    return this.#sql.known.get(id) ?? null;
  }

  begin(recorded: RecordedSession, device: string | null, from: WalkCursor, next: number): void {
    this.#open = { recorded, device, from, to: from, next, ...EMPTY, statements: [] };
    this.#parts.push(this.#open);
  }

  add({ exchange, told, ended, cursor }: WalkStep): void {
    const part = this.#open!;
    for (const one of told) {
      if (one.type !== 'statement') continue;
      const { statement } = one;
      part.statements.push({ statement, index: part.next++, unit: exchange.firstUnit });
      this.#count++;
      this.#chars += statement.text.length + charsOf(statement);
    }
    if (!ended) return;
    part.bytesUp += exchange.bytesUp;
    part.bytesDown += exchange.bytesDown;
    part.to = cursor;
  }

  /** The session has come so far; more of it may follow unless it is `over`. */
  mark(deriver: string | null, over: boolean): void {
    this.#open!.deriver = deriver;
    this.#open!.over = over;
  }

  /** No more of the session is added to this batch. */
  end(): void {
    this.#open = null;
  }

  /** Leaves out what was not written of a session whose recording cannot be read on. */
  drop(): void {
    this.#parts = this.#parts.filter((part) => part !== this.#open);
    this.#open = null;
  }

  /** @returns false when another process wrote the session that is open meanwhile. */
  write(): boolean {
    const parts = this.#parts;
    let open = true;
    let done = false;
    try {
      this.#db
        .transaction(() => {
          open = this.#transaction(parts);
        })
        .immediate();
      done = true;
    } finally {
      // Ids of strings and names that were rolled back must not be used again.
      if (!done) {
        this.#interner.forgetAll();
        this.#facets.forgetAll();
      }
    }
    this.written += this.#count;
    this.#count = 0;
    this.#chars = 0;
    this.#parts = [];
    if (this.#open !== null) {
      const { recorded, device, to, next } = this.#open;
      this.begin(recorded, device, to, next);
    }
    return open;
  }

  #transaction(parts: readonly Part[]): boolean {
    const rows: StatementToInsert[] = [];
    let open = true;
    this.#interner.begin();
    for (const part of parts) {
      const row = this.#row(part);
      const outrun = row.finished === 1 || row.last_exchange !== part.from.lastExchange;
      if (outrun && part === this.#open) open = false;
      if (!outrun) this.#put(part, row, rows);
    }
    insertRows(this.#db, rows);
    return open;
  }

  #row({ recorded: { id, info }, device }: Part): SessionRow {
    const mode: Session['mode'] = info.connection.mode === 'observe' ? 'observe' : 'enforce';
    const { identity, agent, connection, database, user, applicationName, conversationId, openedAt } = info;
    const text = [identity, agent].map((one) => JSON.stringify(one));
    this.#sql.upsert.run(
      id,
      connection.id,
      connection.kind,
      openedAt,
      database,
      user,
      applicationName,
      conversationId,
      mode,
      ...text,
      device,
    );
    return this.#sql.known.get(id)!;
  }

  #put(part: Part, row: SessionRow, rows: StatementToInsert[]): void {
    const { statements, to, over, recorded } = part;
    const { seq } = row;
    this.#facets.begin(seq);
    const shared = originFacets(originOf(row)).map(this.#facets.token).join(' ');
    const names = {
      interner: this.#interner,
      facets: this.#facets,
      shared: `${sessionToken(seq)} ${shared}`,
      sql: row.protocol === 'postgres',
    };
    const counts = rowsOf(this.#db, seq, statements, names, rows);
    const { asked, denied, errors } = counts;
    const place = [to.nextUnit, to.lastExchange, over ? null : part.deriver];
    this.#sql.advance.run(part.next, asked, denied, errors, counts.rows, part.bytesUp, part.bytesDown, ...place, seq);
    if (!over) return;
    const closedAt = recorded.close ? new Date(recorded.close.at / 1000).toISOString() : null;
    this.#sql.close.run(recorded.state, closedAt, seq);
    // Nothing more is written of it: its strings would only be kept in memory.
    this.#interner.forget(seq);
  }
}

const EMPTY = { bytesUp: 0, bytesDown: 0, deriver: null, over: false };

function prepare(db: Db) {
  return {
    known: db.prepare<[string], SessionRow>('SELECT * FROM sessions WHERE id = ?'),
    upsert: db.prepare(
      `INSERT INTO sessions (id, state, connection_id, protocol, opened_at, database, role, application_name, conversation_id,
         mode, identity, agent, device)
       VALUES (?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET device = excluded.device
         WHERE statements = 0 AND excluded.device IS NOT NULL`,
    ),
    advance: db.prepare(
      `UPDATE sessions SET statements = ?, asked = asked + ?, denied = denied + ?, errors = errors + ?,
         rows = rows + ?, bytes_up = bytes_up + ?, bytes_down = bytes_down + ?, next_unit = ?, last_exchange = ?,
         deriver = ? WHERE seq = ?`,
    ),
    close: db.prepare('UPDATE sessions SET state = ?, closed_at = ?, finished = 1 WHERE seq = ?'),
  };
}

function originOf({ identity, agent, connection_id, device }: SessionRow): Origin {
  return {
    identity: JSON.parse(identity) as Session['identity'],
    agent: JSON.parse(agent) as Session['agent'],
    connectionId: connection_id,
    device,
  };
}

function charsOf(statement: DerivedStatement): number {
  return statement.parameters.reduce((sum, value) => sum + (value?.length ?? 0), 0);
}
