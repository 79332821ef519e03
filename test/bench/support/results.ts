import { median } from './statistics.ts';

export const TARGETS = ['direct', 'pgbouncer', 'haproxy', 'forward', 'gateway', 'masked', 'unrecorded'] as const;
export type TargetName = (typeof TARGETS)[number];

/** One load against one target in one round. CPU in microseconds of the proxy, memory in MB. */
export interface Measurement {
  round: number;
  load: string;
  kind: 'queries' | 'bulk';
  target: TargetName;
  rate: number;
  amount: number;
  p50: number | null;
  cpu: { main: number; recorder: number; all: number };
  peakMemory: number | null;
}

export interface Recordings {
  /** `small`: pgbench's loads; `bulk`: results. */
  traffic: 'small' | 'bulk';
  sessions: number;
  /** MB of requests and responses, and of what is stored of them. */
  payload: number;
  stored: number;
  /** Sealed lines of their own: statements that change data or fail. */
  verifySeconds: number;
}

/** What one load did on one target, over all rounds. */
export interface Summary {
  load: string;
  kind: 'queries' | 'bulk';
  target: TargetName;
  rate: number;
  /** Median over the rounds of the ratio to the other target in the same round; null where it did not run. */
  toDirect: number | null;
  toPgbouncer: number | null;
  p50: number | null;
  addedP50: number | null;
  /** Microseconds a query, or a MB. */
  cpu: { main: number; recorder: number; all: number };
  peakMemory: number | null;
}

export function summarize(measurements: readonly Measurement[]): Summary[] {
  const groups = Map.groupBy(measurements, ({ load, target }) => `${load}\n${target}`);
  return [...groups.values()].map((group) => {
    const { load, kind, target } = group[0]!;
    const against = (other: TargetName, of: (mine: Measurement, theirs: Measurement) => number | null) => {
      const values = group.flatMap((mine) => {
        const theirs = measurements.find((m) => m.load === load && m.target === other && m.round === mine.round);
        const value = theirs === undefined ? null : of(mine, theirs);
        return value === null ? [] : [value];
      });
      return values.length === 0 ? null : median(values);
    };
    const middle = (of: (m: Measurement) => number | null) => {
      const values = group.map(of).filter((value) => value !== null);
      return values.length === 0 ? null : median(values);
    };
    return {
      load,
      kind,
      target,
      rate: middle((m) => m.rate)!,
      toDirect: against('direct', (a, b) => a.rate / b.rate),
      toPgbouncer: against('pgbouncer', (a, b) => a.rate / b.rate),
      p50: middle((m) => m.p50),
      addedP50: against('direct', (a, b) => (a.p50 === null || b.p50 === null ? null : a.p50 - b.p50)),
      cpu: {
        main: middle((m) => m.cpu.main / m.amount)!,
        recorder: middle((m) => m.cpu.recorder / m.amount)!,
        all: middle((m) => m.cpu.all / m.amount)!,
      },
      peakMemory: middle((m) => m.peakMemory),
    };
  });
}

export interface Goal {
  what: string;
  atLeast: string;
  aimFor: string;
  measured: string;
  reached: 'aim' | 'at least' | 'missed' | 'not measured';
}

interface Bound {
  what: string;
  atLeast: number;
  aimFor: number;
  /** 'most': the measured figure must not be above it. */
  sense: 'least' | 'most';
  unit: string;
  digits: number;
  value: number | null | undefined;
}

/** The targets for a PostgreSQL session with everything on, beside what was measured. */
export function goals(summaries: readonly Summary[], recordings: readonly Recordings[]): Goal[] {
  const find = (load: string, target: TargetName) => summaries.find((s) => s.load === load && s.target === target);
  const stored = (traffic: Recordings['traffic']) => recordings.find((entry) => entry.traffic === traffic);
  const share = (traffic: Recordings['traffic']) => ratio(stored(traffic)?.stored, stored(traffic)?.payload);
  const speed = (traffic: Recordings['traffic']) => ratio(stored(traffic)?.payload, stored(traffic)?.verifySeconds);
  const eight = find('select 8 prepared', 'gateway');
  const without = find('select 8 prepared', 'unrecorded');
  const update = find('update 1 prepared', 'gateway');
  const least = (what: string, atLeast: number, aimFor: number, value: number | null | undefined): Bound => ({
    what,
    atLeast,
    aimFor,
    value,
    sense: 'least',
    unit: '×',
    digits: 2,
  });
  const most = (what: string, atLeast: number, aimFor: number, unit: string, value: number | null | undefined) => ({
    what,
    atLeast,
    aimFor,
    value,
    unit,
    sense: 'most' as const,
    digits: unit === '×' ? 2 : 1,
  });
  return [
    most('added p50, 1 client, prepared', 60, 30, 'µs', find('select 1 prepared', 'gateway')?.addedP50),
    least('TPS against pgbouncer, 8 clients, prepared', 0.7, 0.88, eight?.toPgbouncer),
    least('TPS against pgbouncer, 32 clients, prepared', 0.7, 0.88, find('select 32 prepared', 'gateway')?.toPgbouncer),
    most('CPU per query, 8 clients, prepared, whole process', 35, 22, 'µs', eight?.cpu.all),
    most(
      'the recording’s share of it (against no recorder)',
      8,
      3.5,
      'µs',
      eight && without ? eight.cpu.all - without.cpu.all : null,
    ),
    least('pipelined × 10 against pgbouncer', 0.75, 0.95, find('pipelined 8', 'gateway')?.toPgbouncer),
    least('bulk SELECT recorded, against direct', 0.9, 1, find('bulk SELECT', 'gateway')?.toDirect),
    least('bulk COPY recorded, against direct', 0.9, 1, find('bulk COPY', 'gateway')?.toDirect),
    least('bulk SELECT masked and recorded, against direct', 0.65, 0.9, find('bulk SELECT', 'masked')?.toDirect),
    least('bulk COPY masked and recorded, against direct', 0.65, 0.9, find('bulk COPY', 'masked')?.toDirect),
    most('a durable statement: added p50', 400, 200, 'µs', update?.addedP50),
    most('a durable statement: CPU', 100, 30, 'µs', update?.cpu.all),
    most('recording size of the payload, bulk', 0.3, 0.2, '×', share('bulk')),
    most('recording size of the payload, small queries', 0.3, 0.2, '×', share('small')),
    { ...least('verify, bulk, one thread', 400, 500, speed('bulk')), unit: 'MB/s', digits: 0 },
    { ...least('verify, small queries, one thread', 100, 150, speed('small')), unit: 'MB/s', digits: 0 },
    most('peak memory while recording bulk', 300, 160, 'MB', find('bulk SELECT', 'gateway')?.peakMemory),
  ].map(judge);
}

const ratio = (a: number | undefined, b: number | undefined) => (a === undefined || b === undefined ? null : a / b);

function judge({ what, atLeast, aimFor, sense, unit, digits, value }: Bound): Goal {
  const sign = sense === 'most' ? '≤ ' : '≥ ';
  const shown = (n: number) => `${n.toFixed(digits).replace(/\.0$/, '')} ${unit}`;
  const meets = (bound: number) =>
    value !== null && value !== undefined && (sense === 'most' ? value <= bound : value >= bound);
  return {
    what,
    atLeast: sign + shown(atLeast),
    aimFor: sign + shown(aimFor),
    measured: value === null || value === undefined ? '–' : shown(value),
    reached:
      value === null || value === undefined
        ? 'not measured'
        : meets(aimFor)
          ? 'aim'
          : meets(atLeast)
            ? 'at least'
            : 'missed',
  };
}
