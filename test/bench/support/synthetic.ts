import {
  writeCommandComplete,
  writeErrorResponse,
  writeReadyForQuery,
} from '../../../gateway/protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../../gateway/protocols/postgres/codec/write-frontend.ts';
import type {
  RecordedExchange,
  RecordedSession,
  RecordedStatement,
  StreamedPiece,
} from '../../../gateway/recording/recorded.ts';
import { ALLOWED, APPROVED, DENIED, fakeSession } from '../../../gateway/store/test-recordings.ts';
import type { RecordingSource } from '../../../gateway/store/walk.ts';
import type { TeamSession } from '../../../gateway/team-index/batch.ts';

/**
 * Recordings of a team of agents, made as they are read, the same each time: sessions of 1 to 2,000 statements
 * over a year, of 500 persons on 700 devices. Tables, shapes and persons are as unequally used as in life. Every
 * 50,000th statement or so holds a word that no other one has (`needle<session>`).
 */

const PERSONS = 500;
const DEVICES = 700;
const CONNECTIONS = 24;
const AGENTS = ['cursor', 'claude', 'psql', 'node', 'python3'];
const ENTITIES = ['EMAIL_ADDRESS', 'PERSON', 'CREDIT_CARD', 'US_SSN', 'IBAN_CODE'];
const NOUNS = ['customer', 'order', 'invoice', 'payment', 'product', 'shipment', 'ticket', 'event', 'account', 'price'];
const TABLES = 300;
const YEAR_US = 365 * 86_400_000_000;
const START_US = Date.UTC(2025, 0, 1) * 1000;
export const PER_SESSION = 200;

/** Numbers from 0 to 1 that a seed gives (mulberry32). */
function random(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Low numbers far more often than high ones. */
const unequal = (next: () => number, count: number): number => Math.floor(count ** next()) - 1;
const tableName = (i: number): string => `${NOUNS[i % NOUNS.length]}_${Math.floor(i / NOUNS.length)}`;

interface Made {
  up: Uint8Array;
  down: Uint8Array;
  facts: RecordedStatement;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

const ready = writeReadyForQuery('idle');
const parsed = Uint8Array.of(0x31, 0, 0, 0, 4, 0x32, 0, 0, 0, 4);

function made(next: () => number, exchange: number, needle: string | null): Made {
  const i = unequal(next, TABLES);
  const name = tableName(i);
  const table = `${i % 3 === 0 ? 'sales' : 'public'}.${name}`;
  const id = Math.floor(next() * 1e7);
  const kind = next();
  const outcome = next();
  const base = {
    fingerprint: `${i}`.padStart(16, '0'),
    own: true,
    text: null,
    digest: null,
    heldMs: 0,
    objects: [table],
  };
  if (kind < 0.85) {
    const sql = [
      `SELECT id, name, status, created_at FROM ${table} WHERE ${name}_id = $1 ORDER BY created_at DESC LIMIT 10`,
      `SELECT count(*) FROM ${table} WHERE status = $1 AND created_at > now() - interval '7 days'`,
      `SELECT t.*, c.email FROM ${table} t JOIN public.customer_0 c ON c.id = t.customer_id WHERE t.id = $1`,
    ][id % 3]!;
    const masked = outcome < 0.06 ? { [ENTITIES[unequal(next, ENTITIES.length)]!]: 1 + (id % 9) } : null;
    const facts = {
      ...base,
      exchange,
      class: 'read' as const,
      op: 'SELECT',
      decision: ALLOWED,
      rows: 1,
      error: null,
      masked,
    };
    const failed = outcome > 0.985;
    const end = failed
      ? writeErrorResponse({
          severity: 'ERROR',
          sqlstate: '57014',
          message: 'canceling statement due to statement timeout',
        })
      : writeCommandComplete('SELECT 1');
    if (kind < 0.5 && needle === null) {
      const value = Buffer.from(String(id));
      const up = concat(writeParse('', sql, []), writeBind('', '', [value]), writeExecute(''), writeSync());
      return { up, down: concat(parsed, end, ready), facts: { ...facts, error: failed ? '57014' : null } };
    }
    const text = `${sql.replace('$1', `'${id}'`)}${needle === null ? '' : ` -- ${needle}`}`;
    return { up: writeQuery(text), down: concat(end, ready), facts: { ...facts, error: failed ? '57014' : null } };
  }
  if (outcome < 0.02) {
    const text = kind < 0.95 ? `TRUNCATE ${table}` : `DROP TABLE ${table} CASCADE`;
    const message = 'Countersign denied this statement: it destroys data';
    const down = concat(writeErrorResponse({ severity: 'ERROR', sqlstate: '42501', message }), ready);
    const facts = {
      ...base,
      exchange,
      class: 'destructive' as const,
      op: text.split(' ')[0]!,
      decision: DENIED,
      rows: 0,
    };
    return { up: writeQuery(text), down, facts: { ...facts, error: '42501', masked: null } };
  }
  const text =
    kind < 0.95
      ? `UPDATE ${table} SET status = 'done', updated_at = now() WHERE id = ${id}`
      : `INSERT INTO ${table} (name, status) VALUES ('n${id}', 'new') RETURNING id`;
  const approver = `approver${unequal(next, 40)}`;
  const decision = outcome < 0.3 ? { ...APPROVED, approvalId: `a${id}`, decidedBy: approver } : ALLOWED;
  const facts = { ...base, exchange, class: 'write' as const, op: text.split(' ')[0]!, decision, rows: 1, error: null };
  return {
    up: writeQuery(text),
    down: concat(writeCommandComplete(kind < 0.95 ? 'UPDATE 1' : 'INSERT 0 1'), ready),
    facts: { ...facts, heldMs: outcome < 0.3 ? 4_000 : 0, masked: null },
  };
}

export class SyntheticRecordings implements RecordingSource {
  readonly sessions: number;

  /** @param statements about how many there are, in sessions of about PER_SESSION. */
  constructor(statements: number) {
    this.sessions = Math.max(1, Math.round(statements / PER_SESSION));
  }

  static id(i: number): string {
    return `01J${String(i).padStart(23, '0')}`;
  }

  /** The size of session `i`: most are small, few are large, and the sum is as wanted. */
  static size(i: number): number {
    return [20, 30, 40, 50, 60, 80, 120, 200, 400, 1_000][i % 10]!;
  }

  get statements(): number {
    let sum = 0;
    for (let i = 0; i < this.sessions; i++) sum += SyntheticRecordings.size(i);
    return sum;
  }

  *teamSessions(): Generator<TeamSession> {
    for (let i = 0; i < this.sessions; i++) {
      yield { id: SyntheticRecordings.id(i), folder: SyntheticRecordings.id(i), device: deviceOf(i), stamp: '1' };
    }
  }

  devices(): Map<string, string> {
    return new Map(Array.from({ length: this.sessions }, (_, i) => [SyntheticRecordings.id(i), deviceOf(i)]));
  }

  async *sessionFolders(): AsyncGenerator<string> {
    for (let i = 0; i < this.sessions; i++) yield SyntheticRecordings.id(i);
  }

  async findSession(_dir: string, id: string): Promise<string | null> {
    return id;
  }

  async readSession(folder: string): Promise<RecordedSession> {
    const i = Number(folder.slice(3));
    const opened = new Date(this.#start(i) / 1000).toISOString();
    const { recorded } = fakeSession(folder, [], 'closed', opened);
    const next = random(i * 31 + 7);
    const person = `person${unequal(next, PERSONS)}`;
    const { info } = recorded;
    const identity = { ...info.identity, subject: `${person}@example.com`, display: person, verified: true };
    const agent = { ...info.agent, name: AGENTS[unequal(next, AGENTS.length)]! };
    const connection = { ...info.connection, id: `db-${unequal(next, CONNECTIONS)}` };
    return { ...recorded, info: { ...info, identity, agent, connection } };
  }

  async *exchanges(folder: string, { fromUnit = 0 } = {}): AsyncGenerator<RecordedExchange> {
    const i = Number(folder.slice(3));
    const next = random(i);
    const size = SyntheticRecordings.size(i);
    let at = this.#start(i);
    for (let exchange = 0; exchange < size; exchange++) {
      at += 20_000 + Math.floor(next() * 5_000_000);
      const needle = i % 250 === 7 && exchange === 3 ? `needle${i}` : null;
      const { up, down, facts } = made(next, exchange, needle);
      if (exchange * 2 < fromUnit) continue;
      yield {
        exchange,
        up: [{ unit: exchange * 2, at, bytes: up }],
        down: [{ unit: exchange * 2 + 1, at: at + 900, bytes: down }],
        statements: [facts],
        startedAt: at,
        endedAt: at + 900,
        complete: true,
        firstUnit: exchange * 2,
        lastUnit: exchange * 2 + 1,
        truncated: false,
        damaged: false,
        bytesUp: up.length,
        bytesDown: down.length,
      };
    }
  }

  pieces(): AsyncIterable<StreamedPiece> {
    throw new Error('no exchange of these is large');
  }

  /** Sessions come device by device, as stores list them: not in the order of time. */
  #start(i: number): number {
    return START_US + Math.floor(random(i * 17 + 3)() * YEAR_US);
  }
}

function deviceOf(i: number): string {
  return `01D${String(Math.floor(random(i * 13 + 1)() * DEVICES)).padStart(23, '0')}`;
}
