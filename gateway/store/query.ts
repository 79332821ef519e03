import type { StatementFilter } from '../contract/search.ts';
import { type FacetKind, verdictTokens } from './facets.ts';

/** Sessions of this one alone, letter by letter: what the caller may see, and nothing that they ask for. */
export interface OfSubject {
  subject?: string | undefined;
}

/** Sessions (seq) of a subject; the parameter is given twice, null for everybody's. */
export const OF_SUBJECT = (seq: string): string =>
  `(? IS NULL OR ${seq} IN (SELECT seq FROM sessions WHERE json_extract(identity, '$.subject') = ?))`;

const MAX_TERMS = 32;
/** Names that one filter may stand for; more are no filter. */
export const MAX_ALTERNATIVES = 1_000;

/** Words that follow each other; the last one may go on where `prefix`. */
export interface Term {
  text: string;
  prefix: boolean;
}

/**
 * What a person types: all words have to occur, in any order; "quoted words" as a phrase; a trailing *
 * finds words that begin so. Names with punctuation (public.orders, customer_id) are phrases.
 */
export function parseTerms(typed: string): Term[] {
  const terms: Term[] = [];
  for (const match of typed.matchAll(/"([^"]*)"?|([^\s"]+)/g)) {
    if (terms.length >= MAX_TERMS) break;
    const raw = match[1] ?? match[2] ?? '';
    const prefix = match[2] !== undefined && raw.endsWith('*');
    // Words are letters and digits only; a term without any would match nothing at all.
    if (!/[\p{L}\p{N}\p{Co}]/u.test(raw)) continue;
    terms.push({ text: (prefix ? raw.replace(/\*+$/, '') : raw).replaceAll('\0', ' '), prefix });
  }
  return terms;
}

const TIMES = ['since', 'until'] as const;
const FACETS = ['person', 'agent', 'connection', 'device', 'table', 'approver', 'entity'] as const;

/** Names to look up before a query can be made. */
export function namesOf(filter: StatementFilter): { kind: FacetKind; name: string; prefix: boolean }[] {
  return FACETS.flatMap((kind) => {
    const given = filter[kind]?.toLowerCase();
    if (given === undefined) return [];
    const prefix = given.endsWith('*');
    return [{ kind, name: prefix ? given.slice(0, -1) : given, prefix }];
  });
}

/** A query as both indexes understand it: all terms, one token of each list, and started within the times (µs). */
export interface Query {
  terms: Term[];
  tokens: string[][];
  sinceUs: number | null;
  untilUs: number | null;
}

/**
 * @param found what each of namesOf() stands for here, as tokens.
 * @returns null when nothing can match.
 */
export function queryOf(filter: StatementFilter, found: readonly string[][]): Query | null {
  const terms = parseTerms(filter.text ?? '');
  if (filter.text !== undefined && filter.text.trim() !== '' && terms.length === 0) return null;
  if (found.some((tokens) => tokens.length === 0)) return null;
  const tokens = [...found];
  if (filter.verdict !== undefined) tokens.push(verdictTokens(filter.verdict));
  const [sinceUs, untilUs] = TIMES.map((key) => (filter[key] === undefined ? null : Date.parse(filter[key]) * 1000));
  return { terms, tokens, sinceUs: sinceUs!, untilUs: untilUs! };
}

/** Everything is quoted, so no input is a syntax error or reaches FTS5's operators. Null: every statement. */
export function ftsQuery({ terms, tokens }: Pick<Query, 'terms' | 'tokens'>): string | null {
  const parts = tokens.map((any) => `facets : (${any.map((token) => `"${token}"`).join(' OR ')})`);
  if (terms.length > 0) {
    const quoted = terms.map(({ text, prefix }) => `"${text}"${prefix ? ' *' : ''}`);
    parts.unshift(`{text parameters message} : (${quoted.join(' AND ')})`);
  }
  return parts.length === 0 ? null : parts.join(' AND ');
}

/** A filter in words, for the auditor's log and for messages. */
export function filterText(filter: StatementFilter): string {
  const { text, ...rest } = filter;
  const named = Object.entries(rest).filter(([, value]) => value !== undefined);
  return [...(text === undefined ? [] : [text]), ...named.map(([key, value]) => `${key}=${value}`)].join(' ');
}
