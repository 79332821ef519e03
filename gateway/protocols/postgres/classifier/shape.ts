/** What the fast lexer made of a text: its shape, or null where it will not vouch for one. */

const QUOTE = 39;
const DOUBLE_QUOTE = 34;
const DOLLAR = 36;
const DASH = 45;
const SLASH = 47;
const STAR = 42;
const DOT = 46;

const isDigit = (c: number): boolean => c >= 48 && c <= 57;
/** Letters, digits, underscore. */
const isWord = (c: number): boolean => isDigit(c) || (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || c === 95;

/**
 * Lifts plain integers and simple '…' strings out of a statement: `WHERE id = 5` has the key
 * `WHERE id = \u0001`, strings become `\u0002`. Two texts with the same key have the same token sequence up to
 * the values of those constants, whatever the settings that the gateway pins. null for anything that
 * is not plainly so: comments, backslashes, prefixed strings, dollar quotes, control and non-ASCII
 * characters, fractions, exponents.
 */
export function shapeKey(text: string): string | null {
  const end = text.length;
  let key = '';
  let from = 0;
  let i = 0;
  while (i < end) {
    const c = text.charCodeAt(i);
    if (c >= 97 || c === 95 || (c >= 65 && c <= 90)) {
      if (c > 122) {
        // { | } ~ are operators or errors; DEL and above are not vouched for.
        if (c > 126) return null;
        i += 1;
        continue;
      }
      if (c === 96) {
        i += 1;
        continue;
      }
      i += 1;
      while (i < end && isWord(text.charCodeAt(i))) i += 1;
      if (i < end) {
        const next = text.charCodeAt(i);
        // A letter that touches a quote, an ampersand or a dollar may be a prefix (E'', U&'') or part of a name.
        if (next === QUOTE || next === DOLLAR || (next === 38 && isPrefixQuote(text, i + 1))) return null;
      }
      continue;
    }
    if (isDigit(c)) {
      let stop = i + 1;
      while (stop < end && isDigit(text.charCodeAt(stop))) stop += 1;
      if (stop < end) {
        const next = text.charCodeAt(stop);
        if (isWord(next) || next === DOT || next === DOLLAR || next === QUOTE || next > 126) return null;
      }
      if (i > 0 && text.charCodeAt(i - 1) === DOT) return null;
      key += text.slice(from, i);
      key += '\u0001';
      i = stop;
      from = stop;
      continue;
    }
    switch (c) {
      case QUOTE: {
        let stop = i + 1;
        for (;;) {
          const close = text.indexOf("'", stop);
          if (close === -1) return null;
          for (let k = stop; k < close; k += 1) {
            const inside = text.charCodeAt(k);
            if (inside === 92 || inside < 32 || inside > 126) return null;
          }
          if (text.charCodeAt(close + 1) !== QUOTE) {
            stop = close + 1;
            break;
          }
          stop = close + 2;
        }
        if (stop < end && isWord(text.charCodeAt(stop))) return null;
        key += text.slice(from, i);
        key += '\u0002';
        i = stop;
        from = stop;
        continue;
      }
      case DOUBLE_QUOTE: {
        const close = text.indexOf('"', i + 1);
        if (close === -1) return null;
        for (let k = i + 1; k < close; k += 1) {
          const inside = text.charCodeAt(k);
          if (inside < 32 || inside > 126) return null;
        }
        i = close + 1;
        continue;
      }
      case DOLLAR: {
        let stop = i + 1;
        while (stop < end && isDigit(text.charCodeAt(stop))) stop += 1;
        if (stop === i + 1) return null;
        if (stop < end && (isWord(text.charCodeAt(stop)) || text.charCodeAt(stop) === DOLLAR)) return null;
        i = stop;
        continue;
      }
      case DASH:
        if (text.charCodeAt(i + 1) === DASH) return null;
        i += 1;
        continue;
      case SLASH:
        if (text.charCodeAt(i + 1) === STAR) return null;
        i += 1;
        continue;
      case 92:
        return null;
      case 9:
      case 10:
      case 13:
        i += 1;
        continue;
      default:
        if (c < 32) return null;
        i += 1;
    }
  }
  return from === 0 ? text : key + text.slice(from);
}

/** After an identifier and `&`: does a quote follow at once (U&"…", U&'…')? */
function isPrefixQuote(text: string, at: number): boolean {
  const next = text.charCodeAt(at);
  return next === QUOTE || next === DOUBLE_QUOTE;
}

/** The key as a person reads it: constants as $n, numbered after the parameters that are there already. */
export function shapeText(key: string): string {
  let n = 0;
  for (const match of key.matchAll(/\$(\d{1,6})/g)) n = Math.max(n, Number(match[1]));
  let out = '';
  for (const c of key) {
    if (c === '\u0001' || c === '\u0002') {
      n += 1;
      out += `$${n}`;
    } else out += c;
  }
  return out;
}
