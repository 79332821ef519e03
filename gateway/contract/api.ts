import { z } from 'zod';
import { Alert } from './alert.ts';
import { Approval, Grant } from './decision.ts';
import { administrationRoutes } from './routes/administration.ts';
import { approvalsRoutes } from './routes/approvals.ts';
import { connectionsRoutes } from './routes/connections.ts';
import { consoleRoutes } from './routes/console.ts';
import { deviceRoutes } from './routes/device.ts';
import { emergencyRoutes } from './routes/emergency.ts';
import { hooksRoutes } from './routes/hooks.ts';
import { identityRoutes } from './routes/identity.ts';
import { mailboxRoutes } from './routes/mailbox.ts';
import { mcpRoutes } from './routes/mcp.ts';
import { policyRoutes } from './routes/policy.ts';
import { rolesRoutes } from './routes/roles.ts';
import { sessionsRoutes } from './routes/sessions.ts';
import { syncRoutes } from './routes/sync.ts';
import { sentinelRoutes } from './routes/sentinel.ts';
import { undoRoutes } from './routes/undo.ts';
import { watchRoutes } from './routes/watch.ts';
import { Session } from './session.ts';
import { GatewayStatus } from './status.ts';
import { SyncStatus } from './sync.ts';

/**
 * The control API: JSON over HTTP, on a unix socket (command line, hooks) and on loopback (console).
 * This table is the only declaration: the server validates against it and every client is typed by it.
 * Errors are `{error: {code, message}}` with a 4xx or 5xx status.
 */
export const ApiError = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

export const PAGE_KEY_HEADER = 'x-countersign-page';

export const routes = {
  ...consoleRoutes,
  ...deviceRoutes,
  ...approvalsRoutes,
  ...administrationRoutes,
  ...emergencyRoutes,
  ...mailboxRoutes,
  ...sessionsRoutes,
  ...connectionsRoutes,
  ...mcpRoutes,
  ...hooksRoutes,
  ...identityRoutes,
  ...rolesRoutes,
  ...policyRoutes,
  ...syncRoutes,
  ...undoRoutes,
  ...sentinelRoutes,
  ...watchRoutes,
} as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
export type RouteInput<N extends RouteName> = z.input<Routes[N]['input']>;
export type RouteOutput<N extends RouteName> = z.output<Routes[N]['output']>;

/** GET /api/events: server-sent events; each `data:` is one of these. A comment line every 15 s keeps it alive. */
export const ApiEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('approval'), approval: Approval }),
  z.object({ type: z.literal('grant'), grant: Grant }),
  z.object({ type: z.literal('session'), session: Session }),
  z.object({ type: z.literal('status'), status: GatewayStatus }),
  z.object({ type: z.literal('alert'), alert: Alert }),
  /** When something of it changed, every two seconds at most. */
  z.object({ type: z.literal('sync'), sync: SyncStatus }),
]);
export type ApiEvent = z.infer<typeof ApiEvent>;
