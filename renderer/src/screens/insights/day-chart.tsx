import { useState } from 'react';
import type { Insights } from '../../../../gateway/contract/insights.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { count } from '../../text/format.ts';
import classes from './day-chart.module.css';

const t = strings.insights;

export interface ChartSeries {
  key: string;
  name: string;
  counts: readonly number[];
  total: number;
  /** CSS colour. */
  color: string;
}

interface Props {
  days: readonly string[];
  series: readonly ChartSeries[];
  label: string;
}

/** A round figure at or above `value`, for the top of the scale. */
export function roundUp(value: number): number {
  if (value <= 5) return 5;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((top) => top >= value) ?? 10 * power;
}

const dayText = (day: string) =>
  new Date(`${day}T12:00:00Z`).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** One bar a day, its parts on top of each other; a legend whose entries bring out their part. */
export function DayChart({ days, series, label }: Props) {
  const [brought, setBrought] = useState<string | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const sums = days.map((_, day) => series.reduce((sum, one) => sum + (one.counts[day] ?? 0), 0));
  const top = roundUp(Math.max(0, ...sums));
  const middle = Math.floor((days.length - 1) / 2);
  return (
    <figure className={classes.chart}>
      <div className={classes.plot}>
        <span className={classes.at} aria-hidden>
          {at === null ? '' : `${dayText(days[at] ?? '')}: ${count(sums[at] ?? 0)}`}
        </span>
        <div className={classes.scale} aria-hidden>
          <span>{count(top)}</span>
          <span>{count(top / 2)}</span>
          <span>0</span>
        </div>
        <svg
          className={classes.bars}
          viewBox={`0 0 ${days.length * 10} 100`}
          preserveAspectRatio="none"
          role="img"
          aria-label={label}
          onPointerLeave={() => setAt(null)}
        >
          {[0, 50].map((y) => (
            <line key={y} className={classes.grid} x1="0" x2={days.length * 10} y1={y} y2={y} />
          ))}
          {days.map((day, x) => {
            let height = 0;
            return (
              <g key={day} onPointerEnter={() => setAt(x)}>
                <rect className={classes.hit} x={x * 10} y="0" width="10" height="100" data-at={at === x} />
                {series.map(({ key, counts, color }) => {
                  const part = ((counts[x] ?? 0) / top) * 100;
                  height += part;
                  return part === 0 ? null : (
                    <rect
                      key={key}
                      x={x * 10 + 1}
                      y={100 - height}
                      width="8"
                      height={part}
                      fill={color}
                      opacity={brought === null || brought === key ? 1 : 0.22}
                    />
                  );
                })}
              </g>
            );
          })}
        </svg>
      </div>
      <div className={classes.days} aria-hidden>
        <span>{dayText(days[0] ?? '')}</span>
        {days.length > 2 && <span>{dayText(days[middle] ?? '')}</span>}
        <span>{dayText(days.at(-1) ?? '')}</span>
      </div>
      <figcaption className={classes.legend}>
        {series.map(({ key, name, total, counts, color }) => (
          <button
            key={key}
            type="button"
            className={classes.entry}
            aria-pressed={brought === key}
            onClick={() => setBrought(brought === key ? null : key)}
          >
            <svg width="11" height="11" aria-hidden>
              <rect width="11" height="11" rx="3" fill={color} />
            </svg>
            <Visible>{name}</Visible>
            <span className={classes.number}>{count(at === null ? total : (counts[at] ?? 0))}</span>
          </button>
        ))}
      </figcaption>
    </figure>
  );
}

/** The same figures for whoever reads tables. */
export function DayTable({ insights, series }: { insights: Insights; series: readonly ChartSeries[] }) {
  const some = insights.days.map((day, i) => ({ day, i })).filter(({ i }) => series.some((one) => one.counts[i]! > 0));
  return (
    <details className={classes.details}>
      <summary>{t.asTable}</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className={classes.tableFrame} tabIndex={0} aria-label={t.asTable}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">{t.day}</th>
              {series.map(({ key, name }) => (
                <th key={key} scope="col">
                  <Visible>{name}</Visible>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {some.toReversed().map(({ day, i }) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                {series.map(({ key, counts }) => (
                  <td key={key}>{count(counts[i] ?? 0)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}
