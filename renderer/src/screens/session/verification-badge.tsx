import { Button } from '@mantine/core';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useApi } from '../../api/queries.ts';
import { ChecksBadge } from '../../components/checks.tsx';
import { Failure } from '../../components/page.tsx';
import { Notice, type Tone } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';

const t = strings.verification;

export function useVerification(session: Session | undefined) {
  return useApi(
    'verifySession',
    { id: session?.id ?? '-' },
    { enabled: session !== undefined, staleTime: Number.POSITIVE_INFINITY },
  );
}

const NONE: readonly never[] = [];

export function VerificationBadge({ session, query }: { session: Session; query: ReturnType<typeof useVerification> }) {
  const { data } = query;
  const [tone, word]: [Tone, string] =
    data !== undefined
      ? data.ok
        ? ['good', t.verified]
        : ['bad', t.failed]
      : query.error !== null
        ? ['warn', t.unavailable]
        : ['quiet', t.running];
  return (
    <ChecksBadge tone={tone} word={word} checks={data?.checks ?? NONE}>
      {session.state === 'open' && <Notice tone="info">{t.stillOpen}</Notice>}
      {query.error !== null && <Failure error={query.error} />}
      {data?.brokenExchanges.map(([first, last]) => (
        <Notice key={`${first}-${last}`} tone="bad">
          {t.broken(first, last)}
        </Notice>
      ))}
      <div>
        <Button variant="default" loading={query.isFetching} onClick={() => void query.refetch()}>
          {t.again}
        </Button>
      </div>
    </ChecksBadge>
  );
}
