import type { RecordedSession } from '../recording/recorded.ts';
import { type Facet, facetKey, originFacets, sessionToken, statementTokens } from '../store/facets.ts';
import { keptOf } from '../store/kept-texts.ts';
import { sharedFacts } from '../store/rows.ts';
import type { PlacedStatement } from '../store/writers/insert-statements.ts';
import type { TeamDb } from './connect.ts';
import { type CopyValue, copyRows } from './copy.ts';
import { TeamFacets } from './facets.ts';
import { inTransaction, makeMonth, monthOf } from './schema.ts';
import { tsvectorOf } from './words.ts';

/** A session as the auditor has it. */
export interface TeamSession {
  id: string;
  folder: string;
  device: string | null;
  /** Changes with the recording: rows of another stamp are replaced. */
  stamp: string;
}

/** Statements and characters of one transaction. */
const BATCH_STATEMENTS = 10_000;
const BATCH_CHARS = 8 * 1024 * 1024;
/** NUL and halves of surrogate pairs as JSON.stringify writes them; PostgreSQL takes neither. */
const UNSTORABLE = /\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

type Header = Pick<RecordedSession, 'state' | 'info'>;

/** One session's share of a batch. */
interface Part {
  session: TeamSession;
  header: Header;
  /** Its first part: what was there of it goes. */
  first: boolean;
  /** Its last part. */
  whole: boolean;
  statements: PlacedStatement[];
  /** Facts of the session so far, with their numbers. */
  facts: Map<string, number>;
}

/** Facts that are kept in memory for one session; they are numbered anew behind, and then stored twice. */
const MAX_FACTS = 10_000;

/** What is written in one transaction: parts of a large session, or many small ones. */
export class TeamBatch {
  readonly #db: TeamDb;
  readonly #facets: TeamFacets;
  readonly #months = new Set<string>();
  #parts: Part[] = [];
  #open: Part | null = null;
  #count = 0;
  #chars = 0;
  #nextFact = 0;

  constructor(db: TeamDb) {
    this.#db = db;
    this.#facets = new TeamFacets(db);
  }

  get full(): boolean {
    return this.#count >= BATCH_STATEMENTS || this.#chars >= BATCH_CHARS || this.#parts.length >= BATCH_STATEMENTS;
  }

  begin(session: TeamSession, header: Header): void {
    this.#nextFact = 0;
    this.#open = { session, header, first: true, whole: false, statements: [], facts: new Map() };
    this.#parts.push(this.#open);
  }

  add(placed: PlacedStatement): void {
    const { statement } = placed;
    this.#open!.statements.push(placed);
    this.#count++;
    this.#chars += statement.text.length + statement.parameters.reduce((sum, value) => sum + (value?.length ?? 0), 0);
  }

  end(): void {
    this.#open!.whole = true;
    this.#open = null;
  }

  /** The rest of the session cannot be read; what was is kept, without its stamp. */
  give(): void {
    this.#open = null;
  }

  /** @returns statements that were written. */
  async write(): Promise<number> {
    const parts = this.#parts;
    const count = this.#count;
    if (parts.length > 0) {
      try {
        await inTransaction(this.#db, () => this.#transaction(parts));
      } catch (error) {
        this.#facets.forget();
        throw error;
      }
    }
    this.#count = 0;
    this.#chars = 0;
    this.#parts = [];
    if (this.#open !== null) {
      if (this.#open.facts.size > MAX_FACTS) this.#open.facts.clear();
      this.#open = { ...this.#open, first: false, statements: [] };
      this.#parts = [this.#open];
    }
    return count;
  }

  async #transaction(parts: readonly Part[]): Promise<void> {
    const db = this.#db;
    await this.#makeMonths(parts);
    await this.#facets.learn(facetsOf(parts));
    const seqs = await this.#putSessions(parts);
    await this.#facets.link(parts.map((part) => [seqs.get(part)!, [...facetsOf([part])]] as const));
    const facts: CopyValue[][] = [];
    await copyRows(db, `statements (${COLUMNS.join(', ')})`, this.#rows(parts, seqs, facts));
    await copyRows(db, 'facts (session, n, value)', facts);
  }

  async #makeMonths(parts: readonly Part[]): Promise<void> {
    for (const { statements } of parts) {
      for (const { statement } of statements) {
        const month = monthOf(statement.startedUs);
        if (month === null || this.#months.has(month.table)) continue;
        await makeMonth(this.#db, month);
        this.#months.add(month.table);
      }
    }
  }

  /** @returns seq of each part's session. What was there of a session that begins goes. */
  async #putSessions(parts: readonly Part[]): Promise<Map<Part, number>> {
    const begun = parts.filter(({ first }) => first).map(({ session }) => session.id);
    const old = await this.#db.query<{ seq: number }>('SELECT seq FROM sessions WHERE id = ANY($1)', [begun]);
    if (old.rows.length > 0) {
      const seqs = [old.rows.map(({ seq }) => seq)];
      await this.#db.query('DELETE FROM statements WHERE session = ANY($1)', seqs);
      await this.#db.query('DELETE FROM sessions WHERE seq = ANY($1)', seqs);
    }
    const { rows } = await this.#db.query<{ id: string; seq: number }>(
      `INSERT INTO sessions (id, stamp, device, connection_id, opened_at, state, info, statements, first_us, last_us)
       SELECT id, stamp, device, connection_id, opened_at, state, info, statements, first_us, last_us
       FROM json_populate_recordset(null::sessions, $1)
       ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp, statements = sessions.statements + excluded.statements,
         first_us = least(sessions.first_us, excluded.first_us), last_us = greatest(sessions.last_us, excluded.last_us)
       RETURNING id, seq`,
      [JSON.stringify(parts.map(sessionRow)).replaceAll(UNSTORABLE, '\\ufffd')],
    );
    const seqs = new Map(rows.map(({ id, seq }) => [id, seq]));
    return new Map(parts.map((part) => [part, seqs.get(part.session.id)!]));
  }

  *#rows(parts: readonly Part[], seqs: ReadonlyMap<Part, number>, facts: CopyValue[][]): Generator<CopyValue[]> {
    for (const part of parts) {
      const seq = seqs.get(part)!;
      const shared = originOf(part).map(this.#facets.token).join(' ');
      const common = `${sessionToken(seq)} ${shared}`;
      for (const { statement, index, unit } of part.statements) {
        const { startedUs, text, parameters, message } = keptOf(statement);
        const value = sharedFacts(statement);
        let fact = part.facts.get(value);
        if (fact === undefined) {
          fact = this.#nextFact++;
          part.facts.set(value, fact);
          facts.push([seq, fact, value]);
        }
        const tokens = `${common} ${statementTokens(statement, this.#facets.token)}`;
        yield [
          startedUs,
          seq,
          index,
          statement.exchange,
          statement.ordinal,
          unit,
          Math.round(statement.durationMs * 1000),
          Math.round(statement.heldMs * 1000),
          statement.rows,
          fact,
          text,
          parameters,
          statement.tag,
          statement.error?.sqlstate ?? null,
          message,
          Object.keys(statement.masked).length === 0 ? null : JSON.stringify(statement.masked),
          tsvectorOf([text, parameters, message], tokens),
        ];
      }
    }
  }
}

const COLUMNS = [
  'started_us',
  'session',
  'idx',
  'exchange',
  'ordinal',
  'unit',
  'duration_us',
  'held_us',
  'rows',
  'facts',
  'text',
  'parameters',
  'tag',
  'sqlstate',
  'message',
  'masked',
  'words',
];

function sessionRow({ session, header, whole, statements }: Part): object {
  const { info, state } = header;
  const opened = Date.parse(info.openedAt) * 1000;
  let [first, last] = statements.length === 0 ? [opened, opened] : [Number.MAX_SAFE_INTEGER, 0];
  for (const { statement } of statements) {
    const { startedUs } = keptOf(statement);
    first = Math.min(first, startedUs);
    last = Math.max(last, startedUs);
  }
  return {
    id: session.id,
    stamp: whole ? session.stamp : null,
    device: session.device,
    connection_id: info.connection.id,
    opened_at: info.openedAt,
    state,
    info,
    statements: statements.length,
    first_us: first,
    last_us: last,
  };
}

const originOf = ({ session, header }: Part): Facet[] =>
  originFacets({ ...header.info, connectionId: header.info.connection.id, device: session.device });

function facetsOf(parts: readonly Part[]): Iterable<Facet> {
  const all = new Map<string, Facet>();
  const collect = (one: Facet) => {
    all.set(facetKey(one), one);
    return '';
  };
  for (const part of parts) {
    originOf(part).forEach(collect);
    for (const { statement } of part.statements) statementTokens(statement, collect);
  }
  return all.values();
}
