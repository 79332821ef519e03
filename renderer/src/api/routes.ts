import type { z } from 'zod';
import { routes as gatewayRoutes } from '../../../gateway/contract/api.ts';
import { auditRoutes } from '../../../gateway/contract/audit.ts';

/** Everything that either host answers: a gateway, or an auditor's workspace. Which it is decides what is shown. */
export const routes = { ...gatewayRoutes, ...auditRoutes } as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
export type RouteInput<N extends RouteName> = z.input<Routes[N]['input']>;
export type RouteOutput<N extends RouteName> = z.output<Routes[N]['output']>;
