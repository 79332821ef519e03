const MAX_TERMS = 32;

/**
 * What a person types, as an FTS5 query: all words have to occur, in any order; "quoted words" as a
 * phrase; a trailing * finds words that begin so. Names with punctuation (public.orders, customer_id)
 * become phrases. Everything is quoted, so no input is a syntax error or reaches FTS5's operators.
 * @returns null when there is nothing to look for.
 */
export function ftsQuery(typed: string): string | null {
  const terms: string[] = [];
  for (const match of typed.matchAll(/"([^"]*)"?|([^\s"]+)/g)) {
    if (terms.length >= MAX_TERMS) break;
    const raw = match[1] ?? match[2] ?? '';
    const prefix = match[2] !== undefined && raw.endsWith('*');
    // FTS5 sees letters and digits only; a term without any would match nothing at all.
    if (!/[\p{L}\p{N}\p{Co}]/u.test(raw)) continue;
    const text = (prefix ? raw.replace(/\*+$/, '') : raw).replaceAll('\0', ' ');
    terms.push(`"${text}"${prefix ? ' *' : ''}`);
  }
  return terms.length === 0 ? null : terms.join(' ');
}
