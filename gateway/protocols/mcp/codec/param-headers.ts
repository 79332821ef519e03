import { decodeHeaderValue, encodeHeaderValue } from './headers.ts';
import { isObject, isRaw, type Json, type JsonObject } from './json.ts';

/** An argument that is to be mirrored as a header (MCP 2026-07-28, Streamable HTTP, `x-mcp-header`). */
export interface ParamHeader {
  /** In lower case, as Node names headers: `mcp-param-…`. */
  header: string;
  /** Names of properties from the arguments down. */
  path: readonly string[];
}

const KEY = 'x-mcp-header';
const PREFIX = 'mcp-param-';
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const TYPES: ReadonlySet<Json | undefined> = new Set(['string', 'integer', 'boolean']);
const MAX_HEADERS = 64;

/** What a tool's input schema asks for; empty where one of its annotations is not valid, since then none counts. */
export function paramHeadersOf(inputSchema: Json | undefined): ParamHeader[] {
  const found: ParamHeader[] = [];
  if (!isObject(inputSchema) || !collect(inputSchema, [], found)) return [];
  const names = new Set(found.map(({ header }) => header));
  return names.size === found.length && found.length <= MAX_HEADERS ? found : [];
}

/** @returns false at an annotation that is not valid. */
function collect(schema: JsonObject, path: readonly string[], found: ParamHeader[]): boolean {
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === KEY) {
      if (path.length === 0 || typeof value !== 'string' || !TOKEN.test(value) || !TYPES.has(schema.type)) return false;
      found.push({ header: `${PREFIX}${value.toLowerCase()}`, path });
    } else if (keyword === 'properties' && isObject(value)) {
      for (const [name, property] of Object.entries(value)) {
        if (isObject(property) && !collect(property, [...path, name], found)) return false;
      }
    } else if (hasAnnotation(value)) return false;
  }
  return true;
}

/** Anywhere but on a chain of properties an annotation is not valid. */
function hasAnnotation(value: Json): boolean {
  if (Array.isArray(value)) return value.some(hasAnnotation);
  return isObject(value) && (KEY in value || Object.values(value).some(hasAnnotation));
}

/** The headers that mirror a call's arguments. Absent and null arguments have none. */
export function mirroredHeaders(wanted: readonly ParamHeader[], args: JsonObject): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { header, path } of wanted) {
    const value = primitiveAt(args, path);
    if (value !== null) headers[header] = encodeHeaderValue(value);
  }
  return headers;
}

/** What is wrong with the headers that a client sent beside its arguments, in a sentence; null: they mirror them. */
export function paramMismatch(
  wanted: readonly ParamHeader[],
  args: JsonObject,
  sent: Readonly<Record<string, string>>,
): string | null {
  for (const { header, path } of wanted) {
    const value = primitiveAt(args, path);
    // Without an argument the header counts for nothing, and is not sent on.
    if (value === null) continue;
    const given = sent[header] === undefined ? null : decodeHeaderValue(sent[header].trim());
    if (given === null || !isSame(value, given, typeof valueAt(args, path) === 'string')) {
      return `the header ${header} and the argument ${path.join('.')} disagree`;
    }
  }
  return null;
}

/** `42.0` and `42` are one number. */
const isSame = (value: string, given: string, isText: boolean): boolean =>
  value === given || (!isText && /^-?\d+(\.\d+)?$/.test(given) && Number(value) === Number(given));

function valueAt(args: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = args;
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

function primitiveAt(args: JsonObject, path: readonly string[]): string | null {
  const value = valueAt(args, path);
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  const number = isRaw(value) ? Number(JSON.stringify(value)) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return null;
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? null : String(number);
}
