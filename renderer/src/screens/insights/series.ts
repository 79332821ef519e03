import type { InsightDimension, Insights } from '../../../../gateway/contract/insights.ts';
import { OPERATION_CLASSES } from '../../../../gateway/contract/operation.ts';
import type { Statement } from '../../../../gateway/contract/session.ts';
import { strings } from '../../strings.ts';
import type { ChartSeries } from './day-chart.tsx';

const VERDICT_COLORS: Readonly<Record<Statement['verdict'], string>> = {
  allowed: 'var(--cs-allow)',
  'asked-approved': 'var(--cs-ask)',
  'asked-denied': 'var(--cs-deny)',
  'asked-expired': 'var(--cs-series-4)',
  denied: 'var(--cs-series-8)',
  observed: 'var(--cs-series-1)',
};
const COLORS = Array.from({ length: 8 }, (_, i) => `var(--cs-series-${i + 1})`);
const OTHERS = 'var(--cs-muted)';

/** Names of things are theirs; verdicts and kinds have words of the console. */
function nameOf(by: InsightDimension, name: string): string {
  if (by === 'verdict') return strings.session.verdicts[name as Statement['verdict']] ?? name;
  if (by === 'class') {
    const known = OPERATION_CLASSES.find((one) => one === name);
    return known === undefined ? name : strings.classes[known];
  }
  return name;
}

export function chartSeries(by: InsightDimension, insights: Insights): ChartSeries[] {
  const series = insights.series.map(({ name, counts, total }, i) => ({
    key: name,
    name: nameOf(by, name),
    counts,
    total,
    color: (by === 'verdict' ? VERDICT_COLORS[name as Statement['verdict']] : undefined) ?? COLORS[i % COLORS.length]!,
  }));
  const { others } = insights;
  if (others.names === 0) return series;
  return [
    ...series,
    {
      key: '\0others',
      name: strings.insights.others(others.names),
      counts: others.counts,
      total: others.total,
      color: OTHERS,
    },
  ];
}
