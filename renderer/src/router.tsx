import { createRootRoute, createRoute, createRouter, Navigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { z } from 'zod';
import type { ConsoleHost } from '../../gateway/contract/api.ts';
import { InsightDimension, InsightShapesInput } from '../../gateway/contract/insights.ts';
import { StatementFilter } from '../../gateway/contract/search.ts';
import { useHost } from './api/host.ts';
import { Crashed, NotFound } from './components/crashed.tsx';
import { ApprovalsScreen } from './screens/approvals/approvals-screen.tsx';
import { DeviceScreen } from './screens/audit/device-screen.tsx';
import { DevicesScreen } from './screens/audit/devices-screen.tsx';
import { ImportsScreen } from './screens/audit/imports-screen.tsx';
import { LogScreen } from './screens/audit/log-screen.tsx';
import { ReportScreen } from './screens/audit/report-screen.tsx';
import { AuditSessionsScreen } from './screens/audit/sessions-screen.tsx';
import { ConnectionFormScreen } from './screens/connections/connection-form-screen.tsx';
import { ConnectionsScreen } from './screens/connections/connections-screen.tsx';
import { EvidenceScreen } from './screens/evidence/evidence-screen.tsx';
import { GrantsScreen } from './screens/grants/grants-screen.tsx';
import { HomeScreen } from './screens/home/home-screen.tsx';
import { InsightsScreen } from './screens/insights/insights-screen.tsx';
import { PolicyScreen } from './screens/policy/policy-screen.tsx';
import { PopupScreen } from './screens/popup/popup-screen.tsx';
import { SessionScreen } from './screens/session/session-screen.tsx';
import { SessionsScreen } from './screens/sessions/sessions-screen.tsx';
import { SettingsScreen } from './screens/settings/settings-screen.tsx';
import { WelcomeScreen } from './screens/welcome/welcome-screen.tsx';
import { Root } from './shell/root.tsx';

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
  (host: ConsoleHost, Screen: () => ReactNode): (() => ReactNode) =>
  () =>
    useHost() === host ? <Screen /> : <NotFound />;
const route = <const P extends string>(path: P, host: ConsoleHost, component: () => ReactNode) =>
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
    route('/policy', 'gateway', PolicyScreen),
    route('/evidence', 'gateway', EvidenceScreen),
    route('/settings', 'gateway', SettingsScreen),
    route('/devices', 'audit', DevicesScreen),
    route('/devices/$device', 'audit', DeviceScreen),
    route('/imports', 'audit', ImportsScreen),
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
