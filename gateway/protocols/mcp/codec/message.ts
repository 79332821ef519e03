import { ambiguity, isObject, type Json, type JsonObject } from './json.ts';

/** JSON-RPC 2.0 as MCP uses it: ids are strings or numbers, never null. */
export type RequestId = string | number;

export interface Request {
  kind: 'request';
  id: RequestId;
  method: string;
  params: JsonObject;
  /** The message as it came, in one line. */
  text: string;
  /** Of its HTTP request, in lower case: headers that mirror arguments. Absent where it came, or goes, otherwise. */
  paramHeaders?: Readonly<Record<string, string>>;
}
export interface Notification {
  kind: 'notification';
  method: string;
  params: JsonObject;
  text: string;
}
export interface Response {
  kind: 'response';
  id: RequestId;
  result: JsonObject | null;
  error: RpcError | null;
  text: string;
}
export interface RpcError {
  code: number;
  message: string;
  data?: Json;
}
export type Message = Request | Notification | Response;

/** A message that is none, with what to answer. */
export interface Malformed {
  kind: 'malformed';
  id: RequestId | null;
  code: number;
  why: string;
}

/** JSON-RPC 2.0, section 5.1; MCP 2026-07-28 for the last three. */
export const ErrorCode = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** Countersign refused it; `data` says more. Implementation-defined range. */
  refused: -32000,
  headerMismatch: -32020,
  unsupportedProtocolVersion: -32022,
} as const;

/**
 * @param text one JSON text; line ends between its tokens are fine.
 * @param strict refuses what another parser could read otherwise. Without it (messages of servers) such a
 *   message is read as JSON.parse does and its `text` is written anew, so that the client reads the same.
 */
export function parseMessage(text: string, strict: boolean): Message | Malformed {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { kind: 'malformed', id: null, code: ErrorCode.parse, why: 'the message is not JSON' };
  }
  const idOf = isObject(json) && isId(json.id) ? json.id : null;
  const malformed = (why: string): Malformed => ({ kind: 'malformed', id: idOf, code: ErrorCode.invalidRequest, why });
  if (Array.isArray(json)) return malformed('batches are not taken; send the messages one by one');
  if (!isObject(json) || json.jsonrpc !== '2.0') return malformed('the message is not JSON-RPC 2.0');
  const unclear = ambiguity(text);
  if (unclear?.kind === 'deep') return malformed(unclear.sentence);
  if (unclear !== null && strict) return malformed(`${unclear.sentence}, so it could mean two things`);
  const line = unclear !== null ? JSON.stringify(json) : oneLine(text);
  if (typeof json.method === 'string') {
    if (json.params !== undefined && !isObject(json.params)) return malformed('params has to be an object');
    const params = json.params ?? {};
    if (json.method.length > 256) return malformed('the method’s name is too long');
    if (json.id === undefined) return { kind: 'notification', method: json.method, params, text: line };
    if (idOf === null) return malformed('the id of a request is a string or a number');
    return { kind: 'request', id: idOf, method: json.method, params, text: line };
  }
  if (idOf === null) return malformed('a response needs the id of its request');
  if (isObject(json.error) && typeof json.error.code === 'number' && typeof json.error.message === 'string') {
    const { code, message, data } = json.error;
    return {
      kind: 'response',
      id: idOf,
      result: null,
      error: { code, message, ...(data === undefined ? {} : { data }) },
      text: line,
    };
  }
  if (!isObject(json.result)) return malformed('a response needs a result or an error');
  return { kind: 'response', id: idOf, result: json.result, error: null, text: line };
}

/** Strings in JSON hold no raw line ends, so those of the text stand between tokens. */
const oneLine = (text: string) => (/[\r\n]/.test(text) ? text.replaceAll(/[\r\n]+/g, ' ') : text);

function isId(value: unknown): value is RequestId {
  return (typeof value === 'string' && value.length <= 1024) || (typeof value === 'number' && Number.isFinite(value));
}

export const resultText = (id: RequestId, result: Json): string => JSON.stringify({ jsonrpc: '2.0', id, result });

export const errorText = (id: RequestId | null, code: number, message: string, data?: Json): string =>
  JSON.stringify({ jsonrpc: '2.0', id, error: { code, message, ...(data === undefined ? {} : { data }) } });

export const notificationText = (method: string, params: Json): string =>
  JSON.stringify({ jsonrpc: '2.0', method, params });
