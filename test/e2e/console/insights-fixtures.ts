import type { InsightShapes, InsightShapesInput, Insights, InsightsInput } from '../../../gateway/contract/insights.ts';

const DAY_MS = 86_400_000;
const NAMES: Readonly<Record<InsightsInput['by'], readonly string[]>> = {
  verdict: ['allowed', 'asked-approved', 'denied', 'asked-expired', 'asked-denied'],
  class: ['read', 'write', 'session', 'destructive'],
  agent: ['psql', 'node', 'python3', 'pg_dump'],
  connection: ['demo', 'billing-staging'],
  table: [
    'public.customers',
    'public.orders',
    'public.order_items',
    'public.staff',
    'public.invoices',
    'public.tickets',
    'audit.log\u202e',
    'public.a_table_with_quite_a_long_name',
  ],
};

/** Days that are the same whenever they are asked. */
export function insights(now: number, { days, by, connectionId }: InsightsInput): Insights {
  const scale = connectionId === undefined ? 1 : 0.3;
  const series = NAMES[by].map((name, n) => {
    const counts = Array.from({ length: days }, (_, day) =>
      Math.floor((((day * 7919 + n * 104_729) % 97) * scale * 12) / (n * n + 1)),
    );
    const total = counts.reduce((sum, one) => sum + one, 0);
    const asked = by === 'verdict' ? (name.startsWith('asked') ? total : 0) : Math.floor(total / 9);
    const denied =
      by === 'verdict'
        ? ['denied', 'asked-denied', 'asked-expired'].includes(name)
          ? total
          : 0
        : Math.floor(total / 40);
    return { name, counts, total, asked, denied };
  });
  const others = by === 'table' ? 3 : 0;
  const counts = Array.from({ length: days }, (_, day) => (others === 0 ? 0 : day % 5));
  return {
    days: Array.from({ length: days }, (_, i) => new Date(now - (days - 1 - i) * DAY_MS).toISOString().slice(0, 10)),
    series,
    others: { names: others, counts, total: counts.reduce((sum, one) => sum + one, 0) },
    operations: series.reduce((sum, one) => sum + one.total, 0),
    errors: 214,
    heldMs: 5_400_000,
    more: false,
  };
}

export function nothing(now: number, input: InsightsInput): Insights {
  const none = insights(now, input);
  return {
    ...none,
    series: [],
    others: { names: 0, counts: none.days.map(() => 0), total: 0 },
    operations: 0,
    errors: 0,
    heldMs: 0,
  };
}

const SHAPES = [
  'UPDATE orders SET status = $1 WHERE id = $2',
  'DELETE FROM order_items',
  'SELECT id, name, email FROM customers WHERE created_at > $1 ORDER BY id LIMIT $2',
  'SELECT count(*) FROM order_items oi JOIN orders o ON o.id = oi.order_id GROUP BY o.customer_id HAVING count(*) > $1',
  'INSERT INTO audit_notes VALUES ($1, $2)',
  'DROP DATABASE shop',
];

export function shapes({ order, limit }: InsightShapesInput): InsightShapes {
  const items = Array.from({ length: 25 }, (_, i) => ({
    shape: i < SHAPES.length ? SHAPES[i]! : `SELECT * FROM archive_${i} WHERE id = $1`,
    count: 900 - i * 31,
    asked: order === 'asked' ? 320 - i * 12 : i % 3,
    approved: order === 'asked' ? 300 - i * 12 : 0,
    denied: i === 1 || i === 5 ? 14 : 0,
    errors: i === 1 ? 14 : i % 4,
    meanMs: 12 + i,
    slowestMs: 8200 - i * 300,
    sessionId: 'S0000',
    index: i,
    sessions: 40 - i,
  }));
  return { items: items.slice(0, limit), more: false };
}
