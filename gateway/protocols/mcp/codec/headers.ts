import type { JsonObject } from './json.ts';

/** From this revision on a message says in `_meta` which revision it is of, and HTTP headers mirror its body. */
const FIRST_STATELESS = '2026-07-28';
export const VERSION_KEY = 'io.modelcontextprotocol/protocolVersion';
export const CLIENT_INFO_KEY = 'io.modelcontextprotocol/clientInfo';
export const CLIENT_CAPABILITIES_KEY = 'io.modelcontextprotocol/clientCapabilities';

export const isStatelessVersion = (version: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(version) && version >= FIRST_STATELESS;

/** Which field of params the header Mcp-Name mirrors (MCP 2026-07-28, Streamable HTTP, standard headers; tasks extension). */
const NAME_SOURCE: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

/** The value that Mcp-Name has to have; null: the method has none. */
export function nameOf(method: string, params: JsonObject): string | null {
  const field = NAME_SOURCE.get(method);
  const value = field === undefined ? undefined : params[field];
  return typeof value === 'string' ? value : null;
}

/** As the specification has it: plain visible ASCII as it is, anything else as `=?base64?…?=`. */
export function encodeHeaderValue(value: string): string {
  const plain = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(value) && !/^=\?base64\?.*\?=$/.test(value);
  if (plain) return value;
  const bytes = new TextEncoder().encode(value);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return `=?base64?${btoa(binary)}?=`;
}

/** @returns null when what claims to be base64 is not. */
export function decodeHeaderValue(value: string): string | null {
  const match = /^=\?base64\?([A-Za-z0-9+/]*={0,2})\?=$/.exec(value);
  if (match === null) return value.startsWith('=?base64?') && value.endsWith('?=') ? null : value;
  try {
    const binary = atob(match[1]!);
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(binary, (c) => c.charCodeAt(0)));
  } catch {
    return null;
  }
}

export interface StandardHeaders {
  version: string | undefined;
  method: string | undefined;
  name: string | undefined;
}

/** What is wrong with the headers of a stateless request, in a sentence; null: they mirror the body. */
export function headerMismatch(headers: StandardHeaders, method: string, params: JsonObject): string | null {
  const meta = params._meta;
  const claimed =
    typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? (meta as JsonObject)[VERSION_KEY] : undefined;
  if (headers.version === undefined) return 'the header MCP-Protocol-Version is missing';
  if (headers.version !== claimed) return 'the header MCP-Protocol-Version and the body’s _meta disagree';
  if (headers.method === undefined) return 'the header Mcp-Method is missing';
  if (headers.method !== method) return 'the header Mcp-Method and the body’s method disagree';
  const name = nameOf(method, params);
  if (name === null) return null;
  if (headers.name === undefined) return 'the header Mcp-Name is missing';
  const decoded = decodeHeaderValue(headers.name.trim());
  if (decoded === null) return 'the header Mcp-Name is not valid base64';
  return decoded === name ? null : 'the header Mcp-Name and the body disagree';
}
