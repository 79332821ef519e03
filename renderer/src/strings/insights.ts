import type { InsightDimension, InsightShapesInput } from '../../../gateway/contract/insights.ts';
import { count, plural } from '../text/format.ts';

const dimensions: Readonly<Record<InsightDimension, string>> = {
  verdict: 'Verdict',
  class: 'Kind',
  agent: 'Agent',
  connection: 'Connection',
  table: 'Table',
};
const orders: Readonly<Record<InsightShapesInput['order'], string>> = {
  asked: 'Asked most',
  slowest: 'Slowest',
  repeated: 'Most repeated',
};

export const insightsStrings = {
  insights: {
    title: 'Insights',
    lead: 'What agents did, counted by day. Days are those of UTC; what is still being indexed follows.',
    period: 'Period',
    periods: { 7: '7 days', 30: '30 days', 90: '90 days', 365: 'A year' },
    connection: 'Connection',
    all: 'All connections',
    operations: 'Operations',
    asked: 'Asked',
    denied: 'Not let through',
    failed: 'Failed',
    waited: 'Waited for a person',
    by: 'By',
    dimensions,
    overTime: 'Over time',
    others: (names: number) => (names === 1 ? '1 other' : `${count(names)} others`),
    chart: (what: string, total: number, days: number) =>
      `${plural(total, 'operation')} by ${what.toLowerCase()} in ${plural(days, 'day')}. The table below has the figures.`,
    day: 'Day',
    asTable: 'Figures by day',
    severalTables: 'An operation that touches several tables counts for each of them.',
    more: 'There was more than is looked at here: the oldest days are not whole.',
    emptyTitle: 'Nothing happened in this time',
    emptyHint: 'A longer period may show more. What agents do is counted here as soon as it is indexed.',
    statements: 'Statements',
    statementsLead: 'Statements that differ in their values only are one line.',
    order: 'Order',
    orders,
    times: 'Times',
    approvedOf: (approved: number, asked: number) => `${count(approved)} of ${count(asked)} approved`,
    deniedTimes: (n: number) => `${count(n)} not let through`,
    failedTimes: (n: number) => `${count(n)} failed`,
    mean: 'Mean',
    slowest: 'Slowest',
    sessions: (n: number) => `in ${plural(n, 'session')}`,
    showSlowest: 'Show the slowest',
    unnamed: 'Too many different statements to name each',
    emptyShapes: {
      asked: 'Nobody was asked in this time.',
      slowest: 'No statement ran in this time.',
      repeated: 'No statement ran more than once in this time.',
    },
    readMore: 'Show more',
  },
} as const;
