/** Cedar's WASM dies on about 140 nested parentheses; policies that people write have fewer than ten. */
const MAX_NESTING = 64;
const MAX_BRANCHES = 64;

export interface Place {
  /** From 1. */
  line: number;
  column: number;
}

/** The place of a UTF-16 offset. */
export function placeOf(text: string, offset: number): Place {
  const before = text.slice(0, Math.max(0, offset));
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

/** Cedar counts in UTF-8 bytes. */
export function fromByteOffset(text: string, bytes: number): number {
  const encoded = new TextEncoder().encode(text).subarray(0, bytes);
  return new TextDecoder().decode(encoded).length;
}

/** Where nesting goes beyond what Cedar survives; null: nowhere. Strings and comments do not count. */
export function tooNested(text: string): Place | null {
  let depth = 0;
  let branches = 0;
  let i = 0;
  while (i < text.length) {
    const c = text[i]!;
    if (c === '"') {
      i += 1;
      while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
    } else if (c === '/' && text[i + 1] === '/') {
      while (i < text.length && text[i] !== '\n') i += 1;
    } else if (c === '(' || c === '[' || c === '{') depth += 1;
    else if (c === ')' || c === ']' || c === '}') depth -= 1;
    else if (c === ';') branches = 0;
    else if (text.startsWith('if', i) && !/\w/.test(text[i - 1] ?? ' ') && !/\w/.test(text[i + 2] ?? ' '))
      branches += 1;
    if (depth > MAX_NESTING || branches > MAX_BRANCHES) return placeOf(text, i);
    i += 1;
  }
  return null;
}
