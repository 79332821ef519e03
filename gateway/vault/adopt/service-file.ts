import type { CredentialFile, FoundCredential } from './credential.ts';

/** Sections of `name=value` (PostgreSQL, "The Connection Service File"). */
export function readServiceFile(file: string, text: string): CredentialFile {
  const lines = text.split('\n');
  const credentials: FoundCredential[] = [];
  const left: CredentialFile['left'] = [];
  const values = sections(lines);
  for (const section of values) {
    const password = section.get('password');
    if (password === undefined || password.value === '') continue;
    const told = (name: string) => section.get(name)?.value ?? null;
    const user = told('user');
    const host = told('host') ?? told('hostaddr');
    if (user === null || host === null || host.includes(',')) {
      left.push({ line: password.line, why: 'its section does not name one host and one user' });
      continue;
    }
    credentials.push({
      file,
      line: password.line,
      host,
      port: Number(told('port') ?? 5432),
      user,
      database: told('dbname') ?? user,
      anyDatabase: told('dbname') === null,
      sslmode: told('sslmode'),
      password: password.value,
    });
  }
  return {
    file,
    text,
    credentials,
    left,
    without(adopted) {
      const next: (string | null)[] = [...lines];
      for (const [{ line }, { id, database, host, port }] of adopted) {
        const section = values.find((one) => one.get('password')?.line === line);
        if (!section) continue;
        const wanted: Record<string, string> = { host, port: String(port), user: id, dbname: database };
        for (const [name, { line: at }] of section) {
          // How the server was reached says nothing of how the gateway is.
          if (name === 'password' || name === 'hostaddr' || name.startsWith('ssl')) next[at - 1] = null;
          else if (wanted[name] !== undefined) next[at - 1] = `${name}=${wanted[name]}`;
        }
        const missing = Object.entries(wanted).filter(([name]) => !section.has(name));
        next[line - 1] = [
          `# moved to Countersign's vault; the password is a token: countersign connect ${id}`,
          ...missing.map(([name, value]) => `${name}=${value}`),
        ].join('\n');
      }
      return next.filter((line) => line !== null).join('\n');
    },
  };
}

type Section = Map<string, { value: string; line: number }>;

function sections(lines: readonly string[]): Section[] {
  const found: Section[] = [];
  lines.forEach((raw, index) => {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) return;
    if (line.startsWith('[')) found.push(new Map());
    const sign = line.indexOf('=');
    if (sign > 0)
      found.at(-1)?.set(line.slice(0, sign).trim(), { value: line.slice(sign + 1).trim(), line: index + 1 });
  });
  return found;
}
