import type { Scanner } from '../../../masking/detectors/scanner.ts';
import type { Masking, OutputTaint } from '../ports.ts';
import type { ValueMasker } from './value-masker.ts';

/**
 * Masks the text of errors, notices and notifications. The server puts values into them in quotes, in
 * parentheses, after colons and as bare numbers, unescaped, so where a value ends cannot be told: a
 * value may hold quotes itself. Hence, for statements that read tagged columns, a line keeps its
 * quoted parts only when all of it has the form of a message in which nothing but names stand;
 * in any other line everything from the first quote to the last is replaced.
 */

const HIDDEN = '[masked]';
/** Longer texts are no message of the server's own. */
const MAX_TEXT = 64 * 1024;
const NAME = '"[^"]{1,200}"';
const KINDS =
  'relation|table|column|constraint|index|schema|database|role|type|function|view|sequence|operator class|text search configuration|prepared statement|cursor|portal|savepoint|trigger|policy|extension|language|parameter|collation';

/** Names in these come from the catalog, whatever the statement does. */
const CATALOG_LINES: readonly RegExp[] = [
  `null value in column ${NAME} of relation ${NAME} violates not-null constraint`,
  `duplicate key value violates unique constraint ${NAME}`,
  `conflicting key value violates exclusion constraint ${NAME}`,
  `new row for relation ${NAME} violates check constraint ${NAME}`,
  `new row violates row-level security policy for table ${NAME}`,
  `(?:insert or update|update or delete) on table ${NAME} violates (?:RESTRICT setting of )?foreign key constraint ${NAME}(?: on table ${NAME})?`,
  `value for domain [\\w.]{1,200} violates check constraint ${NAME}`,
  'canceling statement due to (?:user request|statement timeout|lock timeout)',
].map((source) => new RegExp(`^${source}$`));

/** Names in these were looked up; `ssn::regclass` looks up a value, so each must be a name of the client's own text. */
const LOOKUP_LINES: readonly RegExp[] = [
  `(?:${KINDS}) ${NAME} does not exist`,
  `(?:${KINDS}) ${NAME} already exists`,
  `column ${NAME} of relation ${NAME} does not exist`,
  `column reference ${NAME} is ambiguous`,
  `column ${NAME} must appear in the GROUP BY clause or be used in an aggregate function`,
  `(?:invalid reference to|missing) FROM-clause entry for table ${NAME}`,
  `syntax error at or near ${NAME}`,
].map((source) => new RegExp(`^${source}$`));

/** More names or literals than this in the client's text could be a list of guesses, so they prove nothing. */
const MAX_WORDS = 200;
const MAX_LITERALS = 8;

/** One pass: a pattern would start over at every comment that does not end. */
function withoutCommentsAndLiterals(sql: string): string {
  let out = '';
  let at = 0;
  while (at < sql.length) {
    const line = sql.startsWith('--', at);
    const block = sql.startsWith('/*', at);
    const literal = sql[at] === "'";
    if (!line && !block && !literal) {
      out += sql[at];
      at += 1;
      continue;
    }
    const end = sql.indexOf(line ? '\n' : block ? '*/' : "'", at + (block ? 2 : 1));
    out += ' ';
    at = end === -1 ? sql.length : end + (block ? 2 : 1);
  }
  return out;
}

function createOwnText(sent: string) {
  let words: Set<string> | null = null;
  let literals: Set<string> | null = null;
  return {
    hasName(name: string): boolean {
      if (words === null) {
        const bare = withoutCommentsAndLiterals(sent);
        words = new Set(bare.match(/"[^"]+"|[\p{L}\d_$]+/gu)?.map((word) => word.replaceAll('"', '')) ?? []);
      }
      const known = words;
      return known.size <= MAX_WORDS && name.split('.').every((part) => known.has(part));
    },
    hasLiteral(value: string): boolean {
      literals ??= new Set(sent.match(/'[^']*'/g)?.map((literal) => literal.slice(1, -1)) ?? []);
      return literals.size <= MAX_LITERALS && literals.has(value);
    },
  };
}

type OwnText = ReturnType<typeof createOwnText>;

/** What may close a quotation, by what opened it (messages may be translated). */
const CLOSERS: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '«': '»',
  '»': '«',
  '„': '“”',
  '“': '”',
  '‘': '’',
};

/**
 * Everything from the first quote to the last that closes it. What follows is the server's own, unless
 * the value has a line end in it (`open`): then the last quote of this line may be the value's.
 */
function hideQuoted(line: string, own: OwnText, open: boolean): string {
  let first = 0;
  while (first < line.length && CLOSERS[line[first]!] === undefined) first += 1;
  if (first === line.length) return line;
  const closers = CLOSERS[line[first]!]!;
  let last = line.length - 1;
  while (last > first && !closers.includes(line[last]!)) last -= 1;
  if (open || last === first) return `${line.slice(0, first + 1)}${HIDDEN}`;
  if (own.hasLiteral(line.slice(first + 1, last))) return line;
  return `${line.slice(0, first + 1)}${HIDDEN}${line.slice(last)}`;
}

/** Numbers of three digits and more, with what joins digits; those of lines stay. */
function hideNumbers(line: string): string {
  return line.replace(/\d[\d.,:/-]*/g, (found, at: number) => {
    const digits = found.replace(/\D/g, '').length;
    return digits < 3 || line.slice(Math.max(0, at - 5), at) === 'line ' ? found : HIDDEN;
  });
}

function hideValues(line: string, own: OwnText, open: boolean): string {
  if (CATALOG_LINES.some((pattern) => pattern.test(line))) return line;
  if (LOOKUP_LINES.some((pattern) => pattern.test(line))) {
    const names = [...line.matchAll(/"([^"]+)"/g)].map((match) => match[1]!);
    if (names.every((name) => own.hasName(name))) return line;
  }
  if (line.startsWith('Failing row contains (')) return `Failing row contains (${HIDDEN}).`;
  const key = line.indexOf(')=(');
  if (line.startsWith('Key (') && key !== -1) {
    const after =
      /\) (already exists\.|is not present in table "[^"()]+"\.|is (?:still )?referenced from table "[^"()]+"\.)$/.exec(
        line,
      );
    return `${line.slice(0, key + 3)}${HIDDEN})${after === null ? '' : ` ${after[1]}`}`;
  }
  // "JSON data, line 1: …", "COPY customers, line 3, column ssn: …"
  const data = /^((?:JSON data|COPY [^:]{1,400}), line \d+(?:, column [^:]{1,200})?: )/.exec(line);
  if (data !== null) return `${data[1]}${HIDDEN}`;
  return hideNumbers(hideQuoted(line, own, open));
}

/** Lines of CONTEXT, one for each level of the call stack. */
const STACK_LINE =
  /^(PL\/pgSQL function |SQL function |SQL statement |PL\/pgSQL |COPY |JSON data|while |unnamed portal |portal |parallel worker)/;

export function createErrorText(scanner: Scanner | null, values: () => ValueMasker): Masking['text'] {
  return (text: string, taint: OutputTaint, sent: string) => {
    const masker = values();
    let out = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)} …` : text;
    if (scanner !== null) {
      const bytes = new TextEncoder().encode(out);
      const found = scanner.scan(bytes, 0, bytes.length);
      if (found !== null) out = new TextDecoder().decode(masker.splice(bytes, 0, bytes.length, found));
    }
    const [tag] = taint.all;
    if (tag !== undefined) {
      const own = createOwnText(sent);
      // After the first line only a call stack is the server's; anything else is a value with line ends in it.
      const lines = out.split('\n');
      const masked = lines
        .map((line, i) => {
          if (i === 0 || STACK_LINE.test(line)) return hideValues(line, own, lines.length > 1);
          return line === '' ? line : HIDDEN;
        })
        .join('\n');
      if (masked !== out) {
        masker.count(tag.entity);
        out = masked;
      }
    }
    return { text: out, counts: masker.counts };
  };
}
