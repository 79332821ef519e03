import { createHmac } from 'node:crypto';
import { statementDigest } from '../approvals/digest.ts';
import type { Connection } from '../contract/connection.ts';
import type { Workloads } from '../identity/workloads.ts';
import { TokenTable } from '../masking/token-table.ts';
import type { CredentialCheck } from '../pipeline/ports.ts';
import type { PolicyAdmin } from '../policy/engine.ts';
import { createMasking } from '../protocols/postgres/masking/masking.ts';
import { withPlainView } from '../protocols/postgres/masking/plain-view.ts';
import { type PostgresDeps, type PostgresProtocol, startPostgres } from '../protocols/postgres/protocol.ts';
import { createInspector } from '../protocols/postgres/wire/inspector.ts';
import { connectSimpleClient } from '../protocols/postgres/wire/simple-client.ts';

export interface ServicePostgresParts
  extends Omit<PostgresDeps, 'credential' | 'digest' | 'masking' | 'inspect' | 'scramDefaults'> {
  tokens: PostgresDeps['tokens'] & { admitted(check: CredentialCheck, connectionId: string): CredentialCheck };
  workloads: Pick<Workloads, 'isJwt' | 'verify'>;
  policy: Pick<PolicyAdmin, 'canViewPlain'>;
  maskingKey(name: string): Uint8Array;
}

/** For the gateway's own questions: nothing that a client set may change their meaning. */
const INSPECTOR_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['application_name', 'countersign'],
  ['client_encoding', 'UTF8'],
]);
const CONNECT_MS = 10_000;

/** PostgreSQL, as the gateway runs it. Throws CountersignError when it cannot listen. */
export function servicePostgres(
  parts: ServicePostgresParts,
  listen: Parameters<typeof startPostgres>[1],
): Promise<PostgresProtocol> {
  const { tokens, workloads, vault, policy, maskingKey, classifier } = parts;
  const table = new TokenTable();
  const connect = async (connection: Connection, database: string) =>
    connectSimpleClient({
      connection,
      database,
      parameters: INSPECTOR_PARAMETERS,
      protocolMinor: 0,
      secret: await vault.read(connection.id),
      timeoutMs: CONNECT_MS,
    });
  return startPostgres(
    {
      ...parts,
      credential: async (sent, id) =>
        workloads.isJwt(sent) ? tokens.admitted(await workloads.verify(sent, id), id) : tokens.verify(sent, id),
      digest: statementDigest,
      masking: (connection, person, { database, conversation }) =>
        withPlainView(
          createMasking(connection, maskingKey(connection.id), {
            scope: [database, person.subject, conversation],
            table,
            parse: classifier.parse,
          }),
          (tag) => !policy.canViewPlain(person, connection, tag),
        ),
      inspect: (connection, database) => createInspector({ connection, connect: () => connect(connection, database) }),
      scramDefaults: (connectionId) => ({
        salt: createHmac('sha256', maskingKey('scram')).update(connectionId).digest().subarray(0, 16),
        iterations: 4096,
      }),
    },
    listen,
  );
}
