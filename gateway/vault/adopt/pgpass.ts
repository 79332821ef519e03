import type { CredentialFile, FoundCredential } from './credential.ts';

/** `hostname:port:database:username:password`, with `\` before `:` and `\` in a field (PostgreSQL, "The Password File"). */
export function readPgpass(file: string, text: string): CredentialFile {
  const lines = text.split('\n');
  const credentials: FoundCredential[] = [];
  const left: CredentialFile['left'] = [];
  lines.forEach((raw, index) => {
    const line = raw.replace(/\r$/, '');
    if (line === '' || line.startsWith('#')) return;
    const [host, port, database, user, password] = fields(line);
    const number = index + 1;
    if (password === undefined || password === '') return;
    if (host === '*' || user === '*') {
      left.push({ line: number, why: 'it is for any host or user, so there is no one server to register' });
      return;
    }
    credentials.push({
      file,
      line: number,
      host: host === '' ? 'localhost' : host!,
      port: port === '*' ? 5432 : Number(port),
      user: user!,
      database: database === '*' ? user! : database!,
      anyDatabase: database === '*',
      sslmode: null,
      password,
    });
  });
  return {
    file,
    text,
    credentials,
    left,
    without(adopted) {
      const gone = new Map([...adopted].map(([{ line }, { id }]) => [line, id]));
      return lines
        .map((line, index) => {
          const id = gone.get(index + 1);
          return id === undefined ? line : `# moved to Countersign's vault: use the connection ${id}`;
        })
        .join('\n');
    },
  };
}

function fields(line: string): string[] {
  const found: string[] = [];
  let field = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line.charAt(at);
    if (character === '\\' && at + 1 < line.length) {
      at += 1;
      field += line.charAt(at);
    } else if (character === ':' && found.length < 4) {
      found.push(field);
      field = '';
    } else field += character;
  }
  return [...found, field];
}
