import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CopyShape } from '../ports.ts';
import { MAX_COPY_ROW } from './copy-masker.ts';
import { CLEAN, catalogOf, concat, copyShape, decode, encode, masking, tagOf } from './test-support.ts';

const tag = tagOf('US_SSN', 'partial');
const tainted = (columns: number, position: number) => ({
  columns: Array.from({ length: columns }, (_, i) => (i === position ? [tag] : [])),
  steady: Array.from({ length: columns }, () => true),
  all: [tag],
});

/** Feeds the stream cut at the given offsets. */
function run(
  shape: CopyShape,
  taint: Parameters<ReturnType<typeof masking>['forCopyOut']>[1],
  stream: Uint8Array,
  cuts: number[] = [],
) {
  const masker = masking().forCopyOut(shape, taint, catalogOf())!;
  const out: Uint8Array[] = [];
  let from = 0;
  for (const cut of [...cuts, stream.length]) {
    out.push(...masker.data(stream.slice(from, cut)));
    from = cut;
  }
  out.push(...masker.end());
  return { bytes: concat(out), text: decode(concat(out)), counts: masker.counts, masked: masker.maskedColumns };
}

const int16 = (n: number) => Uint8Array.of((n >> 8) & 0xff, n & 0xff);
const int32 = (n: number) => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n);
const HEADER = concat([encode('PGCOPY\n'), Uint8Array.of(0xff, 0x0d, 0x0a, 0), int32(0), int32(0)]);
const binaryRow = (...fields: (Uint8Array | string | null)[]) =>
  concat([
    int16(fields.length),
    ...fields.flatMap((f) => (f === null ? [int32(-1)] : [int32(f.length), typeof f === 'string' ? encode(f) : f])),
  ]);

const TEXT_IN = '1\tAlice\t123-45-6789\tsee a@b.io\n2\t\\N\t\\N\t\\\\x\\tn123-45-6789\n3\tBob\\\tx\t\\N\ty\n';
const TEXT_OUT = '1\tAlice\t[US_SSN]\tsee [EMAIL_ADDRESS]\n2\t\\N\t\\N\t\\\\x\\tn123-45-6789\n3\tBob\\\tx\t\\N\ty\n';
const CSV_IN = 'id,name,ssn,note\n1,"A ""x"", b",123-45-6789,"two\nlines a@b.io"\n2,,,"",\n';
const CSV_OUT = 'id,name,ssn,note\n1,"A ""x"", b",[US_SSN],"two\nlines [EMAIL_ADDRESS]"\n2,,,"",\n';
const BINARY_IN = concat([HEADER, binaryRow('a', '123-45-6789', 'a@b.io'), binaryRow(null, null, int32(7)), int16(-1)]);
const BINARY_OUT = concat([
  HEADER,
  binaryRow('a', null, '[EMAIL_ADDRESS]'),
  binaryRow(null, null, int32(7)),
  int16(-1),
]);

const STREAMS: ReadonlyArray<[string, CopyShape, ReturnType<typeof tainted>, Uint8Array, Uint8Array]> = [
  ['text', copyShape('text', 4), tainted(4, 2), encode(TEXT_IN), encode(TEXT_OUT)],
  ['csv', copyShape('csv', 4, { header: true }), tainted(4, 2), encode(CSV_IN), encode(CSV_OUT)],
  ['binary', copyShape('binary', 3), tainted(3, 1), BINARY_IN, BINARY_OUT],
];

describe.each(STREAMS)('%s', (_, shape, taint, input, output) => {
  test('whole', () => {
    const result = run(shape, taint, input);
    expect(decode(result.bytes)).toBe(decode(output));
    expect(result.counts).toEqual({ US_SSN: 1, EMAIL_ADDRESS: 1 });
    expect(result.masked).toEqual(shape.columns === 4 ? [2, 3] : [1, 2]);
  });
  test('cut at every offset', () => {
    for (let cut = 1; cut < input.length; cut += 1)
      expect(decode(run(shape, taint, input, [cut]).bytes)).toBe(decode(output));
  });
  test('byte by byte', () => {
    expect(run(shape, taint, input, Array.from(input.keys()).slice(1)).bytes).toEqual(output);
  });
  test('ends inside a row: nothing of it goes out', () => {
    expect(() => run(shape, taint, input.slice(0, 20))).toThrow(
      expect.objectContaining({ code: 'MASK_ROW_MALFORMED' }),
    );
  });
});

test.each<[string, string, string]>([
  [
    'a value that may be a number, a date or an array becomes NULL',
    '12\t2020-01-01\t{a,b}\tf\n',
    '\\N\t\\N\t\\N\t\\N\n',
  ],
  ['text becomes the marker', 'x\tAlice B\ta@b\t-\n', '[US_SSN]\t[US_SSN]\t[US_SSN]\t[US_SSN]\n'],
])('of unknown type: %s', (_, input, expected) => {
  const columns = Array.from({ length: 4 }, () => [tag]);
  const steady = columns.map(() => true);
  expect(run(copyShape('text', 4), { columns, steady, all: [tag] }, encode(input)).text).toBe(expected);
});

test.each([
  ['text', '12\tAlice B\t\\N\n', '\\N\t\\N\t\\N\n'],
  ['csv', '12,Alice B,\n', ',,\n'],
] as const)('what an expression may have steered looks the same whatever it is: %s', (format, input, expected) => {
  const shape = copyShape(format, 3);
  expect(run(shape, { columns: [[tag], [tag], [tag]], all: [tag] }, encode(input)).text).toBe(expected);
  expect(run(shape, { columns: null, all: [tag] }, encode(input)).text).toBe(expected);
});

test('a column beyond those that the classifier saw is masked by everything read', () => {
  expect(run(copyShape('text', 1), { columns: [[]], all: [tag] }, encode('a\tAlice\n')).text).toBe('a\t\\N\n');
});

test('a delimiter that is part of a marker is escaped or quoted', () => {
  expect(run(copyShape('text', 1, { delimiter: '_' }), tainted(1, 0), encode('Alice\n')).text).toBe('[US\\_SSN]\n');
  expect(run(copyShape('csv', 1, { delimiter: '_' }), tainted(1, 0), encode('Alice\n')).text).toBe('"[US_SSN]"\n');
});

test('csv with an escape of its own and a quoted null', () => {
  const shape = copyShape('csv', 2, { quote: "'", escape: '\\', null: 'NIL' });
  expect(run(shape, tainted(2, 1), encode("'a\\'b\nc','Al\\'ice'\nNIL,'NIL'\nx,NIL\n")).text).toBe(
    "'a\\'b\nc',[US_SSN]\nNIL,[US_SSN]\nx,NIL\n",
  );
});

test('JSON in a COPY stays JSON', () => {
  const { text } = run(copyShape('csv', 2), CLEAN, encode('1,"{""card"": 4111111111111111}"\n'));
  expect(text).toBe('1,"{""card"": ""************1111""}"\n');
});

test('jsonb in binary keeps its version and stays JSON', () => {
  const jsonb = concat([Uint8Array.of(1), encode('{"n": 4111111111111111}')]);
  const out = run(copyShape('binary', 1), CLEAN, concat([HEADER, binaryRow(jsonb), int16(-1)])).bytes;
  expect(decode(out)).toContain('{"n": "************1111"}');
});

test('payloads of whole clean rows go on as they are, one for one', () => {
  const masker = masking().forCopyOut(copyShape('text', 2), CLEAN, catalogOf())!;
  const row = encode('1\tclean\n');
  expect(masker.data(row)[0]).toBe(row);
});

test('a row above the limit is refused', () => {
  const masker = masking().forCopyOut(copyShape('text', 1), CLEAN, catalogOf())!;
  const chunk = new Uint8Array(MAX_COPY_ROW / 4).fill(0x61);
  for (let i = 0; i < 4; i += 1) expect(masker.data(chunk)).toEqual([]);
  expect(() => masker.data(chunk)).toThrow(expect.objectContaining({ code: 'MASK_ROW_TOO_LARGE' }));
});

test.each([
  ['no signature', encode('PGCOPX\n\u00ff\r\n\0aaaaaaaaaaaaaaaaaaa')],
  ['a negative length', concat([HEADER, int16(1), int32(-2)])],
  ['too many fields', concat([HEADER, int16(5000)])],
  ['bytes after the trailer', concat([HEADER, int16(-1), int16(1)])],
])('binary with %s is refused', (_, stream) => {
  expect(() => run(copyShape('binary', 1), tainted(1, 0), stream)).toThrow(
    expect.objectContaining({ code: 'MASK_ROW_MALFORMED' }),
  );
});

test('masking off, or nothing to look for: no masker', () => {
  expect(masking({ masking: 'off' }).forCopyOut(copyShape('text', 1), tainted(1, 0), catalogOf())).toBeNull();
  expect(masking({ detectors: { enabled: false } }).forCopyOut(copyShape('text', 1), CLEAN, catalogOf())).toBeNull();
});

test('any rows in text format keep their fields, however they are cut', () => {
  const value = fc.option(fc.string({ unit: fc.constantFrom('a', '@', '.', 'b', '\t', '\n', '\\', '1', 'é', ',') }), {
    freq: 4,
  });
  const escaped = (v: string | null) =>
    v === null ? '\\N' : v.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(value, value, value), { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(60)),
      (rows, cuts) => {
        const stream = encode(rows.map((row) => `${row.map(escaped).join('\t')}\n`).join(''));
        const at = [...new Set(cuts)].filter((cut) => cut < stream.length).sort((a, b) => a - b);
        const quiet = masking({ detectors: { enabled: false } }).forCopyOut(
          copyShape('text', 3),
          tainted(3, 1),
          catalogOf(),
        )!;
        const out: Uint8Array[] = [];
        let from = 0;
        for (const cut of [...at, stream.length]) {
          out.push(...quiet.data(stream.slice(from, cut)));
          from = cut;
        }
        const lines = decode(concat(out)).split('\n').slice(0, -1);
        expect(lines.map((line) => line.split('\t')[0])).toEqual(rows.map((row) => escaped(row[0])));
        expect(lines.map((line) => line.split('\t')[2])).toEqual(rows.map((row) => escaped(row[2])));
        lines.forEach((line, i) => {
          expect(['\\N', '[US_SSN]']).toContain(line.split('\t')[1]);
          if (rows[i]![1] === null) expect(line.split('\t')[1]).toBe('\\N');
        });
      },
    ),
  );
});
