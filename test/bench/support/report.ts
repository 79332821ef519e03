import type { Goal, Recordings, Summary } from './results.ts';

export interface Report {
  date: string;
  /** Quick runs are for a look: too few rounds to quote. */
  quick: boolean;
  machine: Record<string, string>;
  skipped: string[];
  rounds: number;
  seconds: number;
  goals: Goal[];
  summaries: Summary[];
  recordings: Recordings[];
  /** Printed by the benchmarks of single parts. */
  parts: { name: string; output: string }[];
}

const number = (value: number | null, digits = 2) => (value === null ? '–' : value.toFixed(digits));

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = `|${head.map((_, i) => (i === 0 ? '---' : '---:')).join('|')}|`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

export function markdown(report: Report): string {
  const { goals, summaries, recordings, machine, skipped, parts } = report;
  const queries = summaries.filter((s) => s.kind === 'queries');
  const bulk = summaries.filter((s) => s.kind === 'bulk');
  const sections = [
    `# ${report.quick ? 'Quick benchmark' : 'Benchmark'}, ${report.date}`,
    Object.entries(machine)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join('\n'),
    `${report.rounds} interleaved rounds in random order, ${report.seconds} s a run; medians, ratios within a round. ` +
      'direct, pgbouncer and haproxy forward, and forward is a TCP forwarder on Node that does nothing else; gateway parses, decides, records, hashes, compresses and signs; ' +
      'masked has one tagged column and all detectors besides; unrecorded is the gateway without its recorder. ' +
      'Everything shares the machine’s processors: single times mean little, ratios and CPU more.',
    ...skipped.map((sentence) => `Skipped: ${sentence}`),
    '## Targets',
    table(
      ['', 'at least', 'aim for', 'measured', 'reached'],
      goals.map((goal) => [goal.what, goal.atLeast, goal.aimFor, goal.measured, goal.reached]),
    ),
    '## Queries',
    table(
      [
        'load',
        'through',
        'queries/s',
        '× direct',
        '× pgbouncer',
        'added p50 µs',
        'CPU µs/query',
        'main thread',
        'recorder',
        'peak MB',
      ],
      queries.map((s) => [
        s.load,
        s.target,
        number(s.rate, 0),
        number(s.toDirect),
        number(s.toPgbouncer),
        number(s.addedP50, 0),
        number(s.cpu.all, 1),
        number(s.cpu.main, 1),
        number(s.cpu.recorder, 1),
        number(s.peakMemory, 0),
      ]),
    ),
    '## Results of a million rows',
    table(
      ['load', 'through', 'MB/s', '× direct', 'CPU ms/MB', 'main thread', 'recorder', 'peak MB'],
      bulk.map((s) => [
        s.load,
        s.target,
        number(s.rate, 0),
        number(s.toDirect),
        number(s.cpu.all / 1000),
        number(s.cpu.main / 1000),
        number(s.cpu.recorder / 1000),
        number(s.peakMemory, 0),
      ]),
    ),
    '## Recordings of these runs',
    table(
      ['traffic', 'sessions', 'payload MB', 'stored MB', 'stored/payload', 'verified MB/s'],
      recordings.map((r) => [
        r.traffic,
        String(r.sessions),
        number(r.payload, 0),
        number(r.stored, 1),
        number(r.stored / r.payload, 3),
        number(r.payload / r.verifySeconds, 0),
      ]),
    ),
    ...parts.flatMap(({ name, output }) => [`## ${name}`, `\`\`\`\n${output.trim()}\n\`\`\``]),
  ];
  return `${sections.join('\n\n')}\n`;
}
