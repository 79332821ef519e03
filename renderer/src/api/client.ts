import { ApiError, PAGE_KEY_HEADER } from '../../../gateway/contract/api.ts';
import { strings } from '../strings.ts';
import { type RouteInput, type RouteName, type RouteOutput, routes } from './routes.ts';

/** A call that did not succeed. `message` is a sentence for the person; `status` is 0 when nothing answered. */
export class ApiFailure extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status: number, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ApiFailure';
    this.code = code;
    this.status = status;
  }
}

const PAGE_KEY = 'countersign.page-key';

/** The half of the session that a page keeps: storage belongs to the origin with its port, a cookie does not. */
export function keepPageKey(key: string): void {
  localStorage.setItem(PAGE_KEY, key);
}

/** Headers of every call to the control API. */
export function pageHeaders(): Record<string, string> {
  const key = localStorage.getItem(PAGE_KEY);
  return key === null ? {} : { [PAGE_KEY_HEADER]: key };
}

interface Prepared {
  method: string;
  url: string;
  body: string | undefined;
}

/** Fills path parameters from the input; the rest becomes the query (GET, DELETE) or the JSON body. */
export function prepareCall<N extends RouteName>(name: N, input: RouteInput<N>): Prepared {
  const { method, path } = routes[name];
  const rest: Record<string, unknown> = { ...(input as Record<string, unknown>) };
  const url = path.replaceAll(/:([a-zA-Z]+)/g, (_, parameter: string) => {
    const value = rest[parameter];
    delete rest[parameter];
    if (value === undefined || value === '') throw new ApiFailure('BAD_CALL', `${path} needs ${parameter}`, 0);
    return encodeURIComponent(String(value));
  });
  if (method === 'GET' || method === 'DELETE') {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(rest)) {
      if (value !== undefined && value !== '') query.set(key, String(value));
    }
    const search = query.toString();
    return { method, url: search === '' ? url : `${url}?${search}`, body: undefined };
  }
  return { method, url, body: JSON.stringify(rest) };
}

/** Calls one route of the control API and checks the answer's shape. Throws ApiFailure. */
export async function callApi<N extends RouteName>(
  name: N,
  input: RouteInput<N>,
  signal?: AbortSignal,
): Promise<RouteOutput<N>> {
  const { method, url, body } = prepareCall(name, input);
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { ...pageHeaders(), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new ApiFailure('UNREACHABLE', strings.errors.unreachable, 0, { cause });
  }
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const error = ApiError.safeParse(answer);
    throw error.success
      ? new ApiFailure(error.data.error.code, error.data.error.message, response.status)
      : new ApiFailure('BAD_ANSWER', strings.errors.badStatus(response.status), response.status);
  }
  const output = routes[name].output.safeParse(answer ?? {});
  if (!output.success) {
    throw new ApiFailure('BAD_ANSWER', strings.errors.badAnswer(url), response.status, { cause: output.error });
  }
  return output.data as RouteOutput<N>;
}

/** What to show for anything that was thrown by a call. */
export function failureText(error: unknown): string {
  return error instanceof ApiFailure ? error.message : strings.errors.unexpected;
}

export function isUnauthorized(error: unknown): boolean {
  return error instanceof ApiFailure && error.status === 401;
}

/** Fetches a file with the page's key, which a plain link would not send, and lets the browser keep it. Throws ApiFailure. */
export async function fetchFile(below: string, name: string): Promise<void> {
  const response = await fetch(below + encodeURIComponent(name), {
    credentials: 'same-origin',
    cache: 'no-store',
    headers: pageHeaders(),
  }).catch((cause: unknown) => {
    throw new ApiFailure('UNREACHABLE', strings.errors.unreachable, 0, { cause });
  });
  if (!response.ok) {
    const error = ApiError.safeParse(await response.json().catch(() => null));
    const message = error.success ? error.data.error.message : strings.errors.badStatus(response.status);
    throw new ApiFailure(error.success ? error.data.error.code : 'BAD_ANSWER', message, response.status);
  }
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
