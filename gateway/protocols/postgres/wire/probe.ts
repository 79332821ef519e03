import type { Connection } from '../../../contract/connection.ts';
import { isCountersignError } from '../../../contract/errors.ts';
import { UpstreamRefusal } from '../handshake/upstream-error.ts';
import { connectSimpleClient } from './simple-client.ts';

export interface ConnectionTest {
  ok: boolean;
  /** What was found, and what to do where it is not well. Without secrets. */
  sentence: string;
  /** Such as "18.1"; null where the server was not reached. */
  serverVersion: string | null;
  milliseconds: number;
}

const TIMEOUT_MS = 10_000;

/** Connects, asks one harmless question and hangs up. Never rejects. */
export async function testConnection(connection: Connection, secret: string | null): Promise<ConnectionTest> {
  const began = performance.now();
  const outcome = (ok: boolean, sentence: string, serverVersion: string | null): ConnectionTest => ({
    ok,
    sentence,
    serverVersion,
    milliseconds: Math.round(performance.now() - began),
  });
  try {
    const client = await connectSimpleClient({
      connection,
      database: connection.database,
      parameters: new Map([['application_name', 'countersign test']]),
      protocolMinor: 0,
      secret,
      timeoutMs: TIMEOUT_MS,
    });
    try {
      await client.query('SELECT 1', { timeoutMs: TIMEOUT_MS, maxRows: 1 });
    } finally {
      client.close();
    }
    const version = client.parameters.get('server_version') ?? null;
    const secured = client.tls ? 'over TLS' : 'without TLS';
    const proof = client.authMethod === 'trust' ? 'no password was asked for' : `authenticated by ${client.authMethod}`;
    return outcome(
      true,
      `Connected to PostgreSQL ${version ?? '(unknown version)'} as ${connection.user} ${secured}; ${proof}.`,
      version,
    );
  } catch (error) {
    return outcome(false, sentenceFor(error, connection, secret), null);
  }
}

function sentenceFor(error: unknown, connection: Connection, secret: string | null): string {
  const { user, database } = connection;
  if (error instanceof UpstreamRefusal) {
    switch (error.sqlstate) {
      case '28P01':
        return secret === null
          ? `The server asks for a password for user "${user}", and none is stored: store it with the connection.`
          : `The server refused the password for user "${user}": store the right one with the connection.`;
      case '28000':
        return `The server does not let user "${user}" into database "${database}" this way; check the user's name, TLS, and the server's pg_hba.conf. ${capitalized(error.message)}.`;
      case '3D000':
        return `There is no database "${database}" on this server: name another one.`;
      case '53300':
        return 'The server has no free connection left: try again later, or raise max_connections.';
      case '57P03':
        return 'The server is starting or stopping: try again in a moment.';
      default:
        return `${capitalized(error.message)}.`;
    }
  }
  if (isCountersignError(error)) return `${capitalized(error.message)}.`;
  return 'The connection could not be tested.';
}

function capitalized(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}
