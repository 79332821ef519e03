import { CountersignError } from '../contract/errors.ts';
import { UpstreamRefusal } from '../protocols/postgres/handshake/upstream-error.ts';
import { connectSimpleClient } from '../protocols/postgres/wire/simple-client.ts';
import type { AgentAnswer, AgentClient } from './agent.ts';

/** Longer than any request may be held (a day). */
const PATIENCE_MS = 25 * 3_600_000;
const ROWS_SHOWN = 1_000;

function refusal(error: UpstreamRefusal): AgentAnswer {
  const field = (type: string) => error.fields.find((one) => one.type === type)?.value ?? null;
  return { ok: false, sqlstate: error.sqlstate, message: field('M') ?? '', hint: field('H') };
}

/** @param env as a minted token gives it, for libpq: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE. */
export async function connectAgent(env: Record<string, string>): Promise<AgentClient> {
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = env;
  if (!PGHOST || !PGPORT || !PGUSER || !PGPASSWORD || !PGDATABASE) {
    throw new CountersignError('DEMO_BAD_TOKEN', 'the gateway’s token does not say where to connect');
  }
  const client = await connectSimpleClient({
    connection: { host: PGHOST, port: Number(PGPORT), user: PGUSER, tls: { mode: 'disable', direct: false } },
    database: PGDATABASE,
    parameters: new Map([['application_name', 'demo-agent']]),
    protocolMinor: 0,
    secret: PGPASSWORD,
    timeoutMs: 15_000,
  });
  return {
    async run(sql) {
      try {
        const results = await client.query(sql, { timeoutMs: PATIENCE_MS, maxRows: ROWS_SHOWN });
        const { columns, rows, tag } = results[0] ?? { columns: [], rows: [], tag: '' };
        return { ok: true, columns, rows, tag };
      } catch (error) {
        if (error instanceof UpstreamRefusal) return refusal(error);
        throw error;
      }
    },
    close: async () => client.close(),
  };
}
