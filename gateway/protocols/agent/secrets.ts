import type { Entity } from '../../contract/connection.ts';
import { createScanner } from '../../masking/detectors/scanner.ts';

/** What counts as a secret in a text; personal data does not. */
const SECRETS: readonly Entity[] = ['AWS_ACCESS_KEY', 'JWT', 'PRIVATE_KEY', 'SECRET_TOKEN', 'CONNECTION_STRING'];

const scanner = createScanner(SECRETS, 0.5);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export interface Cleaned {
  /** With `[TYPE]` where each secret stood. */
  text: string;
  /** Their types, each once. */
  kinds: string[];
  /** The secrets themselves: to be compared, never to be kept. */
  values: string[];
}

/** `postgres://app:$PASSWORD@host` names its password and holds none. */
const NAMED_PASSWORD = /:\/\/[^/@\s]*:(?:\$|<|\*|\{)/;
/** Variables whose names say what they hold, with a value that is not one of another variable. */
const ASSIGNED =
  /\b((?:[A-Z0-9]{1,40}_){0,8}(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|SECRET_KEY|ACCESS_KEY|API_KEY|APIKEY|TOKEN|PGPASSWORD)|MYSQL_PWD)(\s?[=:]\s?)(["']?)([^\s"'$<*{};&|)]{8,200})\3/g;

/** Takes secrets out of a text; what the detectors know of is what is found. */
export function withoutSecrets(text: string): Cleaned {
  const values: string[] = [];
  const kinds = new Set<string>();
  const known = detected(text, values, kinds);
  const cleaned = known.replace(ASSIGNED, (whole, name: string, sign: string, quote: string, value: string) => {
    if (!/[0-9]/.test(value) || !/[A-Za-z]/.test(value)) return whole;
    values.push(value);
    kinds.add('NAMED_SECRET');
    return `${name}${sign}${quote}[NAMED_SECRET]${quote}`;
  });
  return { text: cleaned, kinds: [...kinds], values };
}

function detected(text: string, values: string[], kinds: Set<string>): string {
  const bytes = encoder.encode(text);
  const found = scanner.scan(bytes, 0, bytes.length);
  if (found === null) return text;
  let cleaned = '';
  let from = 0;
  for (const { start, end, entity } of found) {
    const value = decoder.decode(bytes.subarray(start, end));
    if (entity === 'CONNECTION_STRING' && NAMED_PASSWORD.test(value)) continue;
    cleaned += `${decoder.decode(bytes.subarray(from, start))}[${entity}]`;
    from = end;
    values.push(value);
    kinds.add(entity);
  }
  return cleaned + decoder.decode(bytes.subarray(from));
}

/** The same for every text in a JSON value; names are cleaned too. Adds what it finds to `kinds`. */
export function valueWithoutSecrets(value: unknown, kinds: Set<string>, depth = 0): unknown {
  if (typeof value === 'string') {
    const cleaned = withoutSecrets(value);
    for (const kind of cleaned.kinds) kinds.add(kind);
    return cleaned.text;
  }
  if (depth > 64) return '…';
  if (Array.isArray(value)) return value.map((item) => valueWithoutSecrets(item, kinds, depth + 1));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [
        valueWithoutSecrets(name, kinds, depth + 1) as string,
        NAMED.test(name) && typeof item === 'string' && item.length >= 8 && !item.startsWith('$')
          ? named(kinds)
          : valueWithoutSecrets(item, kinds, depth + 1),
      ]),
    );
  }
  return value;
}

const NAMED = /(^|_|-)(password|passwd|passphrase|secret|api_?key|access_?token|auth_?token)$/i;

function named(kinds: Set<string>): string {
  kinds.add('NAMED_SECRET');
  return '[NAMED_SECRET]';
}
