import { Center, Loader } from '@mantine/core';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useMemo } from 'react';
import type { ConsoleHost } from '../../../gateway/contract/routes/console.ts';
import type { GatewayStatus } from '../../../gateway/contract/status.ts';
import { isUnauthorized } from '../api/client.ts';
import { useHostEvents } from '../api/events.ts';
import { HostContext } from '../api/host.ts';
import { useApi } from '../api/queries.ts';
import { HaltBanner } from '../components/halt-banner.tsx';
import { Failure } from '../components/page.tsx';
import { LoginScreen } from '../screens/login/login-screen.tsx';
import { AuditState } from './audit-state.tsx';
import { GatewayState } from './gateway-state.tsx';
import { AUDIT_PLACES, GATEWAY_PLACES, PLACES_OF_NO_READER } from './places.ts';
import { Shell } from './shell.tsx';

const STATUS_EVERY_MS = 15_000;

/** Nobody waits for what is seldom there. */
const EmergencyBanner = lazy(() =>
  import('../components/emergency-banner.tsx').then((module) => ({ default: module.EmergencyBanner })),
);

function Waiting({ query }: { query: { error: unknown; refetch(): unknown } }) {
  return (
    <Center mih="100dvh" p="lg">
      {query.error !== null ? <Failure error={query.error} retry={() => void query.refetch()} /> : <Loader />}
    </Center>
  );
}

/** A page in a window of its own. */
function Bare({ host }: { host: ConsoleHost }) {
  useHostEvents(host);
  return <Outlet />;
}

function Gateway() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  const status = useApi('status', {}, { refetchInterval: STATUS_EVERY_MS });
  const roles = useApi('roles', {}).data?.roles;
  // What is not known yet is shown: the gateway decides.
  const reads = roles === undefined || roles.includes('developer') || roles.includes('auditor');
  const places = useMemo(() => (reads ? GATEWAY_PLACES : PLACES_OF_NO_READER), [reads]);
  const waiting = status.data?.waiting ?? 0;
  const counts = useMemo(() => ({ '/approvals': waiting }), [waiting]);
  if (isUnauthorized(status.error)) return <LoginScreen />;
  if (status.data === undefined) return <Waiting query={status} />;
  const data: GatewayStatus = status.data;
  if (path === '/popup') return <Bare host="gateway" />;
  return (
    <Shell
      host="gateway"
      places={places}
      counts={counts}
      state={(link) => <GatewayState status={data} link={link} />}
      banner={
        <>
          {data.emergency !== null && (
            <Suspense fallback={null}>
              <EmergencyBanner />
            </Suspense>
          )}
          <HaltBanner />
        </>
      }
    />
  );
}

const NO_COUNTS = {};

function Audit() {
  const status = useApi('auditStatus', {}, { refetchInterval: STATUS_EVERY_MS });
  if (isUnauthorized(status.error)) return <LoginScreen />;
  if (status.data === undefined) return <Waiting query={status} />;
  const { data } = status;
  return (
    <Shell
      host="audit"
      places={AUDIT_PLACES}
      counts={NO_COUNTS}
      state={(link) => <AuditState status={data} link={link} />}
    />
  );
}

/** Nobody in: the login. Otherwise the host's shell; a host that stops answering leaves what was there on screen. */
export function Root() {
  const host = useApi('host', {}, { staleTime: Number.POSITIVE_INFINITY });
  if (host.data === undefined) return <Waiting query={host} />;
  return <HostContext value={host.data.host}>{host.data.host === 'audit' ? <Audit /> : <Gateway />}</HostContext>;
}
