import type { Session } from '../../contract/session.ts';
import type { DerivedStatement, DeriverSnapshot } from '../../protocols/postgres/derive/types.ts';
import type { RecordedSession } from '../../recording/recorded.ts';
import { type Origin, originFacets } from '../facets.ts';
import type { Db } from '../migrations/migration.ts';
import type { SessionRow } from '../rows.ts';
import { deriverFrom, type RecordingSource, type WalkCursor, type WalkStep, walkSession } from '../walk.ts';
import type { FacetIds } from './facet-ids.ts';
import { insertStatements, type PlacedStatement } from './insert-statements.ts';
import type { Interner } from './interner.ts';

/** Statements and characters of one transaction: what a batch holds in memory and blocks the disk for. */
const BATCH_STATEMENTS = 16_000;
const BATCH_CHARS = 8 * 1024 * 1024;
/** A deriver's state that is larger is not kept: the session is then walked again from its start. */
const MAX_SNAPSHOT_CHARS = 4 * 1024 * 1024;

export interface IndexOptions {
  /** Whose recording it is, where the auditor knows. */
  device?: string | null;
  signal?: AbortSignal;
  /** Statements that were written, after each batch. */
  progress?: (statements: number) => void;
}

export type IndexOutcome = 'complete' | 'more-to-come' | 'stopped' | 'missing';

/**
 * Brings one session's part of the index up to its recording. Each batch is a transaction that also
 * says how far it came, so a stop at any point (also of the process) is gone on from, and two
 * processes cannot write the same statements twice.
 */
export async function indexSession(
  db: Db,
  source: RecordingSource,
  folder: string,
  interner: Interner,
  facets: FacetIds,
  options: IndexOptions = {},
): Promise<IndexOutcome> {
  const recorded = await source.readSession(folder);
  const over = recorded.state !== 'open';
  const row = upsertSession(db, recorded, options.device ?? null);
  if (row.finished === 1) return 'complete';
  const deriver = deriverFrom(row.deriver === null ? null : (JSON.parse(row.deriver) as DeriverSnapshot));
  const kept: WalkCursor = { nextUnit: row.next_unit, lastExchange: row.last_exchange };
  // Without the deriver's state the names of earlier exchanges are learnt again; nothing of them is written twice.
  const from = row.deriver === null ? { nextUnit: 0, lastExchange: -1 } : kept;
  const batch = new Batch(db, row, kept, interner, facets);
  for await (const step of walkSession(source, folder, { cursor: from, deriver, unfinished: over })) {
    if (options.signal?.aborted) return 'stopped';
    if (step.cursor.lastExchange <= kept.lastExchange) continue;
    batch.add(step);
    if (!batch.full || !step.ended) continue;
    if (!batch.write(snapshotOf(deriver), null)) return 'more-to-come';
    options.progress?.(batch.written);
  }
  if (options.signal?.aborted) return 'stopped';
  if (!batch.write(over ? null : snapshotOf(deriver), over ? recorded : null)) return 'more-to-come';
  options.progress?.(batch.written);
  return over ? 'complete' : 'more-to-come';
}

function snapshotOf(deriver: { snapshot(): DeriverSnapshot }): string | null {
  const text = JSON.stringify(deriver.snapshot());
  return text.length > MAX_SNAPSHOT_CHARS ? null : text;
}

function upsertSession(db: Db, recorded: RecordedSession, device: string | null): SessionRow {
  const { id, info } = recorded;
  const mode: Session['mode'] = info.connection.mode === 'observe' ? 'observe' : 'enforce';
  db.prepare(
    `INSERT INTO sessions (id, state, connection_id, opened_at, database, role, application_name, conversation_id,
       mode, identity, agent, device)
     VALUES (?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET device = excluded.device
       WHERE statements = 0 AND excluded.device IS NOT NULL`,
  ).run(
    id,
    info.connection.id,
    info.openedAt,
    info.database,
    info.user,
    info.applicationName,
    info.conversationId,
    mode,
    JSON.stringify(info.identity),
    JSON.stringify(info.agent),
    device,
  );
  return db.prepare<[string], SessionRow>('SELECT * FROM sessions WHERE id = ?').get(id)!;
}

class Batch {
  readonly #db: Db;
  readonly #session: SessionRow;
  readonly #interner: Interner;
  readonly #facets: FacetIds;
  #cursor: WalkCursor;
  #next: WalkCursor;
  #statements: PlacedStatement[] = [];
  #chars = 0;
  #bytesUp = 0;
  #bytesDown = 0;
  #index: number;
  written = 0;

  constructor(db: Db, session: SessionRow, cursor: WalkCursor, interner: Interner, facets: FacetIds) {
    this.#db = db;
    this.#session = session;
    this.#cursor = cursor;
    this.#next = cursor;
    this.#interner = interner;
    this.#facets = facets;
    this.#index = session.statements;
  }

  get full(): boolean {
    return this.#statements.length >= BATCH_STATEMENTS || this.#chars >= BATCH_CHARS;
  }

  add({ exchange, told, ended, cursor }: WalkStep): void {
    for (const one of told) {
      if (one.type !== 'statement') continue;
      const { statement } = one;
      this.#statements.push({ statement, index: this.#index++, unit: exchange.firstUnit });
      this.#chars += statement.text.length + charsOf(statement);
    }
    if (!ended) return;
    this.#bytesUp += exchange.bytesUp;
    this.#bytesDown += exchange.bytesDown;
    this.#next = cursor;
  }

  /**
   * @param close the recording that ended with this batch.
   * @returns false when another process wrote this session meanwhile.
   */
  write(deriver: string | null, close: RecordedSession | null): boolean {
    let done = false;
    try {
      done = this.#db.transaction(() => this.#transaction(deriver, close)).immediate();
    } finally {
      // Ids of strings that were rolled back must not be used again.
      if (!done) {
        this.#interner.forget(this.#session.seq);
        this.#facets.forgetAll();
      }
    }
    if (!done) return false;
    this.written += this.#statements.length;
    this.#cursor = this.#next;
    this.#statements = [];
    this.#chars = 0;
    this.#bytesUp = 0;
    this.#bytesDown = 0;
    return true;
  }

  #transaction(deriver: string | null, close: RecordedSession | null): boolean {
    const db = this.#db;
    const { seq } = this.#session;
    const now = db
      .prepare<[number], Pick<SessionRow, 'last_exchange' | 'finished'>>(
        'SELECT last_exchange, finished FROM sessions WHERE seq = ?',
      )
      .get(seq);
    if (!now || now.finished === 1 || now.last_exchange !== this.#cursor.lastExchange) return false;
    this.#facets.begin(seq);
    const shared = originFacets(originOf(this.#session)).map(this.#facets.token).join(' ');
    const names = { interner: this.#interner, facets: this.#facets, shared };
    const { asked, denied, errors, rows } = insertStatements(db, seq, this.#statements, names);
    const { nextUnit, lastExchange } = this.#next;
    db.prepare(
      `UPDATE sessions SET statements = ?, asked = asked + ?, denied = denied + ?, errors = errors + ?,
         rows = rows + ?, bytes_up = bytes_up + ?, bytes_down = bytes_down + ?, next_unit = ?, last_exchange = ?,
         deriver = ? WHERE seq = ?`,
    ).run(
      this.#index,
      asked,
      denied,
      errors,
      rows,
      this.#bytesUp,
      this.#bytesDown,
      nextUnit,
      lastExchange,
      deriver,
      seq,
    );
    if (close) {
      const closedAt = close.close ? new Date(close.close.at / 1000).toISOString() : null;
      db.prepare('UPDATE sessions SET state = ?, closed_at = ?, finished = 1 WHERE seq = ?').run(
        close.state,
        closedAt,
        seq,
      );
    }
    return true;
  }
}

function charsOf(statement: DerivedStatement): number {
  return statement.parameters.reduce((sum, value) => sum + (value?.length ?? 0), 0);
}

function originOf({ identity, agent, connection_id, device }: SessionRow): Origin {
  return {
    identity: JSON.parse(identity) as Session['identity'],
    agent: JSON.parse(agent) as Session['agent'],
    connectionId: connection_id,
    device,
  };
}
