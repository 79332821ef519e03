import type { IncomingMessage } from 'node:http';
import type { z } from 'zod';
import { CountersignError } from '../contract/errors.ts';
import type { ApiRoute } from '../contract/routes/route.ts';

const MAX_BODY = 2 * 1024 * 1024;

/** Their values are never quoted, not even in what zod says of them. */
const SECRET_FIELDS: ReadonlySet<unknown> = new Set([
  'pin',
  'current',
  'code',
  'secret',
  'secrets',
  'passphrase',
  'idToken',
]);

/** What is needed of hono's request. */
interface RequestParts {
  query(): Record<string, string>;
  param(): Record<string, string>;
}

export type Input = Record<string, unknown> & { pin?: string; decision?: string };

/**
 * A route's input from path, query (GET, DELETE) and JSON body, checked against the contract. What the
 * path says wins. Throws BAD_REQUEST, which names the field and what is wrong with it.
 */
export async function parseInput(
  { method, input, maxBody }: ApiRoute,
  request: RequestParts,
  incoming: IncomingMessage,
): Promise<Input> {
  const given =
    method === 'GET' || method === 'DELETE' ? request.query() : await readBody(incoming, maxBody ?? MAX_BODY);
  const parsed = input.safeParse({ ...given, ...request.param() });
  if (!parsed.success) throw new CountersignError('BAD_REQUEST', problemOf(parsed.error));
  return parsed.data as Input;
}

async function readBody(incoming: IncomingMessage, most: number): Promise<Record<string, unknown>> {
  const text = await readText(incoming, most);
  if (text === '') return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    // Without the cause: it quotes the body, which may hold a PIN.
    throw new CountersignError('BAD_REQUEST', 'The body is not JSON.');
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new CountersignError('BAD_REQUEST', 'The body is not a JSON object.');
  }
  return body as Record<string, unknown>;
}

/** Throws BODY_TOO_LARGE before more than `most` bytes are kept. */
async function readText(incoming: IncomingMessage, most: number): Promise<string> {
  if (Number(incoming.headers['content-length'] ?? 0) > most) throw tooLarge(most);
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > most) throw tooLarge(most);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError('BAD_REQUEST', 'The request was cut off.', { cause });
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(most: number): CountersignError {
  return new CountersignError('BODY_TOO_LARGE', `The request is larger than ${most / 1024 / 1024} MiB.`);
}

function problemOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return 'The request is not valid.';
  if (SECRET_FIELDS.has(issue.path[0])) return `The request is not valid: ${String(issue.path[0])} has a wrong length.`;
  return `The request is not valid: ${issue.path.join('.') || 'it'}: ${issue.message}.`;
}

const STATUS: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  WRONG_HOST: 421,
  WRONG_ORIGIN: 403,
  NOT_JSON: 415,
  BODY_TOO_LARGE: 413,
  NOT_FOUND: 404,
  APPROVAL_UNKNOWN: 404,
  GRANT_UNKNOWN: 404,
  APPROVAL_NOT_WAITING: 409,
  APPROVAL_MISMATCH: 409,
  CONFIG_CHANGED: 409,
  HALT_NONE: 409,
  AUDIT_BUSY: 409,
  PRESENCE_TOO_LOW: 403,
  ROLE_REQUIRED: 403,
  ROLES_LOCKED: 403,
  ADMINISTRATION_LOCKED: 403,
  EMERGENCY_FORBIDDEN: 403,
  EMERGENCY_LOCKED: 403,
  EMERGENCY_ACTIVE: 409,
  EMERGENCY_NONE: 409,
  ROLES_LOCK_OUT: 403,
  SESSION_OF_ANOTHER: 403,
  GRANT_REFUSED: 403,
  PIN_REQUIRED: 403,
  PIN_NOT_SET: 403,
  PIN_WRONG: 403,
  LOGIN_CODE_WRONG: 403,
  LOGIN_CODE_REQUIRED: 403,
  PIN_LOCKED: 429,
  PIN_BUSY: 429,
  LOGIN_TOO_MANY: 429,
  TOO_MANY_STREAMS: 429,
  INTERNAL: 500,
  VAULT_UNAVAILABLE: 503,
};

/** An HTTP status for an error's code; an expected refusal that has none of its own is the caller's to correct. */
export function statusOf(code: string): number {
  return STATUS[code] ?? (code.endsWith('_NOT_FOUND') || code.endsWith('_UNKNOWN') ? 404 : 400);
}
