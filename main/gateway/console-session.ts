import { ApiError, PAGE_KEY_HEADER, routes } from '../../gateway/contract/api.ts';
import { CountersignError } from '../../gateway/contract/errors.ts';
import { readBody, type SocketCall } from './socket.ts';

const MAX_ANSWER = 64 * 1024;
const COOKIE = /^cs_session=[A-Za-z0-9_-]{43}(?=;)/;

/**
 * The app's console session: what makes a click in its windows a click of the console. Its secrets stay
 * in this process; pages never see them, and nothing writes them down.
 */
export interface ConsoleSession {
  readonly isOpen: boolean;
  /** For a call on behalf of the person; null while nobody is signed in. */
  headers(): Record<string, string> | null;
  /** Uses a one-time code up. Throws the gateway's own CountersignError. */
  open(code: string): Promise<void>;
  /** The gateway says that it ended, or another gateway runs now. */
  forget(): void;
  /** The person signed out: nobody signs in again but a person. */
  leave(): void;
  readonly hasLeft: boolean;
  onChange(listener: () => void): void;
}

export function createConsoleSession(call: SocketCall): ConsoleSession {
  let secrets: { cookie: string; key: string } | null = null;
  let left = false;
  const listeners: (() => void)[] = [];
  const set = (next: typeof secrets) => {
    const changed = (next === null) !== (secrets === null);
    secrets = next;
    if (changed) for (const listener of listeners) listener();
  };
  return {
    get isOpen() {
      return secrets !== null;
    },
    headers: () => (secrets === null ? null : { cookie: secrets.cookie, [PAGE_KEY_HEADER]: secrets.key }),
    async open(code) {
      const response = await call({
        method: routes.login.method,
        path: routes.login.path,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code }),
      });
      const answer = parseJson((await readBody(response, MAX_ANSWER)).toString('utf8'));
      if (response.statusCode !== 200) {
        const refused = ApiError.safeParse(answer);
        throw refused.success ? new CountersignError(refused.data.error.code, refused.data.error.message) : strange();
      }
      const cookie = COOKIE.exec(response.headers['set-cookie']?.[0] ?? '')?.[0];
      const output = routes.login.output.safeParse(answer);
      if (cookie === undefined || !output.success) throw strange();
      left = false;
      set({ cookie, key: output.data.key });
    },
    forget: () => set(null),
    leave() {
      left = true;
      set(null);
    },
    get hasLeft() {
      return left;
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const strange = () =>
  new CountersignError('GATEWAY_BAD_ANSWER', 'What answers is not this version of the Countersign gateway.');
