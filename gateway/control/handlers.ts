import type { z } from 'zod';
import type { RouteName, RouteOutput, Routes } from '../contract/api.ts';
import type { DecisionChannel, PresenceLevel } from '../contract/decision.ts';
import type { PasskeyProof } from '../contract/passkey.ts';

/** What is known of a call once the server has let it in. */
export interface CallContext {
  channel: Extract<DecisionChannel, 'console' | 'terminal'>;
  /** Who is written down as having decided. */
  decidedBy: string;
  /** What the caller has proved; above `click` only by what came with this very call. */
  level: PresenceLevel;
  /** With level `passkey`: the assertion that was verified. */
  proof?: PasskeyProof;
  /** Aborted when the caller goes away before it is answered. */
  signal: AbortSignal;
}

type Handler<N extends RouteName> = (
  input: z.output<Routes[N]['input']>,
  context: CallContext,
) => Promise<RouteOutput<N>> | RouteOutput<N>;

/** The server itself does what is about letting callers in. */
export type OwnRoute = 'host' | 'login' | 'logout' | 'newLoginCode' | 'setPin';

/**
 * What the routes do. Input is parsed and presence is established before a handler is called; expected
 * refusals are thrown as CountersignError, whose message is shown to the person.
 */
export type ControlHandlers = { [N in Exclude<RouteName, OwnRoute>]: Handler<N> };
