import { z } from 'zod';
import { About, AgentView } from '../about.ts';
import { GatewayStatus } from '../status.ts';
import { Nothing, Pin, route } from './route.ts';

/** Which program serves the console. */
export const ConsoleHost = z.enum(['gateway', 'audit']);
export type ConsoleHost = z.infer<typeof ConsoleHost>;

export const consoleRoutes = {
  host: route('GET', '/api/host', 'anyone', Nothing, z.object({ host: ConsoleHost })),
  /**
   * The one-time code is printed by `countersign start`; it opens one console session: a cookie, which
   * other ports of this machine are sent too, and a key for the header PAGE_KEY_HEADER, which only pages
   * of the console's own origin can keep. It takes both.
   */
  login: route(
    'POST',
    '/api/login',
    'anyone',
    z.object({ code: z.string().min(6).max(64) }),
    z.object({ key: z.string().min(1).max(64) }),
  ),
  logout: route('POST', '/api/logout', 'session', Nothing, Nothing),
  /** A one-time code. Whoever has one opens the console and clicks, so it takes the PIN; root needs none (protected mode). */
  newLoginCode: route(
    'POST',
    '/api/login-code',
    'session',
    z.object({ pin: Pin.optional() }),
    z.object({ code: z.string() }),
  ),
  status: route('GET', '/api/status', 'session', Nothing, GatewayStatus),
  about: route('GET', '/api/about', 'session', Nothing, About),
  /** Looks, and writes nothing: a person installs. */
  agents: route('GET', '/api/agents', 'session', Nothing, z.object({ items: z.array(AgentView) })),
  /** The desktop app has an icon of its own: meanwhile, and a little longer, the gateway shows none. */
  holdTray: route('POST', '/api/tray/hold', 'session', z.object({ held: z.boolean() }), Nothing),
  /** The first PIN is set with the one-time code in hand; changing it needs the current one. */
  setPin: route(
    'POST',
    '/api/pin',
    'session',
    z.object({ pin: Pin, current: Pin.optional(), code: z.string().max(64).optional() }),
    Nothing,
  ),
} as const;
