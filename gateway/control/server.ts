import type { PinGuard } from '../approvals/pin-guard.ts';
import { type ApiEvent, type RouteName, routes } from '../contract/api.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Passkeys } from '../identity/passkeys/passkeys.ts';
import type { Clock } from '../pipeline/ports.ts';
import {
  type Channel,
  type ConsoleServer,
  type ConsoleServerDeps,
  createConsoleServer,
  type ListenWhere,
} from './console-server.ts';
import type { CallContext, ControlHandlers } from './handlers.ts';
import { provePresence } from './presence.ts';
import type { Input } from './translate.ts';

export interface ControlDeps {
  handlers: ControlHandlers;
  pin: PinGuard;
  passkeys: Pick<Passkeys, 'prove'>;
  clock: Clock;
  /** Who is written down as having decided, e.g. Identity.display. */
  person: string;
  /** Throws where whoever works here has not the role for it. Default: everybody has every role. */
  assertMay?: (name: RouteName, decision?: string) => void;
  /** The built console (renderer/dist). */
  consoleDir: string;
  /** Protected mode: number of the group (the developers) that reaches the socket of the gateway's own user. */
  socketGroup?: number | undefined;
  /** See ConsoleServerDeps. */
  upgrades?: ConsoleServerDeps['upgrades'];
  /** A mistake of ours; the caller is told nothing of it. */
  unexpected(error: unknown): void;
  /** Called when a one-time code was used up, so that the terminal can show the next. */
  onCodeUsed?: () => void;
  /** Called when the PIN was set or changed. */
  onPinSet?: () => void | Promise<void>;
  /** For tests: an output that is not as the contract says is an error. */
  checkOutput?: boolean;
  keepaliveMs?: number;
}

export interface ControlServer extends Pick<ConsoleServer, 'address' | 'listeners' | 'close'> {
  /**
   * Loopback (the console) and, when given, a unix socket or named pipe (command line and hooks).
   * `rootSocketPath`: a socket that only the gateway's user and root can open, for one-time codes and
   * nothing else. `port` 0 takes a free one. Throws CONTROL_NOT_LOOPBACK, CONTROL_IN_USE, CONTROL_SOCKET.
   */
  listen(where: Omit<ListenWhere, 'socketGroup'>): Promise<void>;
  /** A one-time code for the person at the terminal: opens one console, or sets the first PIN. */
  newLoginCode(): string;
  publish(event: ApiEvent): void;
}

/** The control API of contract/api.ts, its events, and the console's files. */
export function createControlServer(deps: ControlDeps): ControlServer {
  const { handlers, pin, clock, consoleDir, unexpected, onCodeUsed, checkOutput, keepaliveMs } = deps;
  const server = createConsoleServer({
    host: 'gateway',
    routes,
    handle: (name, input, channel, signal) => handle(name as RouteName, input, channel, signal),
    rootRoute: 'newLoginCode',
    upgrades: deps.upgrades,
    clock,
    consoleDir,
    unexpected,
    onCodeUsed,
    checkOutput,
    keepaliveMs,
  });

  async function handle(name: RouteName, input: Input, channel: Channel, signal: AbortSignal): Promise<unknown> {
    // Whoever opens the root socket is root, or the gateway's own user.
    if (channel === 'root') return { code: server.newLoginCode() };
    // Before the PIN: whoever may not is told so, and guesses nothing.
    deps.assertMay?.(name, input.decision);
    const proved = await provePresence(name, input, channel, deps);
    if (name === 'newLoginCode') return { code: server.newLoginCode() };
    if (name === 'setPin') {
      await setPin(input as { pin: string; current?: string; code?: string });
      return {};
    }
    const context: CallContext = { channel, decidedBy: deps.person, ...proved, signal };
    const handler = handlers[name as keyof ControlHandlers] as (input: object, context: CallContext) => unknown;
    return handler(input, context);
  }

  /** The first PIN takes a fresh one-time code, which only the person at the terminal has; a change takes the old PIN. */
  async function setPin(input: { pin: string; current?: string; code?: string }): Promise<void> {
    if (pin.isSet) {
      if (input.current === undefined) {
        throw new CountersignError('PIN_REQUIRED', 'A PIN is set already; changing it takes the current one.');
      }
      await pin.verify(input.current);
    } else {
      if (input.code === undefined) {
        throw new CountersignError(
          'LOGIN_CODE_REQUIRED',
          'Setting the first PIN takes a fresh one-time code; the terminal in which the gateway runs shows it.',
        );
      }
      server.redeem(input.code);
    }
    await pin.set(input.pin);
    await deps.onPinSet?.();
  }

  return {
    listen: (where) => server.listen({ ...where, socketGroup: deps.socketGroup }),
    get address() {
      return server.address;
    },
    newLoginCode: () => server.newLoginCode(),
    publish: (event) => server.publish(event),
    get listeners() {
      return server.listeners;
    },
    close: () => server.close(),
  };
}
