import type { MintedToken } from '../../../../gateway/contract/routes/connections.ts';

/** Ways to give a client its token; each is text to paste. */
export const WAYS = ['command', 'environment', 'url'] as const;
export type Way = (typeof WAYS)[number];

/** One word for a POSIX shell. */
const shellQuote = (value: string) => (/^[\w./:@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`);

/**
 * Connection URI of libpq (PostgreSQL's documentation, 34.1.1.2). Every part is percent-encoded. A URL
 * that stands in a command line can be read by other users of the machine, so the command uses the environment.
 */
export function urlOf({ host, port, env }: Pick<MintedToken, 'host' | 'port' | 'env'>): string {
  const [user, password, database] = [env.PGUSER, env.PGPASSWORD, env.PGDATABASE].map((part) =>
    encodeURIComponent(part ?? ''),
  );
  const name = host.includes(':') ? `[${host}]` : host;
  return `postgresql://${user}:${password}@${name}:${port}/${database}`;
}

export function textOf(way: Way, token: MintedToken): string {
  if (way === 'command') return token.command;
  if (way === 'url') return urlOf(token);
  return Object.entries(token.env)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}`)
    .join('\n');
}
