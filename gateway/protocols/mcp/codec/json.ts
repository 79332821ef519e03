export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** JSON.rawJSON and the reviver's third argument: Node 22 and above; not yet among TypeScript's own types. */
const rawJson = (JSON as unknown as { rawJSON(text: string): Json }).rawJSON;
type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As JSON.parse, and JSON.stringify of the result has every number as it was written (large integers, 1.0, 1e400). */
export function parseExact(text: string): Json {
  const keep: Reviver = (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? rawJson(source) : value;
  return JSON.parse(text, keep as (key: string, value: unknown) => unknown) as Json;
}

/**
 * One form for equal values: keys sorted by code units at every level, no spaces, numbers as they were
 * written. What a digest covers and a person sees.
 * @param value of parseExact, or plain JSON.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value) || isRaw(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`).join(',')}}`;
}

export function isRaw(value: unknown): boolean {
  return (JSON as unknown as { isRawJSON(value: unknown): boolean }).isRawJSON(value);
}

/** `value` with each string replaced by what `change` makes of it; the same value when nothing changed. Keys stay. */
export function mapStrings(value: Json, change: (text: string, key: string) => string, key = ''): Json {
  if (typeof value === 'string') return change(value, key);
  if (Array.isArray(value)) {
    let out: Json[] | null = null;
    for (const [i, item] of value.entries()) {
      const mapped = mapStrings(item, change, key);
      if (mapped === item) continue;
      out ??= [...value];
      out[i] = mapped;
    }
    return out ?? value;
  }
  if (!isObject(value) || isRaw(value)) return value;
  let out: JsonObject | null = null;
  for (const [name, item] of Object.entries(value)) {
    const mapped = mapStrings(item, change, name);
    if (mapped === item) continue;
    out ??= { ...value };
    out[name] = mapped;
  }
  return out ?? value;
}

/** Deeper than any message, and shallow enough for the stacks of those who walk it. */
const MAX_DEPTH = 128;

export interface Ambiguity {
  kind: 'twice' | 'deep';
  sentence: string;
}

/**
 * What other parsers could read otherwise than this one does; null: nothing. Keys that
 * are there twice (one parser takes the first, another the last), and, in the first two levels, keys that
 * differ in case only, since some match without regard to it. Also what is nested too deeply.
 * @param text valid JSON.
 */
export function ambiguity(text: string): Ambiguity | null {
  const keys: (Set<string> | null)[] = [];
  let expectKey = false;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      const end = stringEnd(text, i);
      const seen = keys.at(-1);
      if (expectKey && seen) {
        let key = text.slice(i, end + 1);
        if (key.includes('\\')) key = JSON.stringify(JSON.parse(key));
        if (keys.length <= 2) key = key.toLowerCase();
        if (seen.has(key)) return { kind: 'twice', sentence: `the key ${key.slice(0, 80)} is there twice` };
        seen.add(key);
        expectKey = false;
      }
      i = end;
    } else if (code === 0x7b || code === 0x5b) {
      keys.push(code === 0x7b ? new Set() : null);
      if (keys.length > MAX_DEPTH) {
        return { kind: 'deep', sentence: `it is nested more than ${MAX_DEPTH} levels deep` };
      }
      expectKey = code === 0x7b;
    } else if (code === 0x7d || code === 0x5d) {
      keys.pop();
      expectKey = false;
    } else if (code === 0x2c) expectKey = keys.at(-1) != null;
  }
  return null;
}

function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}
