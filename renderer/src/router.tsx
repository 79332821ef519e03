import { createRootRoute, createRoute, createRouter, Navigate } from '@tanstack/react-router';
import type { ComponentType, ReactNode } from 'react';
import { z } from 'zod';
import { InsightDimension, InsightShapesInput } from '../../gateway/contract/insights.ts';
import type { ConsoleHost } from '../../gateway/contract/routes/console.ts';
import { StatementFilter } from '../../gateway/contract/search.ts';
import { useHost } from './api/host.ts';
import { Crashed, NotFound } from './components/crashed.tsx';
import { lazyPage } from './components/lazy-page.tsx';
import { ApprovalsScreen } from './screens/approvals/approvals-screen.tsx';
import { HomeScreen } from './screens/home/home-screen.tsx';
import { PopupScreen } from './screens/popup/popup-screen.tsx';
import { Root } from './shell/root.tsx';

/** Pages that come when they are gone to; the first ones and what waits are there at once. */
const AuditAlertsScreen = lazyPage(() =>
  import('./screens/audit/alerts-screen.tsx').then((page) => page.AuditAlertsScreen),
);
const DeviceScreen = lazyPage(() => import('./screens/audit/device-screen.tsx').then((page) => page.DeviceScreen));
const DevicesScreen = lazyPage(() => import('./screens/audit/devices-screen.tsx').then((page) => page.DevicesScreen));
const ImportsScreen = lazyPage(() => import('./screens/audit/imports-screen.tsx').then((page) => page.ImportsScreen));
const LogScreen = lazyPage(() => import('./screens/audit/log-screen.tsx').then((page) => page.LogScreen));
const ReportScreen = lazyPage(() => import('./screens/audit/report-screen.tsx').then((page) => page.ReportScreen));
const AuditSessionsScreen = lazyPage(() =>
  import('./screens/audit/sessions-screen.tsx').then((page) => page.AuditSessionsScreen),
);
const ConnectionFormScreen = lazyPage(() =>
  import('./screens/connections/connection-form-screen.tsx').then((page) => page.ConnectionFormScreen),
);
const ConnectionsScreen = lazyPage(() =>
  import('./screens/connections/connections-screen.tsx').then((page) => page.ConnectionsScreen),
);
const EvidenceScreen = lazyPage(() =>
  import('./screens/evidence/evidence-screen.tsx').then((page) => page.EvidenceScreen),
);
const GrantsScreen = lazyPage(() => import('./screens/grants/grants-screen.tsx').then((page) => page.GrantsScreen));
const InsightsScreen = lazyPage(() =>
  import('./screens/insights/insights-screen.tsx').then((page) => page.InsightsScreen),
);
const McpScreen = lazyPage(() => import('./screens/mcp/mcp-screen.tsx').then((page) => page.McpScreen));
const PolicyScreen = lazyPage(() => import('./screens/policy/policy-screen.tsx').then((page) => page.PolicyScreen));
const SessionScreen = lazyPage(() => import('./screens/session/session-screen.tsx').then((page) => page.SessionScreen));
const SessionsScreen = lazyPage(() =>
  import('./screens/sessions/sessions-screen.tsx').then((page) => page.SessionsScreen),
);
const SettingsScreen = lazyPage(() =>
  import('./screens/settings/settings-screen.tsx').then((page) => page.SettingsScreen),
);
const WelcomeScreen = lazyPage(() => import('./screens/welcome/welcome-screen.tsx').then((page) => page.WelcomeScreen));

/** What a filter or a place is, is in the address: a page can be reloaded, kept and sent. */
const sessionsSearch = z.object({
  connectionId: z.string().max(64).optional().catch(undefined),
  state: z.enum(['open', 'closed', 'incomplete']).optional().catch(undefined),
  verdict: z.enum(['asked', 'denied', 'error']).optional().catch(undefined),
  text: z.string().max(400).optional().catch(undefined),
});
const approvalsSearch = z.object({ id: z.string().max(64).optional().catch(undefined) });
const name = z.string().max(256).optional().catch(undefined);
const time = StatementFilter.shape.since.catch(undefined);
const auditSearch = z.object({
  failed: z.boolean().optional().catch(undefined),
  text: z.string().max(400).optional().catch(undefined),
  person: name,
  agent: name,
  connection: name,
  device: name,
  table: name,
  approver: name,
  entity: name,
  verdict: StatementFilter.shape.verdict.catch(undefined),
  since: time,
  until: time,
});
const insightsSearch = z.object({
  days: z.number().int().min(1).max(366).optional().catch(undefined),
  by: InsightDimension.optional().catch(undefined),
  order: InsightShapesInput.shape.order.unwrap().optional().catch(undefined),
  connectionId: z.string().max(64).optional().catch(undefined),
});
const sessionSearch = z.object({ at: z.number().int().min(0).optional().catch(undefined) });

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound, errorComponent: Crashed });
/** A page that one host has, and the other does not know. */
const only =
  (host: ConsoleHost, Screen: ComponentType): (() => ReactNode) =>
  () =>
    useHost() === host ? <Screen /> : <NotFound />;
const route = <const P extends string>(path: P, host: ConsoleHost, component: ComponentType) =>
  createRoute({ getParentRoute: () => rootRoute, path, component: only(host, component) });

const home = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  component: () => (useHost() === 'audit' ? <Navigate to="/devices" replace /> : <HomeScreen />),
});
const approvals = createRoute({
  getParentRoute: () => rootRoute,
  path: '/approvals',
  component: only('gateway', ApprovalsScreen),
  validateSearch: approvalsSearch,
});
/** Without the shell (root.tsx): the desktop app's window at the tray. */
const popup = createRoute({
  getParentRoute: () => rootRoute,
  path: '/popup',
  component: only('gateway', PopupScreen),
  validateSearch: approvalsSearch,
});
const sessions = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sessions',
  component: only('gateway', SessionsScreen),
  validateSearch: sessionsSearch,
});
const session = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sessions/$id',
  component: SessionScreen,
  validateSearch: sessionSearch,
});
const newConnection = createRoute({
  getParentRoute: () => rootRoute,
  path: '/connections/new',
  component: only('gateway', () => <ConnectionFormScreen id={null} />),
});
const editConnection = createRoute({
  getParentRoute: () => rootRoute,
  path: '/connections/$id',
  component: only('gateway', function EditConnection() {
    const { id } = editConnection.useParams();
    return <ConnectionFormScreen key={id} id={id} />;
  }),
});
const insights = createRoute({
  getParentRoute: () => rootRoute,
  path: '/insights',
  component: only('gateway', InsightsScreen),
  validateSearch: insightsSearch,
});
const auditSessions = createRoute({
  getParentRoute: () => rootRoute,
  path: '/audit/sessions',
  component: only('audit', AuditSessionsScreen),
  validateSearch: auditSearch,
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    home,
    approvals,
    popup,
    sessions,
    session,
    newConnection,
    editConnection,
    insights,
    auditSessions,
    route('/welcome', 'gateway', WelcomeScreen),
    route('/grants', 'gateway', GrantsScreen),
    route('/connections', 'gateway', ConnectionsScreen),
    route('/mcp', 'gateway', McpScreen),
    route('/policy', 'gateway', PolicyScreen),
    route('/evidence', 'gateway', EvidenceScreen),
    route('/settings', 'gateway', SettingsScreen),
    route('/devices', 'audit', DevicesScreen),
    route('/devices/$device', 'audit', DeviceScreen),
    route('/imports', 'audit', ImportsScreen),
    route('/alerts', 'audit', AuditAlertsScreen),
    route('/report', 'audit', ReportScreen),
    route('/log', 'audit', LogScreen),
  ]),
  defaultPreload: false,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
