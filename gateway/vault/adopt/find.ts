import { join } from 'node:path';
import { readSettings } from '../../agents/install/files.ts';
import { Connection } from '../../contract/connection.ts';
import type { CredentialFile, FoundCredential } from './credential.ts';
import { readEnvFile } from './env-file.ts';
import { readPgpass } from './pgpass.ts';
import { readServiceFile } from './service-file.ts';

export interface WhereCredentialsAre {
  home: string;
  project: string;
  env: NodeJS.ProcessEnv;
}

/** Files of libpq and of the project that hold passwords of PostgreSQL servers. Throws HOOKS_FILE_UNREADABLE. */
export function findCredentials({ home, project, env }: WhereCredentialsAre): CredentialFile[] {
  const readers: [string, (file: string, text: string) => CredentialFile][] = [
    [env.PGPASSFILE ?? join(home, '.pgpass'), readPgpass],
    [env.PGSERVICEFILE ?? join(home, '.pg_service.conf'), readServiceFile],
    ...['.env', '.env.local', '.env.development', '.env.production'].map(
      (name) => [join(project, name), readEnvFile] as [string, typeof readEnvFile],
    ),
  ];
  return readers.flatMap(([file, read]) => {
    const text = readSettings(file);
    if (text === null) return [];
    // What cannot be read as it is cannot be written again as it was.
    if (text.includes('\uFFFD')) {
      const left = [{ line: 1, why: 'it is not UTF-8' }];
      return [{ file, text, credentials: [], left, without: () => text }];
    }
    const found = read(file, text);
    return found.credentials.length > 0 || found.left.length > 0 ? [found] : [];
  });
}

const isLocal = (host: string) =>
  host === 'localhost' || host === '127.0.0.1' || host === '::1' || host.startsWith('/');

/** A connection for it, under a name that is free. null: it is none that can be registered. */
export function connectionFor(found: FoundCredential, taken: ReadonlySet<string>): Connection | null {
  const { host, port, user, database, anyDatabase, sslmode } = found;
  const mode = ['disable', 'require', 'verify-ca', 'verify-full'].find((one) => one === sslmode);
  const parsed = Connection.safeParse({
    id: freeName(`${database}-${isLocal(host) ? 'local' : (host.split('.')[0] ?? host)}`, taken),
    kind: 'postgres',
    host,
    port,
    user,
    database,
    databases: anyDatabase ? ['*'] : [],
    // libpq's own default asks for no proof of the server either; in the clear only within this machine.
    tls: { mode: mode ?? (isLocal(host) ? 'disable' : 'require') },
  });
  return parsed.success ? parsed.data : null;
}

function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const base =
    wanted
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, 50) || 'database';
  for (let n = 1; ; n += 1) {
    const name = n === 1 ? base : `${base}-${n}`;
    if (!taken.has(name)) return name;
  }
}
