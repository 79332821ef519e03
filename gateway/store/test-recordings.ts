import { rowsOfTag } from '../protocols/postgres/codec/backend.ts';
import {
  writeCommandComplete,
  writeDataRow,
  writeErrorResponse,
  writeReadyForQuery,
  writeRowDescription,
} from '../protocols/postgres/codec/write-backend.ts';
import { writeQuery } from '../protocols/postgres/codec/write-frontend.ts';
import type { RecordedExchange, RecordedSession, RecordedStatement, StreamedPiece } from '../recording/recorded.ts';
import type { RecordingSource } from './walk.ts';

/** Recordings that exist in memory only, for tests of what reads them. */

const encode = (text: string) => new TextEncoder().encode(text);

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export interface FakeQuery {
  text: string;
  columns?: string[];
  rows?: (string | null)[][];
  tag?: string;
  error?: { sqlstate: string; message: string };
  facts?: Partial<RecordedStatement>;
}

const VERDICT = {
  effect: 'allow' as const,
  policyIds: ['reads'],
  policyHash: 'h',
  reason: 'reads are allowed',
  level: 'click' as const,
  expiresSeconds: 600,
  grantable: false,
};

export const ALLOWED: RecordedStatement['decision'] = {
  effect: 'allow',
  verdict: VERDICT,
  approvalId: null,
  grantId: null,
  observed: null,
  decidedBy: null,
  channel: null,
  message: null,
};

export const APPROVED: RecordedStatement['decision'] = {
  ...ALLOWED,
  verdict: { ...VERDICT, effect: 'ask', policyIds: ['changes-ask'], reason: 'it changes data' },
  approvalId: 'appr-1',
  decidedBy: 'ann',
  channel: 'console',
};

export const DENIED: RecordedStatement['decision'] = {
  ...ALLOWED,
  effect: 'deny',
  verdict: { ...VERDICT, effect: 'deny', policyIds: ['no-drop'], reason: 'it drops a database' },
  message: 'it drops a database',
};

const START_US = Date.UTC(2026, 0, 2, 3, 4, 5) * 1000;

/** One exchange with one simple query; every exchange has two units. */
export function fakeExchange(exchange: number, query: FakeQuery): RecordedExchange {
  const { text, columns, rows = [], error } = query;
  const tag = query.tag ?? `SELECT ${rows.length}`;
  const down: Uint8Array[] = [];
  if (columns) {
    const field = { tableOid: 0, columnNumber: 0, typeOid: 25, typeModifier: -1, format: 'text' as const };
    down.push(writeRowDescription(columns.map((name) => ({ ...field, name }))));
  }
  for (const row of rows) down.push(writeDataRow(row.map((value) => (value === null ? null : encode(value)))));
  down.push(error ? writeErrorResponse({ severity: 'ERROR', ...error }) : writeCommandComplete(tag));
  down.push(writeReadyForQuery('idle'));
  const startedAt = START_US + exchange * 1_000_000;
  const up = { unit: exchange * 2, at: startedAt, bytes: writeQuery(text) };
  const answer = { unit: exchange * 2 + 1, at: startedAt + 2_500, bytes: concat(down) };
  return {
    exchange,
    up: [up],
    down: [answer],
    statements: [
      {
        exchange,
        fingerprint: 'f',
        class: 'read',
        op: /^\w+/.exec(text)?.[0].toUpperCase() ?? '',
        decision: ALLOWED,
        own: false,
        text: null,
        digest: null,
        rows: error ? 0 : rowsOfTag(tag),
        error: error?.sqlstate ?? null,
        heldMs: 0,
        masked: null,
        objects: [],
        ...query.facts,
      },
    ],
    startedAt,
    endedAt: answer.at,
    complete: true,
    firstUnit: up.unit,
    lastUnit: answer.unit,
    truncated: false,
    damaged: false,
    bytesUp: up.bytes.length,
    bytesDown: answer.bytes.length,
  };
}

export interface FakeSession {
  recorded: RecordedSession;
  exchanges: RecordedExchange[];
}

export function fakeSession(
  id: string,
  queries: readonly FakeQuery[],
  state: RecordedSession['state'] = 'closed',
  openedAt = '2026-01-02T03:04:05.000Z',
): FakeSession {
  return {
    recorded: {
      id,
      folder: id,
      state,
      info: {
        id,
        openedAt,
        identity: { subject: 'ann', display: 'Ann', kind: 'local', verified: false, groups: [] },
        agent: { pid: 42, name: 'psql', parents: [] },
        connection: { id: 'demo', kind: 'postgres', host: 'localhost', port: 5432, mode: 'enforce', masking: 'on' },
        database: 'shop',
        user: 'app',
        applicationName: 'psql',
        conversationId: null,
        policyHash: 'h',
        protection: 'unprotected',
      },
      close:
        state === 'open'
          ? null
          : {
              at: Date.parse(openedAt) * 1000 + queries.length * 1_000_000,
              reason: 'the client closed its connection',
              counts: {
                exchanges: 0,
                statements: 0,
                asked: 0,
                denied: 0,
                errors: 0,
                rows: 0,
                bytesUp: 0,
                bytesDown: 0,
                masked: {},
              },
            },
    },
    exchanges: queries.map((query, i) => fakeExchange(i, query)),
  };
}

export class FakeRecordings implements RecordingSource {
  readonly sessions = new Map<string, FakeSession>();

  constructor(...sessions: FakeSession[]) {
    for (const session of sessions) this.put(session);
  }

  put(session: FakeSession): void {
    this.sessions.set(session.recorded.id, session);
  }

  async *sessionFolders(): AsyncGenerator<string> {
    yield* [...this.sessions.keys()].sort();
  }

  async findSession(_dir: string, id: string): Promise<string | null> {
    return this.sessions.has(id) ? id : null;
  }

  async readSession(folder: string): Promise<RecordedSession> {
    return this.sessions.get(folder)!.recorded;
  }

  async *exchanges(
    folder: string,
    { fromUnit = 0, toUnit = Number.POSITIVE_INFINITY, maxBytes = Number.POSITIVE_INFINITY, unfinished = true } = {},
  ): AsyncGenerator<RecordedExchange> {
    for (const exchange of this.sessions.get(folder)!.exchanges) {
      if (exchange.firstUnit < fromUnit || exchange.firstUnit >= toUnit) continue;
      if (!exchange.complete && !unfinished) continue;
      if (exchange.bytesUp + exchange.bytesDown <= maxBytes) yield exchange;
      else yield { ...exchange, up: [], down: [], truncated: true };
    }
  }

  /** In pieces of at most 1,000 bytes, as a large exchange comes. */
  async *pieces(
    folder: string,
    {
      fromUnit = 0,
      toUnit = Number.POSITIVE_INFINITY,
      exchange,
    }: { fromUnit?: number; toUnit?: number; exchange?: number } = {},
  ): AsyncGenerator<StreamedPiece> {
    for (const one of this.sessions.get(folder)!.exchanges) {
      if (exchange !== undefined && one.exchange !== exchange) continue;
      for (const direction of ['up', 'down'] as const) {
        for (const { unit, at, bytes } of one[direction]) {
          if (unit < fromUnit || unit >= toUnit) continue;
          const size = bytes?.length ?? 0;
          for (let from = 0; from < Math.max(size, 1); from += 1000) {
            yield { exchange: one.exchange, direction, unit, at, bytes: bytes?.slice(from, from + 1000) ?? null };
          }
        }
      }
    }
  }
}
