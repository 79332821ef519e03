import * as fs from 'node:fs';
import { Connection } from '../../contract/connection.ts';
import { CountersignError } from '../../contract/errors.ts';
import type { RecorderSessionInfo } from '../../pipeline/ports.ts';

/** A database to replay against. */
export interface ReplayTarget {
  connection: Connection;
  database: string;
}

const MODES = ['disable', 'require', 'verify-ca', 'verify-full'];

/** postgres://user@host[:port]/database[?sslmode=…&sslrootcert=…]. Throws REPLAY_URL; a password in it is refused. */
export function parseTarget(text: string): ReplayTarget {
  const bad = (why: string) => new CountersignError('REPLAY_URL', why);
  let url: URL;
  try {
    // libpq's URLs may leave the host out where ?host= names a socket's folder.
    url = new URL(text.replace(/^([a-z]+:\/\/[^/?#]*@)(?=\/)/, '$1localhost'));
  } catch {
    throw bad('this is no connection of this gateway and no URL such as postgres://user@host:5432/database');
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:')
    throw bad('the URL has to begin with postgres://');
  if (url.password !== '')
    throw bad(
      'leave the password out of the URL, where other users can read it: it is asked for, or taken from a password file ($PGPASSFILE)',
    );
  const user = decodeURIComponent(url.username);
  const database = decodeURIComponent(url.pathname.slice(1));
  if (user === '' || database === '')
    throw bad('the URL has to name user and database: postgres://user@host:5432/database');
  const mode = url.searchParams.get('sslmode') ?? (isLoopback(url.hostname) ? 'disable' : 'verify-full');
  if (!MODES.includes(mode)) throw bad(`sslmode is one of ${MODES.join(', ')}`);
  const caFile = url.searchParams.get('sslrootcert');
  const parsed = Connection.safeParse({
    id: 'replay',
    kind: 'postgres',
    host: url.searchParams.get('host') ?? unbracketed(url.hostname),
    port: url.port === '' ? 5432 : Number(url.port),
    user,
    database,
    tls: { mode, ...(caFile === null ? {} : { caFile }) },
  });
  if (!parsed.success) throw bad('the URL names no database that can be connected to');
  return { connection: parsed.data, database };
}

const unbracketed = (host: string): string => host.replace(/^\[|\]$/g, '');
const isLoopback = (host: string): boolean =>
  host === '' || host === 'localhost' || host === '127.0.0.1' || host === '[::1]';

/** True when a target is the database that was recorded, as far as names tell. */
export function isRecorded(
  { connection, database }: ReplayTarget,
  info: Pick<RecorderSessionInfo, 'connection' | 'database'>,
): boolean {
  const plain = (host: string) =>
    isLoopback(host) || host === '::1' ? 'localhost' : host.toLowerCase().replace(/\.$/, '');
  return (
    connection.id === info.connection.id ||
    (plain(connection.host) === plain(info.connection.host) &&
      connection.port === info.connection.port &&
      database === info.database)
  );
}

const MAX_PASSFILE = 1024 * 1024;

/** The first line of a password file that fits: https://www.postgresql.org/docs/current/libpq-pgpass.html */
export function passwordFromFile(path: string, { connection, database }: ReplayTarget): string | null {
  let stat: fs.Stats;
  try {
    stat = fs.statSync(path);
  } catch {
    return null;
  }
  if (!stat.isFile() || stat.size > MAX_PASSFILE) return null;
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)
    throw new CountersignError('REPLAY_PASSFILE', 'the password file can be read by others: chmod 600 it first');
  const wanted = [
    connection.host.startsWith('/') ? 'localhost' : connection.host,
    String(connection.port),
    database,
    connection.user,
  ];
  for (const line of fs.readFileSync(path, 'utf8').split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = fieldsOf(line);
    if (fields.length === 5 && wanted.every((value, i) => fields[i] === '*' || fields[i] === value)) return fields[4]!;
  }
  return null;
}

/** Separated by colons; a backslash takes what follows as it is. */
function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  let field = '';
  for (let i = 0; i < line.length; i += 1) {
    if (line[i] === '\\' && i + 1 < line.length) field += line[++i];
    else if (line[i] === ':' && fields.length < 4) {
      fields.push(field);
      field = '';
    } else field += line[i];
  }
  fields.push(field);
  return fields;
}
