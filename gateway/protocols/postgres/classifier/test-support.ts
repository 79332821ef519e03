import { createHash } from 'node:crypto';
import { type ColumnTag, Connection } from '../../../contract/connection.ts';
import type { CatalogSnapshot, Classification, ClassifyContext } from '../ports.ts';
import { createClassifier, type LoadedClassifier } from './index.ts';

export const loadClassifier = (options: { timeout?: number; maxQueue?: number } = {}): Promise<LoadedClassifier> =>
  createClassifier({
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    after: (milliseconds, run) => {
      const timer = setTimeout(run, milliseconds);
      return () => clearTimeout(timer);
    },
    ...options,
  });

const columns = (names: string) => names.split(' ').map((name, i) => ({ name, attnum: i + 1, typeOid: 25 }));

/** customers(id, name, email*, ssn*), staff(id, name, salary*) and views upon them; * is tagged. */
export function shopConnection(): Connection {
  return Connection.parse({
    id: 'shop',
    kind: 'postgres',
    host: 'localhost',
    user: 'app',
    database: 'shop',
    columns: [
      { table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS' },
      { table: 'customers', column: 'ssn', entity: 'US_SSN' },
      { schema: 'hr', table: 'staff', column: 'salary', entity: 'CUSTOM' },
    ],
  });
}

export function shopCatalog(): CatalogSnapshot {
  const table = (schema: string, name: string, names: string) =>
    ({ oid: 1, schema, name, kind: 'table', columns: columns(names), definition: null }) as const;
  const view = (name: string, names: string, definition: string) =>
    ({ oid: 2, schema: 'public', name, kind: 'view', columns: columns(names), definition }) as const;
  const own = (name: string, volatility: 'immutable' | 'stable' | 'volatile', language: string, source: string) => ({
    schema: 'public',
    name,
    volatility,
    language,
    source,
  });
  return {
    tagByOid: new Map(),
    relations: [
      table('public', 'customers', 'id name email ssn'),
      table('hr', 'staff', 'id name salary'),
      view('contacts', 'id contact', 'SELECT id, upper(email) AS contact FROM customers;'),
      view('contacts2', 'id contact', 'SELECT c.* FROM contacts c;'),
      view('broken', 'id', 'SELECT FROM WHERE'),
    ],
    functions: [
      own('add_tax', 'immutable', 'sql', 'select $1 * 1.2'),
      own('ssn_of', 'stable', 'sql', 'select ssn from customers where id = $1'),
      own('through', 'stable', 'sql', 'select ssn_of(1)'),
      own('dynamic', 'stable', 'plpgsql', "begin execute 'select ' || $1; end"),
      own('archive', 'volatile', 'plpgsql', 'begin end'),
    ],
    volatileBuiltins: new Set(['random', 'currtid2']),
  };
}

export function shopContext(changes: Partial<ClassifyContext> = {}): ClassifyContext {
  return {
    connection: shopConnection(),
    catalog: shopCatalog(),
    prepared: () => null,
    cursor: () => null,
    ...changes,
  };
}

/** The columns' tags by name: `['', 'ssn', 'email ssn']`; null where the shape is not known; 'clean' where nothing is. */
export function shownTaint({ output }: Classification): string[] | 'clean' | null {
  if (output.columns !== null && output.columns.length === 1664 && output.columns.flat().length === 0) return 'clean';
  const show = (tags: readonly ColumnTag[]) =>
    tags
      .map((tag) => tag.column)
      .sort()
      .join(' ');
  return output.columns === null ? null : output.columns.map(show);
}
