import pg from 'pg';
import type { ControlClient } from '../control/client.ts';

const MAX_ROWS = 1000;
const MAX_CHARACTERS = 256 * 1024;
const MAX_KEPT = 100;
/** Clients of MCP give up after 60 s, so an answer comes before that. */
const ANSWER_MS = 45_000;

export interface QueryRows {
  columns: string[];
  /** Values as text, as the gateway shows them; null is NULL. */
  rows: (string | null)[][];
  /** All that there were; more than `rows` where the answer was cut. */
  rowCount: number;
  cut: boolean;
  command: string;
}

export interface QueryFailure {
  /** SQLSTATE; 42501 is also what the gateway denies with. */
  code: string | null;
  message: string;
  detail: string | null;
  hint: string | null;
}

export type QueryOutcome = { id: string; connection: string; sql: string } & (
  | { state: 'running' }
  | { state: 'done'; result: QueryRows }
  | { state: 'failed'; failure: QueryFailure }
);

export interface Queries {
  /** Runs one statement through the gateway. @returns its outcome, `running` when that takes longer than 45 s. */
  run(connection: string, sql: string, signal: AbortSignal): Promise<QueryOutcome>;
  wait(id: string, signal: AbortSignal): Promise<QueryOutcome | null>;
  get(id: string): QueryOutcome | null;
  close(): Promise<void>;
}

type Control = Pick<ControlClient, 'call'>;

/**
 * Statements of an agent that has no client of its own: each is a session of the PostgreSQL gateway, with a
 * token of its own, so policy, approvals, masking and recording are those of any other client.
 */
export function createQueries(control: Control, purpose: string): Queries {
  const outcomes = new Map<string, QueryOutcome>();
  const settled = new Map<string, Promise<void>>();
  const clients = new Set<pg.Client>();
  let count = 0;

  async function execute(id: string, connection: string, sql: string): Promise<void> {
    const about = { id, connection, sql };
    try {
      const result = await once(connection, sql);
      outcomes.set(id, { ...about, state: 'done', result });
    } catch (error) {
      outcomes.set(id, { ...about, state: 'failed', failure: failureOf(error) });
    }
  }

  async function once(connection: string, sql: string): Promise<QueryRows> {
    const minted = await control.call('mintToken', { id: connection, purpose });
    const { PGHOST, PGPORT, PGUSER, PGDATABASE } = minted.env;
    const client = new pg.Client({
      host: PGHOST,
      port: Number(PGPORT),
      user: PGUSER,
      password: minted.token,
      database: PGDATABASE,
      application_name: 'countersign mcp-server',
      ssl: false,
    });
    client.on('error', () => {});
    clients.add(client);
    try {
      await client.connect();
      return await read(client, sql);
    } finally {
      clients.delete(client);
      await client.end().catch(() => {});
      await control.call('revokeToken', { id: minted.agentSessionId }).catch(() => {});
    }
  }

  async function answer(id: string, signal: AbortSignal): Promise<QueryOutcome> {
    await Promise.race([settled.get(id), patience(signal)]);
    return outcomes.get(id)!;
  }

  return {
    run(connection, sql, signal) {
      const id = `query-${++count}`;
      outcomes.set(id, { id, connection, sql, state: 'running' });
      settled.set(id, execute(id, connection, sql));
      for (const [old, { state }] of outcomes) {
        if (outcomes.size <= MAX_KEPT) break;
        if (state === 'running') continue;
        outcomes.delete(old);
        settled.delete(old);
      }
      return answer(id, signal);
    },
    wait: async (id, signal) => (settled.has(id) ? answer(id, signal) : null),
    get: (id) => outcomes.get(id) ?? null,
    async close() {
      await Promise.all([...clients].map((client) => client.end().catch(() => {})));
    },
  };
}

/** Rows beyond the limits are counted and not kept. */
function read(client: pg.Client, sql: string): Promise<QueryRows> {
  const out: QueryRows = { columns: [], rows: [], rowCount: 0, cut: false, command: '' };
  let characters = 0;
  const asText = { getTypeParser: () => (value: string) => value };
  const query = new pg.Query({ text: sql, rowMode: 'array', types: asText } as pg.QueryConfig);
  return new Promise((resolve, reject) => {
    query.on('row', (row: unknown, result?: { fields: { name: string }[] }) => {
      const values = row as (string | null)[];
      if (out.rowCount === 0) out.columns = (result?.fields ?? []).map(({ name }) => name);
      out.rowCount += 1;
      characters += values.reduce((sum, value) => sum + (value?.length ?? 4), 0);
      if (out.rows.length >= MAX_ROWS || characters > MAX_CHARACTERS) out.cut = true;
      else out.rows.push(values);
    });
    query.on('end', (result) => {
      const last = (Array.isArray(result) ? result.at(-1) : result) as pg.QueryResult | undefined;
      if (out.columns.length === 0) out.columns = (last?.fields ?? []).map(({ name }) => name);
      out.command = last?.command ?? '';
      if (out.rowCount === 0) out.rowCount = last?.rowCount ?? 0;
      resolve(out);
    });
    query.on('error', reject);
    client.query(query);
  });
}

function failureOf(error: unknown): QueryFailure {
  const { code, message, detail, hint } = error as Partial<Record<keyof QueryFailure, unknown>>;
  const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 4000) : null);
  return { code: text(code), message: text(message) ?? 'it failed', detail: text(detail), hint: text(hint) };
}

function patience(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ANSWER_MS);
    timer.unref();
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
