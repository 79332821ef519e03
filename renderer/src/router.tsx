import { createRootRoute, createRoute, createRouter, redirect } from '@tanstack/react-router';
import { z } from 'zod';
import { Crashed, NotFound } from './components/crashed.tsx';
import { ApprovalsScreen } from './screens/approvals/approvals-screen.tsx';
import { ConnectionFormScreen } from './screens/connections/connection-form-screen.tsx';
import { ConnectionsScreen } from './screens/connections/connections-screen.tsx';
import { GrantsScreen } from './screens/grants/grants-screen.tsx';
import { PolicyScreen } from './screens/policy/policy-screen.tsx';
import { SessionScreen } from './screens/session/session-screen.tsx';
import { SessionsScreen } from './screens/sessions/sessions-screen.tsx';
import { SettingsScreen } from './screens/settings/settings-screen.tsx';
import { Root } from './shell/root.tsx';

/** What a filter or a place is, is in the address: a page can be reloaded, kept and sent. */
const sessionsSearch = z.object({
  connectionId: z.string().max(64).optional().catch(undefined),
  state: z.enum(['open', 'closed', 'incomplete']).optional().catch(undefined),
  verdict: z.enum(['asked', 'denied', 'error']).optional().catch(undefined),
  text: z.string().max(400).optional().catch(undefined),
});
const approvalsSearch = z.object({ id: z.string().max(64).optional().catch(undefined) });
const sessionSearch = z.object({ at: z.number().int().min(0).optional().catch(undefined) });

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFound, errorComponent: Crashed });
const route = <const P extends string>(path: P, component: () => React.ReactNode) =>
  createRoute({ getParentRoute: () => rootRoute, path, component });

const home = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/approvals' });
  },
});
const approvals = createRoute({
  getParentRoute: () => rootRoute,
  path: '/approvals',
  component: ApprovalsScreen,
  validateSearch: approvalsSearch,
});
const sessions = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sessions',
  component: SessionsScreen,
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
  component: () => <ConnectionFormScreen id={null} />,
});
const editConnection = createRoute({
  getParentRoute: () => rootRoute,
  path: '/connections/$id',
  component: function EditConnection() {
    const { id } = editConnection.useParams();
    return <ConnectionFormScreen key={id} id={id} />;
  },
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    home,
    approvals,
    sessions,
    session,
    newConnection,
    editConnection,
    route('/grants', GrantsScreen),
    route('/connections', ConnectionsScreen),
    route('/policy', PolicyScreen),
    route('/settings', SettingsScreen),
  ]),
  defaultPreload: false,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
