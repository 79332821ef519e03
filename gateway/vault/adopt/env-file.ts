import type { CredentialFile, FoundCredential } from './credential.ts';

/** `NAME=postgres://user:password@host/database`, with or without `export` and quotes. */
const ASSIGNED = /^(\s*(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*)(["']?)(postgres(?:ql)?:\/\/[^"'\s]+)\2/;

/** Addresses of databases with a password in an env file. */
export function readEnvFile(file: string, text: string): CredentialFile {
  const lines = text.split('\n');
  const credentials: FoundCredential[] = [];
  const left: CredentialFile['left'] = [];
  lines.forEach((line, index) => {
    const address = ASSIGNED.exec(line)?.[3];
    if (address === undefined || !/:\/\/[^/@]*:[^/@]+@/.test(address)) return;
    const number = index + 1;
    let url: URL;
    try {
      url = new URL(address);
      credentials.push({
        file,
        line: number,
        host: decodeURIComponent(url.hostname),
        port: Number(url.port || 5432),
        user: decodeURIComponent(url.username),
        database: decodeURIComponent(url.pathname.slice(1)) || decodeURIComponent(url.username),
        anyDatabase: false,
        sslmode: url.searchParams.get('sslmode'),
        password: decodeURIComponent(url.password),
      });
    } catch {
      left.push({ line: number, why: 'its address cannot be read' });
    }
  });
  return {
    file,
    text,
    credentials,
    left,
    without(adopted) {
      const next = [...lines];
      for (const [{ line }, { id, host, port, database }] of adopted) {
        const address = `postgres://${id}@${host}:${port}/${encodeURIComponent(database)}`;
        next[line - 1] = next[line - 1]!.replace(
          ASSIGNED,
          (_, name: string, quote: string) => name + quote + address + quote,
        );
      }
      return next.join('\n');
    },
  };
}
