import type { Statement } from '../../../../../gateway/contract/session.ts';

/**
 * A session's statements on a clock of their own: what ran keeps its length, idle time and the time spent
 * waiting for a person are cut short. All times in milliseconds.
 */
export const LONGEST_IDLE_MS = 1500;

export type MarkerKind = 'asked' | 'denied' | 'error';
export interface Span {
  index: number;
  start: number;
  end: number;
}
export interface Marker {
  at: number;
  index: number;
  kind: MarkerKind;
}
export interface Timeline {
  /** In order of start; `start` never goes back. */
  spans: readonly Span[];
  markers: readonly Marker[];
  /** At least 1, so that a position can be divided by it. */
  total: number;
}

export type TimedStatement = Pick<Statement, 'index' | 'startedAt' | 'durationMs' | 'heldMs' | 'verdict' | 'error'>;

function markerOf(statement: TimedStatement): MarkerKind | null {
  switch (statement.verdict) {
    case 'denied':
    case 'asked-denied':
    case 'asked-expired':
      return 'denied';
    case 'asked-approved':
    case 'observed':
      return 'asked';
    case 'allowed':
      return statement.error === null ? null : 'error';
  }
}

/** @param longestIdle idle time and waiting are cut to it (ms); Infinity: neither is cut. */
export function buildTimeline(statements: readonly TimedStatement[], longestIdle: number = LONGEST_IDLE_MS): Timeline {
  const spans: Span[] = [];
  const markers: Marker[] = [];
  let total = 1;
  let before: { start: number; startedAt: number; busy: number } | null = null;
  for (const statement of statements) {
    const parsed = Date.parse(statement.startedAt);
    const startedAt: number = Number.isNaN(parsed) ? (before?.startedAt ?? 0) : parsed;
    const held = Math.min(Math.max(0, statement.heldMs), Math.max(0, statement.durationMs));
    const busy = Math.max(0, statement.durationMs) - held;
    let start = 0;
    if (before !== null) {
      const apart = Math.max(0, startedAt - before.startedAt);
      const ran = Math.min(apart, before.busy);
      start = before.start + ran + Math.min(apart - ran, longestIdle);
    }
    const end = start + busy + Math.min(held, longestIdle);
    spans.push({ index: statement.index, start, end });
    const kind = markerOf(statement);
    if (kind !== null) markers.push({ at: start, index: statement.index, kind });
    total = Math.max(total, end);
    before = { start, startedAt, busy };
  }
  return { spans, markers, total };
}

/** Place in `spans` of the last statement that has begun at `position`; -1 where there is none. */
export function currentSpan(timeline: Timeline, position: number): number {
  let low = 0;
  let high = timeline.spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (timeline.spans[middle]!.start <= position) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How many statements begin in each of `buckets` equal parts, as shares of the fullest one. */
export function density(timeline: Timeline, buckets: number): number[] {
  const counts = new Array<number>(buckets).fill(0);
  for (const span of timeline.spans) {
    counts[Math.min(buckets - 1, Math.floor((span.start / timeline.total) * buckets))]! += 1;
  }
  const most = Math.max(1, ...counts);
  return counts.map((n) => n / most);
}

const WORST: Readonly<Record<MarkerKind, number>> = { asked: 0, error: 1, denied: 2 };

/** At most one marker in each of `buckets` equal parts, the worst one. */
export function thinMarkers(timeline: Timeline, buckets: number): Marker[] {
  const kept = new Map<number, Marker>();
  for (const marker of timeline.markers) {
    const bucket = Math.min(buckets - 1, Math.floor((marker.at / timeline.total) * buckets));
    const other = kept.get(bucket);
    if (other === undefined || WORST[marker.kind] > WORST[other.kind]) kept.set(bucket, marker);
  }
  return [...kept.values()];
}
