import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { DaySummary } from '../../../../gateway/contract/summary.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Failure } from '../../components/page.tsx';
import { type Tone, ToneIcon } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { strings } from '../../strings.ts';
import { count } from '../../text/format.ts';
import classes from './home-screen.module.css';

const t = strings.home;
const AGAIN_MS = 15_000;

const VERDICTS: ReadonlyArray<readonly [keyof DaySummary['verdicts'], Tone]> = [
  ['allowed', 'good'],
  ['approved', 'ask'],
  ['observed', 'watch'],
  ['deniedByPerson', 'bad'],
  ['deniedByPolicy', 'bad'],
  ['expired', 'late'],
];

/** The share of each verdict as a bar; the same in words is below it, so it is hidden from screen readers. */
function Bar({ summary }: { summary: DaySummary }) {
  return (
    <div className={classes.bar} aria-hidden>
      {VERDICTS.filter(([key]) => summary.verdicts[key] > 0).map(([key]) => (
        <span key={key} className={classes[key]} style={{ flexGrow: summary.verdicts[key] }} />
      ))}
    </div>
  );
}

function Figure({ value, name }: { value: number; name: string }) {
  return (
    <div className={classes.number}>
      <dt>{name}</dt>
      <dd>{count(value)}</dd>
    </div>
  );
}

/** Since midnight, in the clock of whoever looks. */
export function TodayCard() {
  const now = useNow(60_000);
  const day = new Date(now).toDateString();
  const since = useMemo(() => new Date(day).toISOString(), [day]);
  const query = useApi('summary', { since }, { refetchInterval: AGAIN_MS, staleTime: 0 });
  const summary = query.data;
  return (
    <Card label={t.todayTitle}>
      <h2 className={classes.title}>{t.todayTitle}</h2>
      {query.error !== null && summary === undefined && <Failure error={query.error} />}
      {summary?.operations === 0 && <p className={classes.muted}>{t.quiet}</p>}
      {summary !== undefined && summary.operations > 0 && (
        <>
          <dl className={classes.numbers}>
            <Figure value={summary.operations} name={t.operations(summary.operations)} />
            <Figure value={summary.sessions} name={t.sessions(summary.sessions)} />
            <Figure value={summary.masked} name={t.masked} />
            <Figure value={summary.errors} name={t.errors} />
          </dl>
          <Bar summary={summary} />
          <ul className={classes.verdicts}>
            {VERDICTS.filter(([key]) => summary.verdicts[key] > 0).map(([key, tone]) => (
              <li key={key}>
                <span className={`${classes.swatch} ${classes[key]}`} aria-hidden />
                <ToneIcon tone={tone} size={15} />
                <strong>{count(summary.verdicts[key])}</strong> {t.verdicts[key]}
              </li>
            ))}
          </ul>
          {summary.more && <p className={classes.muted}>{t.more}</p>}
          <p className={classes.foot}>
            <Link to="/sessions">{t.toSessions}</Link> · <Link to="/insights">{t.toInsights}</Link>
          </p>
        </>
      )}
    </Card>
  );
}
