import { Button, Modal, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import type { Session, Verification } from '../../../../gateway/contract/session.ts';
import { useApi } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { Notice, type Tone, ToneBadge, ToneIcon } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './verification-badge.module.css';

const t = strings.verification;
const CHECK_TONES: Readonly<Record<Verification['checks'][number]['status'], Tone>> = {
  ok: 'good',
  failed: 'bad',
  'not-checked': 'quiet',
};

export function useVerification(session: Session | undefined) {
  return useApi(
    'verifySession',
    { id: session?.id ?? '-' },
    { enabled: session !== undefined, staleTime: Number.POSITIVE_INFINITY },
  );
}

export function VerificationBadge({ session, query }: { session: Session; query: ReturnType<typeof useVerification> }) {
  const [opened, dialog] = useDisclosure(false);
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
    <>
      <UnstyledButton className={classes.badge} onClick={dialog.open} aria-label={`${word}. ${t.open}`}>
        <ToneBadge tone={tone}>{word}</ToneBadge>
      </UnstyledButton>
      <Modal
        opened={opened}
        onClose={dialog.close}
        title={t.title}
        size="lg"
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        <div className={classes.body}>
          {session.state === 'open' && <Notice tone="info">{t.stillOpen}</Notice>}
          {query.error !== null && <Failure error={query.error} />}
          {data?.brokenExchanges.map(([first, last]) => (
            <Notice key={`${first}-${last}`} tone="bad">
              {t.broken(first, last)}
            </Notice>
          ))}
          <ul className={classes.checks}>
            {data?.checks.map((check) => (
              <li key={check.name}>
                <ToneIcon tone={CHECK_TONES[check.status]} size={18} />
                <span>
                  <strong>
                    {t.status[check.status]}: <Visible>{check.name}</Visible>
                  </strong>
                  <br />
                  <Visible>{check.sentence}</Visible>
                </span>
              </li>
            ))}
          </ul>
          <div>
            <Button variant="default" loading={query.isFetching} onClick={() => void query.refetch()}>
              {t.again}
            </Button>
          </div>
        </div>
      </Modal>
    </>
  );
}
