import pg from 'pg';
import type { ConnectionInput } from '../../../gateway/contract/connection.ts';
import type { Approval } from '../../../gateway/contract/decision.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import {
  eventually,
  nextHeld,
  type SideBySide,
  setTestPin,
  startSideBySide,
  TEST_PIN,
} from '../../support/side-by-side.ts';

/** Whatever is not a session's own business is asked for. */
export const ASK_ALL = `
@id("all")
permit (principal, action == Action::"run", resource);
@id("ask-all")
@require("click")
@reason("A person decides.")
forbid (principal, action == Action::"run", resource)
unless { context.class == "session" || context.class == "read" };
`;

/** A server with a schema, a gateway before it, and a person who decides what it asks. */
export interface Stage {
  postgres: TestPostgres;
  sides: SideBySide;
  /** A client of the gateway, as any driver. */
  client(application?: string): Promise<pg.Client>;
  /** The request that waits next, once what it would touch is known. */
  previewed(): Promise<Approval>;
  decide(approval: Approval, decision: 'approve' | 'deny'): Promise<void>;
  stop(): Promise<void>;
}

export async function startStage(
  schema: string,
  connection: Partial<ConnectionInput> = {},
  policy?: string,
): Promise<Stage> {
  const postgres = await startPostgres();
  await postgres.query(schema);
  const sides = await startSideBySide(postgres, { connection, ...(policy === undefined ? {} : { policy }) });
  await setTestPin(sides);
  const { control } = sides;
  return {
    postgres,
    sides,
    async client(application = 'an agent') {
      const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = sides.gateway;
      const client = new pg.Client({
        host: PGHOST,
        port: Number(PGPORT),
        user: PGUSER,
        password: PGPASSWORD,
        database: PGDATABASE,
        application_name: application,
      });
      client.on('error', () => {});
      await client.connect();
      return client;
    },
    async previewed() {
      const { id } = await nextHeld(control);
      return eventually('a preview', async () => {
        const approval = await control.call('approval', { id });
        return approval.preview && approval.preview.state !== 'loading' ? approval : null;
      });
    },
    async decide({ id, operation }, decision) {
      await control.call('decide', {
        id,
        digest: operation.digest,
        decision,
        ...(decision === 'approve' ? { pin: TEST_PIN } : {}),
      });
    },
    async stop() {
      await sides.stop();
      await postgres.stop();
    },
  };
}
