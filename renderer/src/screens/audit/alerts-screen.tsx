import { Button, Loader, Select } from '@mantine/core';
import { IconBellSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { type Alert, AlertSeverity } from '../../../../gateway/contract/alert.ts';
import type { AuditAlert } from '../../../../gateway/contract/audit.ts';
import { useApiMutation } from '../../api/queries.ts';
import { Empty, Failure, Page } from '../../components/page.tsx';
import { Notice, type Tone, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { VirtualList } from '../../components/virtual-list.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { visibleString } from '../../text/visible-text.ts';
import classes from './alerts-screen.module.css';
import shared from './audit.module.css';
import { JobView, useJobs } from './job.tsx';
import { usePages } from './use-pages.ts';

const t = strings.audit.alerts;
const ROW_HEIGHT = 62;
const TONES: Readonly<Record<Alert['severity'], Tone>> = {
  low: 'quiet',
  medium: 'watch',
  high: 'warn',
  critical: 'bad',
};

function Row({ alert, now }: { alert: AuditAlert; now: number }) {
  return (
    <div className={classes.row}>
      <ToneBadge tone={TONES[alert.severity]}>{strings.evidence.severities[alert.severity]}</ToneBadge>
      <span className={classes.text}>
        <span className={classes.sentence} title={visibleString(alert.sentence)}>
          <Visible>{alert.sentence}</Visible>
        </span>
        <span className={shared.muted}>
          {timeOfDay(alert.at, now)} · <Visible>{alert.rule.title}</Visible> · {strings.audit.sessions.on('')}
          <Visible>{alert.device}</Visible>
        </span>
      </span>
      <Link to="/sessions/$id" params={{ id: alert.sessionId }} search={{}} aria-label={t.show(alert.sentence)}>
        {strings.evidence.showSession}
      </Link>
    </div>
  );
}

/** What the workspace's own rules find in everything that was imported. */
export function AuditAlertsScreen() {
  const now = useNow(60_000);
  const [severity, setSeverity] = useState<Alert['severity'] | null>(null);
  const { query, items, total, more } = usePages('auditAlerts', severity === null ? {} : { severity });
  const start = useApiMutation('startAlerts', ['auditJobs']);
  const { latest, running } = useJobs(['alerts']);
  const first = query.data?.pages[0];
  const never = first?.at === null;
  const look = (
    <Button
      leftSection={<IconBellSearch size={17} aria-hidden />}
      loading={start.isPending}
      disabled={running !== null}
      onClick={() => start.mutate({})}
    >
      {never ? t.look : t.lookAgain}
    </Button>
  );
  return (
    <Page title={t.title} lead={t.lead} actions={never ? undefined : look} fill>
      {start.error !== null && <Failure error={start.error} />}
      {latest !== null && (latest.state === 'running' || latest.error !== null) && (
        <JobView job={latest} named={false} />
      )}
      <div className={classes.bar}>
        <span className={shared.muted}>
          {first === undefined ? strings.loading : never ? '' : t.total(total, timeOfDay(first.at ?? '', now))}
        </span>
        <Select
          aria-label={t.severity}
          placeholder={strings.audit.sessions.any}
          clearable
          size="xs"
          data={AlertSeverity.options.map((value) => ({ value, label: strings.evidence.severities[value] }))}
          value={severity}
          onChange={(value) => setSeverity(value as Alert['severity'] | null)}
        />
      </div>
      {first?.more === true && <Notice tone="info">{t.more}</Notice>}
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      <VirtualList
        label={t.title}
        items={items}
        total={total}
        rowHeight={ROW_HEIGHT}
        keyOf={({ id }) => id}
        more={more}
        stale={query.isPlaceholderData}
        row={(alert) => <Row alert={alert} now={now} />}
      >
        {query.isPending && <Loader size="sm" m="md" />}
        {query.isSuccess && items.length === 0 && (
          <Empty title={never ? t.neverTitle : t.emptyTitle} hint={never ? t.neverHint : t.emptyHint}>
            {never && look}
          </Empty>
        )}
      </VirtualList>
    </Page>
  );
}
