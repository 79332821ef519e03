import type { Effects } from '../../contract/operation.ts';
import type { DerivedStatement } from '../../pipeline/derive.ts';

/** What is done with one recorded statement. */
export type Plan =
  /** `savepoint`: it makes, releases or goes back to one of the session's own. */
  | { do: 'run'; sql: string; parameters: (string | null)[]; savepoint: boolean }
  | { do: 'begin' | 'commit' | 'rollback' }
  | { do: 'skip'; why: string };

export interface PlanOptions {
  /** Also what changes data; it is rolled back unless it is to be kept. */
  writes: boolean;
  /** What a text does, read here: what a recording says of it is the word of who made it. */
  classify(text: string): Pick<Effects, 'class' | 'flags'>;
}

/** Reach beyond the database, where no transaction is rolled back. */
const BEYOND = ['server-file', 'load-library'];
/** Of class unknown here for want of a catalog or a session, and not because they are not understood. */
const NEEDS_CATALOG = ['unknown-function', 'prepared'];

/** Marks of derivation: a value or text that is not all there. */
const CUT = /… \(\d+ more bytes in the recording\)$|^… \(in the recording\)$/;
const NOT_AT_HAND =
  /^\((a portal whose statement is not at hand|statement \d+ of the query string above|prepared statement .*, whose text is not at hand)\)$/;
const FAILED_TRANSACTION = '25P02';
/** Comments and blanks in front of a command. */
const LEADING = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/;

/**
 * The whole replay is one transaction, so the recorded ones become savepoints in it: nothing that is run
 * ends it.
 */
export function planOf(statement: DerivedStatement, { writes, classify }: PlanOptions): Plan {
  const { verdict, text, error, parameters, class: kind, copyIn, columns } = statement;
  const skip = (why: string): Plan => ({ do: 'skip', why });
  if (verdict === 'denied' || verdict === 'asked-denied' || verdict === 'asked-expired')
    return skip('it was denied, so it did not run');
  if (error !== null && error.sqlstate === '') return skip('a part of it was redacted or is damaged');
  if (error?.sqlstate === FAILED_TRANSACTION) return skip('it came after a failure in its transaction');
  if (NOT_AT_HAND.test(text)) return skip('its text is not in the recording');
  const command = commandOf(text);
  if (command === 'COPY' || copyIn !== null || columns.some(({ name }) => name === 'COPY'))
    return skip('COPY is not run again');
  if (/^FunctionCall /.test(text)) return skip('a function call of the wire protocol is not run again');
  const ended = statement.tag ?? '';
  if (command === 'BEGIN' || command === 'START') return { do: 'begin' };
  if (command === 'COMMIT' || command === 'END') {
    if (/^\w+\s+PREPARED\b/i.test(text.slice(LEADING.exec(text)![0].length)))
      return skip('transactions in two phases are not run again');
    return { do: ended === 'ROLLBACK' ? 'rollback' : 'commit' };
  }
  if (command === 'ABORT' || (command === 'ROLLBACK' && !/\bTO\b|\bPREPARED\b/i.test(text))) return { do: 'rollback' };
  if (/\bPREPARED\b/i.test(text) && command === 'ROLLBACK') return skip('transactions in two phases are not run again');
  if (command === 'PREPARE' && /\bTRANSACTION\b/i.test(text))
    return skip('transactions in two phases are not run again');
  // What a comment hides from here, its tag shows.
  if (ended === 'COMMIT' || ended === 'BEGIN' || ended === 'PREPARE TRANSACTION')
    return skip('it ends or begins a transaction in a way that is not understood');
  if (parameters.some((value) => value !== null && CUT.test(value)) || CUT.test(text))
    return skip('a value is too long to be sent again');
  if (!writes && !reads(kind)) return skip(`it is of class ${kind}: run it with --write`);
  const found = classify(text);
  if (found.flags.some((flag) => BEYOND.includes(flag))) return skip('what it does outside of the database stays');
  const readable = reads(found.class) || found.flags.some((flag) => NEEDS_CATALOG.includes(flag));
  if (!writes && !readable)
    return skip(`its text is of class ${found.class}, whatever was recorded: run it with --write`);
  return {
    do: 'run',
    sql: text,
    parameters,
    savepoint: command === 'SAVEPOINT' || command === 'RELEASE' || command === 'ROLLBACK',
  };
}

const reads = (kind: string): boolean => kind === 'read' || kind === 'session';

function commandOf(text: string): string {
  const start = LEADING.exec(text)?.[0].length ?? 0;
  return /^[a-z]+/i.exec(text.slice(start))?.[0].toUpperCase() ?? '';
}
