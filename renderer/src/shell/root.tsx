import { Center, Loader } from '@mantine/core';
import { isUnauthorized } from '../api/client.ts';
import { useApi } from '../api/queries.ts';
import { Failure } from '../components/page.tsx';
import { LoginScreen } from '../screens/login/login-screen.tsx';
import { Shell } from './shell.tsx';

const STATUS_EVERY_MS = 15_000;

/** Nobody in: the login. Otherwise the shell; a gateway that stops answering leaves what was there on screen. */
export function Root() {
  const status = useApi('status', {}, { refetchInterval: STATUS_EVERY_MS });
  if (isUnauthorized(status.error)) return <LoginScreen />;
  if (status.data !== undefined) return <Shell status={status.data} />;
  return (
    <Center mih="100dvh" p="lg">
      {status.error !== null ? <Failure error={status.error} retry={() => void status.refetch()} /> : <Loader />}
    </Center>
  );
}
