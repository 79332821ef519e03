import { isObject, isRaw, type Json, parseExact } from '../codec/json.ts';

/** Shorter ones (`1`, `true`, `info`) are settings, and in every other text. */
const SHORTEST = 8;
const SHOWN = '[SECRET OF THE GATEWAY]';

/**
 * A server's message without the credentials that the gateway gave it: a server that repeats them (its environment,
 * the headers that it saw) would hand them to the agent. Words of a value count too (`Bearer …`). Another form of a
 * value, such as base64, is not found.
 *
 * @param text as the server sent it; what is no JSON passes, since nobody takes it for a message.
 */
export function withoutValues(text: string, values: readonly string[]): string {
  const words = values.flatMap((value) => [value, ...value.split(/\s+/)]).filter((word) => word.length >= SHORTEST);
  if (words.length === 0) return text;
  // Characters may be written as escapes; then only the parsed text shows what is there.
  const escaped = text.includes('\\u') || text.includes('\\/');
  if (!escaped && !words.some((word) => text.includes(JSON.stringify(word).slice(1, -1)))) return text;
  let json: Json;
  try {
    json = parseExact(text);
  } catch {
    return text;
  }
  // The longest first, so that no rest of it is left.
  const ordered = [...new Set(words)].sort((a, b) => b.length - a.length);
  const cleaned = replaced(json, (string) => ordered.reduce((all, word) => all.replaceAll(word, SHOWN), string));
  return cleaned === json ? text : JSON.stringify(cleaned);
}

/** In keys too. */
function replaced(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => replaced(item, change));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  if (!isObject(value) || isRaw(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [change(key), replaced(item, change)] as const);
  return entries.some(([key, item]) => value[key] !== item) ? Object.fromEntries(entries) : value;
}
