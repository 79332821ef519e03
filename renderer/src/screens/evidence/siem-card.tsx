import { Button, Loader } from '@mantine/core';
import type { SiemStatus } from '../../../../gateway/contract/siem.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Card, Failure } from '../../components/page.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import classes from './evidence-screen.module.css';

const t = strings.evidence;
const EVERY_MS = 5000;

function where({ destination }: SiemStatus): string {
  switch (destination.kind) {
    case 'syslog':
      return `syslog ${destination.host}:${destination.port}`;
    case 'http':
      return destination.url;
    case 'file':
      return destination.path;
  }
}

function Destination({ status }: { status: SiemStatus }) {
  const now = useNow(10_000);
  const test = useApiMutation('testSiem', ['siemStatus']);
  return (
    <li>
      <div className={classes.head}>
        <strong>
          <Visible>{status.destination.id}</Visible>
        </strong>
        <ToneBadge tone={status.error === null ? 'good' : 'bad'}>
          {status.error === null ? t.siemOk : t.siemFails}
        </ToneBadge>
      </div>
      <div className={classes.mono}>
        <Visible>{where(status)}</Visible>
      </div>
      <div className={classes.muted}>
        {t.siemSent(status.sent)}
        {status.lastSentAt !== null && ` (${ago(status.lastSentAt, now)})`} · {t.siemWaiting(status.waiting)} ·{' '}
        {status.destination.format.toUpperCase()}
      </div>
      {status.error !== null && (
        <Notice tone="bad">
          <Visible>{status.error}</Visible>
        </Notice>
      )}
      {status.dropped > 0 && <Notice tone="warn">{t.siemDropped(status.dropped)}</Notice>}
      <Button
        size="compact-sm"
        variant="default"
        className={classes.start ?? ''}
        loading={test.isPending}
        onClick={() => test.mutate({ id: status.destination.id })}
      >
        {t.siemTest}
      </Button>
      {test.data !== undefined && (
        <Notice tone={test.data.ok ? 'good' : 'bad'} role="status">
          <Visible>{test.data.sentence}</Visible>
        </Notice>
      )}
      {test.error !== null && <Failure error={test.error} />}
    </li>
  );
}

/** Where events go as they happen. */
export function SiemCard() {
  const query = useApi('siemStatus', {}, { refetchInterval: EVERY_MS });
  const items = query.data?.items ?? [];
  return (
    <Card label={t.siem} className={classes.card ?? ''}>
      <h2 className={classes.title}>{t.siem}</h2>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Loader size="sm" />}
      {query.isSuccess && items.length === 0 && (
        <>
          <p className={classes.hint}>
            <strong>{t.siemEmpty}.</strong> {t.siemHint}
          </p>
          <CommandBlock label={t.command} command={t.siemCommand} />
        </>
      )}
      <ul className={classes.destinations}>
        {items.map((status) => (
          <Destination key={status.destination.id} status={status} />
        ))}
      </ul>
    </Card>
  );
}
