import { Connection } from '../../gateway/contract/connection.ts';
import { createMasking } from '../../gateway/protocols/postgres/masking/masking.ts';
import type { CatalogSnapshot, FieldDescription } from '../../gateway/protocols/postgres/ports.ts';

/**
 * What masking costs on DataRow bodies and COPY, in MB of row data a second of the thread's own CPU time:
 *   npx node test/bench/masking.ts
 */

const CUSTOMERS = 5000;
const connection = Connection.parse({ id: 'bench', kind: 'postgres', host: 'h', user: 'u', database: 'd' });
const masking = createMasking(connection, new Uint8Array(32).fill(1));
const tag = { schema: 'public', table: 'customers', column: 'name', entity: 'PERSON', action: 'redact' } as const;
const catalog: CatalogSnapshot = {
  tagByOid: new Map([[CUSTOMERS, new Map([[2, tag]])]]),
  relations: [],
  functions: [],
  volatileBuiltins: new Set(),
};
const clean = { columns: [[], [], [], []], all: [] };

function fields(tableOid: number, types: readonly number[]): FieldDescription[] {
  return types.map((typeOid, i) => ({
    name: `c${i}`,
    tableOid,
    columnNumber: i + 1,
    typeOid,
    typeModifier: -1,
    format: 'text',
  }));
}

function row(values: readonly string[]): Uint8Array {
  const parts = values.map((value) => new TextEncoder().encode(value));
  const out = new Uint8Array(parts.reduce((n, part) => n + 4 + part.length, 2));
  const view = new DataView(out.buffer);
  view.setInt16(0, parts.length);
  let at = 2;
  for (const part of parts) {
    view.setInt32(at, part.length);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

const WORDS = 'the quick brown fox jumps over a lazy dog while it rains in Spain and nobody minds at all'.split(' ');
const prose = (i: number, words: number) =>
  Array.from({ length: words }, (_, j) => WORDS[(i * 7 + j * 3) % WORDS.length]).join(' ');
const rows = (make: (i: number) => string[]) => Array.from({ length: 20_000 }, (_, i) => row(make(i)));
const narrow = rows((i) => [
  String(i),
  `Customer ${i} of ${prose(i, 2)}`,
  '2026-11-21 02:49:42.123456+00',
  prose(i, 6),
]);
const wide = rows((i) => [String(i), prose(i, 60), prose(i + 1, 60), prose(i + 2, 60)]);
const emails = rows((i) => [
  String(i),
  `mail ${prose(i, 3)} user${i}@example.com and ${prose(i, 4)}`,
  `u${i}@example.org`,
  prose(i, 4),
]);

const cases: ReadonlyArray<[string, FieldDescription[], Uint8Array[]]> = [
  ['no masking needed (numbers, dates)', fields(1, [23, 20, 1184, 1700]), narrow],
  ['one tagged text column of four, narrow', fields(CUSTOMERS, [23, 25, 1184, 20]), narrow],
  ['one tagged, another detected, narrow', fields(CUSTOMERS, [23, 25, 1184, 25]), narrow],
  ['one tagged, two detected, wide', fields(CUSTOMERS, [23, 25, 25, 25]), wide],
  ['detection, clean text, narrow', fields(1, [23, 25, 1184, 25]), narrow],
  ['detection, clean text, wide', fields(1, [23, 25, 25, 25]), wide],
  ['detection, text full of e-mails', fields(1, [23, 25, 25, 25]), emails],
];

function report(name: string, bytes: number, once: () => void): void {
  const rates: number[] = [];
  for (let round = 0; round < 9; round += 1) {
    const start = process.threadCpuUsage();
    once();
    const { user, system } = process.threadCpuUsage(start);
    rates.push(bytes / (user + system));
  }
  rates.sort((a, b) => a - b);
  process.stdout.write(`${name.padEnd(44)} ${rates[4]!.toFixed(0).padStart(6)} MB/s\n`);
}

for (const [name, description, data] of cases) {
  const bytes = data.reduce((n, body) => n + body.length, 0);
  const masker = masking.forResult(description, clean, catalog);
  if (masker === null) {
    process.stdout.write(`${name.padEnd(44)} no masker: rows are forwarded as they are\n`);
    continue;
  }
  report(name, bytes, () => {
    for (const body of data) masker.row(body);
  });
}

const lines = narrow.map((_, i) =>
  new TextEncoder().encode(`${i}\tCustomer ${i}\t2026-11-21 02:49:42+00\t${prose(i, 6)}\n`),
);
const copyBytes = lines.reduce((n, line) => n + line.length, 0);
const shape = { header: false, delimiter: '\t', null: '\\N', quote: '"', escape: '"', columns: 4 } as const;
for (const [name, taint] of [
  ['COPY text, clean', clean],
  ['COPY text, one tagged column', { columns: [[], [tag], [], []], all: [tag] }],
] as const) {
  const copy = masking.forCopyOut({ ...shape, format: 'text' }, taint, catalog)!;
  report(name, copyBytes, () => {
    for (const line of lines) copy.data(line);
  });
}
