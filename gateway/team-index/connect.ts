import * as fs from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { parseTarget, passwordFromFile } from '../audit/replay-against/target.ts';
import { CountersignError } from '../contract/errors.ts';

/** A connection to the database of a team's index. */
export type TeamDb = pg.Client;

export interface TeamDbOptions {
  env: Readonly<Partial<Record<'PGPASSWORD' | 'PGPASSFILE' | 'HOME', string | undefined>>>;
  /** Asked only where the server wants a password and neither environment nor password file has it. */
  askPassword(question: string): Promise<string>;
}

const CONNECT_MS = 20_000;
const BIGINT = 20;

/**
 * Connects to `postgres://user@host/database`; the password comes from $PGPASSWORD, a password file or a
 * person, and a URL that has one is refused. Throws REPLAY_URL for what is no such URL, TEAM_INDEX_UNREACHABLE.
 */
export async function connectTeamDb(url: string, { env, askPassword }: TeamDbOptions): Promise<TeamDb> {
  const target = parseTarget(url);
  const { host, port, user, tls } = target.connection;
  const { database } = target;
  const password = async () => {
    const file = env.PGPASSFILE ?? join(env.HOME ?? homedir(), '.pgpass');
    return env.PGPASSWORD ?? passwordFromFile(file, target) ?? (await askPassword(`Password of ${user} at ${host}: `));
  };
  const db = new pg.Client({
    host,
    port,
    user,
    database,
    password,
    ssl: sslOf(tls),
    application_name: 'countersign',
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    // Times, counts and sizes all fit into a number.
    types: { getTypeParser: (oid, format) => (oid === BIGINT ? Number : pg.types.getTypeParser(oid, format)) },
  });
  // A connection that breaks while nothing runs: the next query says so.
  db.on('error', () => {});
  try {
    await db.connect();
  } catch (cause) {
    await db.end().catch(() => {});
    if (cause instanceof CountersignError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CountersignError('TEAM_INDEX_UNREACHABLE', `the database ${database} at ${host}:${port}: ${why}`, {
      cause,
    });
  }
  return db;
}

function sslOf({ mode, caFile }: { mode: string; caFile?: string | undefined }): pg.ClientConfig['ssl'] {
  if (mode === 'disable') return false;
  const ca = caFile === undefined ? {} : { ca: fs.readFileSync(caFile, 'utf8') };
  if (mode === 'require') return { ...ca, rejectUnauthorized: false };
  return mode === 'verify-ca' ? { ...ca, checkServerIdentity: () => undefined } : ca;
}
