import type { Connection } from '../../../contract/connection.ts';
import { CountersignError } from '../../../contract/errors.ts';
import type { CatalogSnapshot } from '../ports.ts';
import { readCatalog } from './catalog.ts';
import { type EstimateOptions, estimateRows } from './estimate.ts';
import type { SimpleClient } from './simple-client.ts';

/** The gateway's own view of one database, by one connection that is opened when needed. */
export interface Inspector {
  /** Read once and kept until invalidate(). Rejects where the database cannot be read; the next call tries again. */
  catalog(): Promise<CatalogSnapshot>;
  /** Something may have changed the catalog. */
  invalidate(): void;
  /** The planner's estimate of the rows that a statement changes or returns; null where there is none. Never rejects. */
  estimate(sql: string, options: EstimateOptions): Promise<number | null>;
  /** `schema.name` of a function, quoted as SQL needs it, or null where there is none. Rejects where the database cannot be read. */
  functionName(oid: number): Promise<string | null>;
  close(): Promise<void>;
}

export interface InspectorOptions {
  connection: Pick<Connection, 'columns'>;
  /** Opens the gateway's own connection to the database. */
  connect(): Promise<SimpleClient>;
  /** Default 2,000. */
  idleMs?: number;
}

/** More estimates than this do not wait: the person decides without one. */
const MAX_WAITING = 32;
/** DROP DATABASE waits 5 s for others to leave the database, so that the gateway is never in its way. */
const DEFAULT_IDLE_MS = 2_000;

export function createInspector({ connection, connect, idleMs = DEFAULT_IDLE_MS }: InspectorOptions): Inspector {
  let client: SimpleClient | null = null;
  let idle: NodeJS.Timeout | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  let closed = false;
  let snapshot: Promise<CatalogSnapshot> | null = null;

  function release(): void {
    client?.close();
    client = null;
  }

  async function ready(): Promise<SimpleClient> {
    if (closed) throw new CountersignError('PG_INSPECTOR_CLOSED', 'the inspector is closed');
    if (!client || client.closed) client = await connect();
    return client;
  }

  /** One use of the connection at a time, in the order of asking. */
  function use<T>(work: (client: SimpleClient) => Promise<T>): Promise<T> {
    waiting++;
    clearTimeout(idle);
    const turn = last.then(async () => {
      try {
        return await work(await ready());
      } finally {
        waiting--;
        if (closed) release();
        else if (waiting === 0) idle = setTimeout(release, idleMs).unref();
      }
    });
    last = turn.catch(() => {});
    return turn;
  }

  return {
    catalog() {
      if (snapshot) return snapshot;
      const reading = use((own) => readCatalog(own, connection.columns));
      snapshot = reading;
      reading.catch(() => {
        if (snapshot === reading) snapshot = null;
      });
      return reading;
    },
    invalidate() {
      snapshot = null;
    },
    async estimate(sql, options) {
      if (waiting >= MAX_WAITING) return null;
      try {
        return await use((own) => estimateRows(own, sql, options));
      } catch {
        return null;
      }
    },
    functionName(oid) {
      return use(async (own) => {
        const { rows } = await own.execute(
          `SELECT quote_ident(n.nspname) || '.' || quote_ident(p.proname) FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = $1`,
          [String(oid)],
          [26],
        );
        return rows[0]?.[0] ?? null;
      });
    },
    async close() {
      closed = true;
      clearTimeout(idle);
      if (waiting === 0) release();
      await last;
      release();
    },
  };
}
