import { Loader } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Alert } from '../../../../gateway/contract/alert.ts';
import { useApi } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Card, Failure } from '../../components/page.tsx';
import { Notice, type Tone, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { VirtualList } from '../../components/virtual-list.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { visibleString } from '../../text/visible-text.ts';
import classes from './evidence-screen.module.css';

const t = strings.evidence;
const ROW_HEIGHT = 60;
const LATEST = 500;
const TONES: Readonly<Record<Alert['severity'], Tone>> = {
  low: 'quiet',
  medium: 'watch',
  high: 'warn',
  critical: 'bad',
};

const nothingMore = () => {};

function Row({ alert, now }: { alert: Alert; now: number }) {
  return (
    <div className={classes.alert}>
      <ToneBadge tone={TONES[alert.severity]}>{t.severities[alert.severity]}</ToneBadge>
      <span className={classes.sentence}>
        <span title={visibleString(alert.sentence)}>
          <Visible>{alert.sentence}</Visible>
        </span>
        <span className={classes.muted}>
          <span className={classes.narrow}>{t.severities[alert.severity]} · </span>
          {timeOfDay(alert.at, now)} · <Visible>{alert.rule.title}</Visible> · {t.counted(alert.count)}
        </span>
      </span>
      <Link to="/sessions/$id" params={{ id: alert.sessionId }} search={{}}>
        {t.showSession}
      </Link>
    </div>
  );
}

/** What rules found in what agents did, the newest first; new ones come by themselves. */
export function AlertsCard() {
  const now = useNow(60_000);
  const alerts = useApi('alerts', { offset: 0, limit: LATEST });
  const rules = useApi('alertRules', {});
  const items = alerts.data?.items ?? [];
  const enabled = rules.data?.items.filter((rule) => rule.enabled).length;
  return (
    <Card label={t.alerts} className={items.length > 0 ? (classes.alerts ?? '') : (classes.card ?? '')}>
      <div className={classes.head}>
        <h2 className={classes.title}>{t.alerts}</h2>
        {enabled !== undefined && <span className={classes.muted}>{t.alertRules(enabled)}</span>}
      </div>
      {(rules.data?.missed ?? 0) > 0 && <Notice tone="warn">{t.missed(rules.data?.missed ?? 0)}</Notice>}
      {alerts.error !== null && <Failure error={alerts.error} retry={() => void alerts.refetch()} />}
      {alerts.isPending && <Loader size="sm" />}
      {alerts.isSuccess && items.length === 0 && (
        <>
          <p className={classes.hint}>
            <strong>{t.alertsEmpty}.</strong> {t.alertsHint}
          </p>
          <CommandBlock label={t.command} command={t.alertsCommand} />
        </>
      )}
      {items.length > 0 && (
        <VirtualList
          label={t.alerts}
          items={items}
          total={items.length}
          rowHeight={ROW_HEIGHT}
          keyOf={({ id }) => id}
          more={nothingMore}
          row={(alert) => <Row alert={alert} now={now} />}
        />
      )}
    </Card>
  );
}
