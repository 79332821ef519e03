import type { Classification } from '../ports.ts';
import { as, child, list, type Tree, text } from './tree.ts';

/**
 * Options of the one COPY … TO STDOUT of a message, which the masker needs to read its stream (what
 * the server says of it is text or binary alone). null where there is none, or more than one.
 * Source: https://www.postgresql.org/docs/current/sql-copy.html
 */
export function copyOptions(statements: readonly Tree[]): Classification['copy'] {
  const copies = statements
    .map((node) => as(node, 'CopyStmt'))
    .filter((body): body is Tree => body !== null && body.is_from !== true && text(body, 'filename') === '');
  const [only, more] = copies;
  if (only === undefined || more !== undefined) return null;
  const given = new Map<string, Tree | null>();
  for (const option of list(only, 'options')) {
    const element = as(option, 'DefElem');
    given.set(text(element, 'defname').toLowerCase(), child(element, 'arg'));
  }
  const string = (name: string) => {
    const argument = given.get(name);
    return argument ? text(as(argument, 'String'), 'sval') : null;
  };
  const format = (string('format') ?? 'text').toLowerCase();
  const csv = format === 'csv';
  const quote = string('quote') ?? '"';
  return {
    format: csv ? 'csv' : format === 'binary' ? 'binary' : 'text',
    header: given.has('header') && isTrue(given.get('header') ?? null),
    delimiter: string('delimiter') ?? (csv ? ',' : '\t'),
    null: string('null') ?? (csv ? '' : '\\N'),
    quote,
    escape: string('escape') ?? quote,
  };
}

/** As defGetBoolean reads it: without an argument it is true. */
function isTrue(argument: Tree | null): boolean {
  if (argument === null) return true;
  const boolean = as(argument, 'Boolean');
  if (boolean) return boolean.boolval === true;
  const integer = as(argument, 'Integer');
  if (integer) return integer.ival === 1;
  return !['false', 'off', '0'].includes(text(as(argument, 'String'), 'sval').toLowerCase());
}
