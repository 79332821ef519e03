import { Loader, SegmentedControl, Select } from '@mantine/core';
import { useNavigate, useSearch } from '@tanstack/react-router';
import type { InsightDimension, InsightShapesInput, Insights } from '../../../../gateway/contract/insights.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { Notice, type Tone, ToneIcon } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { count, span } from '../../text/format.ts';
import { DayChart, DayTable } from './day-chart.tsx';
import classes from './insights-screen.module.css';
import { chartSeries } from './series.ts';
import { ShapesCard } from './shapes-card.tsx';

const t = strings.insights;

function Figure({ name, value, tone }: { name: string; value: string; tone: Tone }) {
  return (
    <div className={classes.kpi}>
      <dt>
        <ToneIcon tone={tone} size={15} /> {name}
      </dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Sums over verdicts, whatever the chart is by. */
function Figures({ insights }: { insights: Insights }) {
  const sum = (key: 'asked' | 'denied') => insights.series.reduce((all, one) => all + one[key], 0);
  return (
    <dl className={classes.kpis}>
      <Figure name={t.operations} value={count(insights.operations)} tone="info" />
      <Figure name={t.asked} value={count(sum('asked'))} tone="ask" />
      <Figure name={t.denied} value={count(sum('denied'))} tone="bad" />
      <Figure name={t.failed} value={count(insights.errors)} tone="warn" />
      <Figure name={t.waited} value={insights.heldMs === 0 ? '–' : span(insights.heldMs)} tone="late" />
    </dl>
  );
}

const PERIODS = Object.entries(t.periods).map(([value, label]) => ({ value, label }));

export function InsightsScreen() {
  const search = useSearch({ from: '/insights' });
  const navigate = useNavigate({ from: '/insights' });
  const change = (part: Partial<typeof search>) => void navigate({ search: { ...search, ...part }, replace: true });
  const days = search.days ?? 30;
  const by: InsightDimension = search.by ?? 'verdict';
  const order: InsightShapesInput['order'] = search.order ?? 'asked';
  const { connectionId } = search;
  const only = connectionId === undefined ? {} : { connectionId };
  const connections = useApi('connections', {});
  const whole = useApi('insights', { days, by: 'verdict', ...only }, { keepPrevious: true, refetchInterval: 60_000 });
  const query = useApi('insights', { days, by, ...only }, { keepPrevious: true, refetchInterval: 60_000 });
  const series = query.data === undefined ? [] : chartSeries(by, query.data);
  const nothing = whole.data?.operations === 0;
  const actions = (
    <>
      <Select
        aria-label={t.connection}
        placeholder={t.all}
        clearable
        size="sm"
        w={190}
        data={(connections.data?.items ?? []).map(({ id }) => id)}
        value={connectionId ?? null}
        onChange={(value) => change({ connectionId: value ?? undefined })}
      />
      <SegmentedControl
        aria-label={t.period}
        size="sm"
        value={String(days)}
        onChange={(value) => change({ days: Number(value) })}
        data={PERIODS}
      />
    </>
  );
  return (
    <Page title={t.title} lead={t.lead} actions={actions}>
      {(whole.error ?? query.error) !== null && (
        <Failure
          error={whole.error ?? query.error}
          retry={() => {
            void whole.refetch();
            void query.refetch();
          }}
        />
      )}
      {whole.isPending && <Loader size="sm" />}
      {nothing && (
        <Card>
          <Empty title={t.emptyTitle} hint={t.emptyHint} />
        </Card>
      )}
      {whole.data !== undefined && !nothing && (
        <>
          {whole.data.more && <Notice tone="info">{t.more}</Notice>}
          <Figures insights={whole.data} />
          <Card label={t.overTime}>
            <div className={classes.cardHead}>
              <h2 className={classes.title}>{t.overTime}</h2>
              <SegmentedControl
                size="xs"
                aria-label={t.by}
                value={by}
                onChange={(value) => change({ by: value as InsightDimension })}
                data={Object.entries(t.dimensions).map(([value, label]) => ({ value, label }))}
              />
            </div>
            {query.data !== undefined && (
              <>
                <DayChart
                  days={query.data.days}
                  series={series}
                  label={t.chart(t.dimensions[by], query.data.operations, days)}
                />
                {by === 'table' && <p className={classes.muted}>{t.severalTables}</p>}
                <DayTable insights={query.data} series={series} />
              </>
            )}
          </Card>
          <ShapesCard
            days={days}
            connectionId={connectionId}
            order={order}
            change={(next) => change({ order: next })}
          />
        </>
      )}
    </Page>
  );
}
