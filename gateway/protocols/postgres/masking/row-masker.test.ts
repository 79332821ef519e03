import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MaskAction } from '../../../contract/connection.ts';
import { isCountersignError } from '../../../contract/errors.ts';
import { CLEAN, catalogOf, concat, dataRow, decode, encode, field, masking, parseRow, tagOf } from './test-support.ts';

const i32 = (n: number) => Uint8Array.from([n >>> 24, n >>> 16, n >>> 8, n]);
const hexBytes = (text: string) => Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

/** Masks one value of a tagged column. */
function tagged(oid: number, format: 'text' | 'binary', action: MaskAction, value: Uint8Array | string | null) {
  const masker = masking().forResult([field(oid, format)], CLEAN, catalogOf({ 1: tagOf('US_SSN', action) }))!;
  const row = dataRow([value]);
  const out = parseRow(masker.row(row) ?? row)[0];
  return {
    out: out ?? null,
    text: out == null ? null : decode(out),
    counts: masker.counts,
    masked: masker.maskedColumns,
  };
}

const TEXT = 25;
const SSN = '123-45-6789';

describe('tagged values in text format', () => {
  test.each<[string, number, MaskAction, string, string | null]>([
    ['text', TEXT, 'redact', SSN, '[US_SSN]'],
    ['text', TEXT, 'partial', SSN, '***-**-6789'],
    ['varchar', 1043, 'redact', SSN, '[US_SSN]'],
    ['bpchar', 1042, 'redact', SSN, '[US_SSN]'],
    ['name', 19, 'redact', SSN, '[US_SSN]'],
    ['xml', 142, 'partial', '<a>123456789</a>', '[US_SSN]'],
    ['"char"', 18, 'redact', 'x', null],
    ['empty text', TEXT, 'redact', '', '[US_SSN]'],
    ['int4', 23, 'redact', '123456789', null],
    ['int4', 23, 'partial', '123456789', null],
    ['int8', 20, 'redact', '123456789', null],
    ['float8', 701, 'redact', '1.5', null],
    ['numeric', 1700, 'redact', '1.5', null],
    ['numeric NaN', 1700, 'stand-in', 'NaN', null],
    ['bool', 16, 'hash', 't', null],
    ['date', 1082, 'redact', '2020-01-02', null],
    ['date in another style', 1082, 'hash', '01/02/2020', null],
    ['interval', 1186, 'stand-in', '1 day', null],
    ['uuid', 2950, 'redact', '550e8400-e29b-41d4-a716-446655440000', null],
    ['bytea', 17, 'redact', '\\x313233', '\\x5b55535f53534e5d'],
    ['inet', 869, 'redact', '10.0.0.1', null],
    ['int4range', 3904, 'redact', '[1,5)', null],
    ['a type of the database', 20_000, 'redact', 'secret', null],
    ['json string', 114, 'redact', '"x"', '"[US_SSN]"'],
    [
      'json',
      114,
      'redact',
      '{"a":"x", "b":[1,true,null,"\\u0041"]}',
      '{"a":"[US_SSN]", "b":[null,null,null,"[US_SSN]"]}',
    ],
    ['jsonb', 3802, 'partial', '{"a": "123-45-6789"}', '{"a": "***-**-6789"}'],
    ['json that is none', 114, 'redact', '{"a', null],
    ['text[]', 1009, 'redact', '{a,NULL,"b \\"c\\"",""}', '{[US_SSN],NULL,[US_SSN],[US_SSN]}'],
    ['text[][]', 1009, 'redact', '[0:1][1:1]={{a},{"NULL"}}', '[0:1][1:1]={{[US_SSN]},{[US_SSN]}}'],
    ['int4[]', 1007, 'redact', '{1,2,NULL}', '{NULL,NULL,NULL}'],
    ['empty array', 1009, 'redact', '{}', '{}'],
    ['array that is none', 1009, 'redact', '{a,"b', null],
    ['record', 2249, 'redact', '(1,"Alice ""B""",,2020-01-02)', '(,[US_SSN],,)'],
    ['record that is none', 2249, 'redact', '(1,"Alice', null],
  ])('%s (%i) %s: %s', (_, oid, action, value, expected) => {
    expect(tagged(oid, 'text', action, value).text).toBe(expected);
  });

  test.each<[string, number, string, RegExp]>([
    ['int2', 21, '12', /^[1-9]\d$/],
    ['int4', 23, '-123456', /^-[1-9]\d{5}$/],
    ['int8', 20, '123456789012', /^[1-9]\d{11}$/],
    ['numeric', 1700, '12.50', /^[1-9]\d\.\d\d$/],
    ['float8', 701, '12.5', /^[1-9]\d\.\d$/],
    ['date', 1082, '2020-01-02', /^(19|20)\d\d-\d\d-\d\d$/],
    ['timestamp', 1114, '2020-01-02 03:04:05.6', /^(19|20)\d\d-\d\d-\d\d \d\d:\d\d:\d\d$/],
    ['timestamptz', 1184, '2020-01-02 03:04:05.6+02', /^(19|20)\d\d-\d\d-\d\d \d\d:\d\d:\d\d\+00$/],
    [
      'uuid',
      2950,
      '550e8400-e29b-41d4-a716-446655440000',
      /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    ],
    ['inet', 869, '10.1.2.3', /^240\.\d+\.\d+\.\d+$/],
    ['inet v6', 869, '2001:db8::1', /^2001:db8:/],
  ])('hash and stand-in of %s keep the type, and equal values equal', (_, oid, value, pattern) => {
    for (const action of ['hash', 'stand-in'] as const) {
      const { text } = tagged(oid, 'text', action, value);
      expect(text).toMatch(pattern);
      expect(tagged(oid, 'text', action, value).text).toBe(text);
    }
  });
});

describe('tagged values in binary format', () => {
  const arrayOf = (oid: number, elements: (Uint8Array | null)[]) =>
    concat([
      i32(1),
      i32(0),
      i32(oid),
      i32(elements.length),
      i32(1),
      ...elements.flatMap((e) => (e === null ? [i32(-1)] : [i32(e.length), e])),
    ]);

  test.each<[string, number, MaskAction, Uint8Array, Uint8Array | null]>([
    ['text', TEXT, 'redact', encode(SSN), encode('[US_SSN]')],
    ['int4', 23, 'redact', i32(7), null],
    ['int4 of a wrong size', 23, 'hash', encode('abc'), null],
    ['bool', 16, 'redact', Uint8Array.of(1), null],
    ['bytea', 17, 'redact', Uint8Array.of(1, 2), encode('[US_SSN]')],
    ['json', 114, 'redact', encode('["x"]'), encode('["[US_SSN]"]')],
    [
      'jsonb',
      3802,
      'redact',
      concat([Uint8Array.of(1), encode('["x"]')]),
      concat([Uint8Array.of(1), encode('["[US_SSN]"]')]),
    ],
    ['jsonb of another version', 3802, 'redact', concat([Uint8Array.of(2), encode('["x"]')]), null],
    ['text[]', 1009, 'redact', arrayOf(25, [encode('a'), null]), arrayOf(25, [encode('[US_SSN]'), null])],
    ['a type of the database', 20_000, 'hash', encode('x'), null],
    ['array cut short', 1009, 'redact', arrayOf(25, [encode('abc')]).slice(0, -1), null],
  ])('%s (%i) %s', (_, oid, action, value, expected) => {
    expect(tagged(oid, 'binary', action, value).out).toEqual(expected);
  });

  test('an array whose elements become NULL says that it has NULLs', () => {
    const { out } = tagged(1007, 'binary', 'redact', arrayOf(23, [i32(1)]));
    expect(out).toEqual(concat([i32(1), i32(1), i32(23), i32(1), i32(1), i32(-1)]));
  });

  test('a record keeps its field types', () => {
    const record = (a: Uint8Array, b: Uint8Array | null) =>
      concat([i32(2), i32(25), i32(a.length), a, i32(23), ...(b === null ? [i32(-1)] : [i32(b.length), b])]);
    expect(tagged(2249, 'binary', 'redact', record(encode('x'), i32(5))).out).toEqual(record(encode('[US_SSN]'), null));
  });

  test.each<[string, number, Uint8Array, string, (bytes: Uint8Array) => string]>([
    ['int4', 23, i32(123456), '123456', (b) => String(new DataView(b.buffer).getInt32(0))],
    [
      'uuid',
      2950,
      hexBytes('550e8400e29b41d4a716446655440000'),
      '550e8400-e29b-41d4-a716-446655440000',
      (b) => Buffer.from(b).toString('hex'),
    ],
    ['inet', 869, Uint8Array.of(2, 32, 0, 4, 10, 1, 2, 3), '10.1.2.3', (b) => b.subarray(4).join('.')],
    [
      'date',
      1082,
      i32(7306),
      '2020-01-02',
      (b) => new Date(Date.UTC(2000, 0, 1 + new DataView(b.buffer).getInt32(0))).toISOString().slice(0, 10),
    ],
  ])('stand-in of %s is the same as in text', (_, oid, value, text, read) => {
    const inText = tagged(oid, 'text', 'stand-in', text).text!;
    const inBinary = tagged(oid, 'binary', 'stand-in', value).out!;
    expect(read(inBinary.slice())).toBe(inText.replaceAll(oid === 2950 ? '-' : '\u0000', ''));
  });
});

test('NULL stays NULL and counts nothing', () => {
  const { out, counts } = tagged(TEXT, 'text', 'redact', null);
  expect(out).toBeNull();
  expect(counts).toEqual({});
});

test('a marker is cut to what the type takes', () => {
  const short = field(1043, 'text', { typeModifier: 4 + 4 });
  const masker = masking().forResult([short], CLEAN, catalogOf({ 1: tagOf('US_SSN') }))!;
  expect(parseRow(masker.row(dataRow([SSN]))!).map((value) => decode(value!))).toEqual(['[US_']);
});

describe('which columns', () => {
  const ssn = tagOf('US_SSN', 'partial');
  const email = tagOf('EMAIL_ADDRESS', 'hash');
  const masks = (
    fields: Parameters<ReturnType<typeof masking>['forResult']>[0],
    taint: Parameters<ReturnType<typeof masking>['forResult']>[1],
  ) => {
    const masker = masking({ detectors: { enabled: false } }).forResult(fields, taint, catalogOf({ 1: ssn, 2: email }));
    const row = dataRow(fields.map(() => SSN));
    return masker === null ? null : parseRow(masker.row(row) ?? row).map((value) => decode(value!));
  };
  const expression = field(TEXT, 'text', { tableOid: 0, columnNumber: 0 });
  const other = field(TEXT, 'text', { columnNumber: 3 });

  test('the column itself gets its own action', () => {
    expect(masks([field(TEXT), other], CLEAN)).toEqual(['***-**-6789', SSN]);
  });
  test('what an expression may have steered looks the same whatever it is, NULL included', () => {
    const shown = (oid: number, format: 'text' | 'binary', value: Uint8Array | null) => {
      const steered = field(oid, format, { tableOid: 0, columnNumber: 0 });
      const masker = masking().forResult([steered], { columns: [[ssn]], all: [ssn] }, catalogOf())!;
      const row = dataRow([value]);
      return parseRow(masker.row(row) ?? row)[0];
    };
    for (const [oid, one, other] of [
      [TEXT, 'a', '123'],
      [3802, '[1, 2]', '"a"'],
      [114, '{"a": null}', 'null'],
      [17, '\\x00', '\\x'],
      [1009, '{a}', '{a,b}'],
      [2249, '(1,)', '(,)'],
      [23, '1', '2'],
      [16, 't', 'f'],
    ] as const) {
      const same = shown(oid, 'text', null);
      expect(shown(oid, 'text', encode(one))).toEqual(same);
      expect(shown(oid, 'text', encode(other))).toEqual(same);
    }
    expect(shown(3802, 'binary', Uint8Array.of(1, 0x31))).toEqual(shown(3802, 'binary', null));
  });

  test('what is derived is redacted, since an expression can steer what partial and hash show', () => {
    expect(masks([expression, other], { columns: [[ssn], []], all: [ssn] })).toEqual(['[US_SSN]', SSN]);
    expect(masks([expression], { columns: [[email]], all: [email] })).toEqual(['[EMAIL_ADDRESS]']);
  });
  test('an unknown shape: what the server does not name depends on everything read', () => {
    expect(masks([expression, other], { columns: null, all: [email] })).toEqual(['[EMAIL_ADDRESS]', SSN]);
    expect(masks([expression], { columns: [], all: [email] })).toEqual(['[EMAIL_ADDRESS]']);
  });
  test('a whole row of a tagged table', () => {
    expect(masks([field(TEXT, 'text', { columnNumber: 0 })], { columns: null, all: [] })).toEqual(['[US_SSN]']);
  });
  test('a view that depends on tagged tables, of which nothing more is known', () => {
    const view = { oid: 99_999, schema: 'public', name: 'v', kind: 'view' as const, columns: [], definition: null };
    const catalog = { ...catalogOf({ 1: ssn }), relations: [view] };
    const named = field(TEXT, 'text', { tableOid: 99_999, columnNumber: 1 });
    const masker = masking().forResult([named], { columns: null, all: [] }, catalog)!;
    expect(decode(parseRow(masker.row(dataRow(['x']))!)[0]!)).toBe('[US_SSN]');
  });
  test('nothing to do: no masker', () => {
    expect(masks([other], CLEAN)).toBeNull();
    expect(masking().forResult([field(23, 'text', { columnNumber: 3 })], CLEAN, catalogOf())).toBeNull();
    expect(masking({ masking: 'off' }).forResult([field(TEXT)], CLEAN, catalogOf({ 1: ssn }))).toBeNull();
  });
});

describe('content detection', () => {
  const detect = (oid: number, format: 'text' | 'binary', value: Uint8Array | string) => {
    const masker = masking().forResult([field(oid, format, { columnNumber: 3 })], CLEAN, catalogOf())!;
    const out = masker.row(dataRow([value]));
    const cell = out === null ? null : parseRow(out)[0];
    return { text: cell == null ? null : decode(cell), cell, counts: masker.counts };
  };
  test.each<[string, number, string, string | null]>([
    ['text', TEXT, 'mail a@b.io!', 'mail [EMAIL_ADDRESS]!'],
    ['clean text', TEXT, 'nothing here 12345', null],
    ['json string', 114, '{"e":"a@b.io"}', '{"e":"[EMAIL_ADDRESS]"}'],
    ['json key', 114, '{"a@b.io":1}', '{"[EMAIL_ADDRESS]":1}'],
    ['json number', 3802, '{"card": 4111111111111111}', '{"card": "************1111"}'],
    ['json with a hidden sign', 114, '{"e":"a\\u0040b.io"}', '{"e":"[EMAIL_ADDRESS]"}'],
    ['json after an escape', 114, '["\\n123-45-6789"]', '["\\n[US_SSN]"]'],
    ['json context', 114, '{"ssn":"123456789"}', '{"ssn":"[US_SSN]"}'],
    ['text[]', 1009, '{a@b.io,"x, c@d.io"}', '{[EMAIL_ADDRESS],"x, [EMAIL_ADDRESS]"}'],
    ['json[]', 199, '{"{\\"card\\": 4111111111111111}"}', '{"{\\"card\\": \\"************1111\\"}"}'],
    ['record', 2249, '(1,"a@b.io x")', '(1,"[EMAIL_ADDRESS] x")'],
    ['a type of the database', 20_000, '"k"=>"a@b.io"', '"k"=>"[EMAIL_ADDRESS]"'],
  ])('%s', (_, oid, value, expected) => {
    expect(detect(oid, 'text', value).text).toBe(expected);
  });
  test('binary of an unknown type keeps its length', () => {
    const { cell } = detect(20_000, 'binary', concat([i32(6), encode('a@b.io')]));
    expect(cell).toEqual(concat([i32(6), encode('******')]));
  });
  test('a leak after many clean rows is seen', () => {
    const masker = masking().forResult([field(TEXT, 'text', { columnNumber: 3 })], CLEAN, catalogOf())!;
    for (let i = 0; i < 2_000; i += 1) expect(masker.row(dataRow([`row ${i}`]))).toBeNull();
    expect(masker.row(dataRow(['a@b.io']))).not.toBeNull();
    expect(masker.counts).toEqual({ EMAIL_ADDRESS: 1 });
  });
  test('the column name is context', () => {
    const masker = masking().forResult([field(TEXT, 'text', { columnNumber: 3, name: 'ssn' })], CLEAN, catalogOf())!;
    expect(decode(parseRow(masker.row(dataRow(['123456789']))!)[0]!)).toBe('[US_SSN]');
  });
});

test('a column is masked once one of its values was: by its tag, by a detector, in each format', () => {
  const fields = [
    field(23, 'binary', { columnNumber: 2 }),
    field(TEXT, 'text'),
    field(TEXT, 'binary', { columnNumber: 3 }),
    field(3802, 'text', { columnNumber: 4 }),
    field(TEXT, 'text', { columnNumber: 5 }),
    field(1009, 'text', { columnNumber: 6 }),
  ];
  const catalog = catalogOf({ 1: tagOf('US_SSN'), 6: tagOf('US_SSN', 'partial') });
  const masker = masking().forResult(fields, CLEAN, catalog)!;
  const rows = [
    [i32(1), null, 'nothing', '{"a": 1}', 'x', '{}'],
    [i32(2), SSN, 'nothing', '{"a": 1}', 'x', '{}'],
    [i32(3), null, 'a@b.io', '{"a": ["a@b.io"]}', 'x', '{}'],
    [i32(4), null, 'nothing', '{"a": 1}', 'x', '{}'],
  ];
  const masked = rows.map((row) => {
    masker.row(dataRow(row));
    return [...masker.maskedColumns];
  });
  expect(masked).toEqual([[], [1], [1, 2, 3], [1, 2, 3]]);
});

test('a tagged value that cannot be read is masked, though there is nothing to count', () => {
  expect(tagged(1009, 'text', 'redact', '{a,"b')).toMatchObject({ text: null, masked: [0] });
});

test('NULL of a tagged column is the server’s own; where every row shows the same, it is not', () => {
  expect(tagged(TEXT, 'text', 'redact', null).masked).toEqual([]);
  const taint = { columns: [[tagOf('US_SSN')]], all: [tagOf('US_SSN')] };
  const masker = masking().forResult([field(TEXT, 'text', { tableOid: 0 })], taint, catalogOf())!;
  expect(parseRow(masker.row(dataRow([null]))!)[0]).toEqual(encode('[US_SSN]'));
  expect(masker.maskedColumns).toEqual([0]);
});

test('counts go on over rows', () => {
  const masker = masking().forResult([field(TEXT)], CLEAN, catalogOf({ 1: tagOf('US_SSN') }))!;
  masker.row(dataRow(['a']));
  expect(masker.counts).toEqual({ US_SSN: 1 });
  masker.row(dataRow(['b']));
  expect(masker.counts).toEqual({ US_SSN: 2 });
});

test('a row that does not fit its description is not let through', () => {
  const masker = masking().forResult([field(TEXT)], CLEAN, catalogOf({ 1: tagOf('US_SSN') }))!;
  const good = dataRow(['abc']);
  const bad = [
    dataRow(['a', 'b']),
    good.slice(0, -1),
    concat([good, Uint8Array.of(0)]),
    new Uint8Array(0),
    concat([Uint8Array.of(0, 1), i32(-2)]),
  ];
  for (const row of bad) {
    expect(() => masker.row(row)).toThrow(expect.objectContaining({ code: 'MASK_ROW_MALFORMED' }));
  }
});

const OIDS = [25, 1043, 114, 3802, 23, 1700, 1082, 2950, 17, 869, 2249, 1009, 1007, 20_000, 600];

test('a rewritten row has as many columns, and the others are byte for byte the same', () => {
  const cell = fc.option(
    fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.string({ maxLength: 40 }).map(encode),
      fc.json({ maxDepth: 2 }).map(encode),
    ),
  );
  const column = fc.record({
    oid: fc.constantFrom(...OIDS),
    format: fc.constantFrom('text' as const, 'binary' as const),
    tagged: fc.boolean(),
    cell,
  });
  const action = fc.constantFrom<MaskAction>('redact', 'partial', 'hash', 'stand-in');
  fc.assert(
    fc.property(fc.array(column, { minLength: 1, maxLength: 6 }), action, (columns, chosen) => {
      const fields = columns.map((c, i) => field(c.oid, c.format, { columnNumber: i + 1 }));
      const tags = Object.fromEntries(columns.flatMap((c, i) => (c.tagged ? [[i + 1, tagOf('PERSON', chosen)]] : [])));
      const masker = masking({ detectors: { enabled: false } }).forResult(fields, CLEAN, catalogOf(tags));
      if (masker === null) return;
      const row = dataRow(columns.map((c) => c.cell));
      const out = parseRow(masker.row(row) ?? row);
      expect(out.length).toBe(columns.length);
      columns.forEach((c, i) => {
        if (!c.tagged || c.cell === null) expect(out[i]).toEqual(c.cell);
      });
    }),
  );
});

test('a redacted value never shows four bytes of the original', () => {
  const secret = fc.string({ unit: fc.constantFrom(...'qwxyz'), minLength: 4, maxLength: 30 });
  const wrap = fc.constantFrom<[number, (s: string) => string]>(
    [25, (s) => s],
    [114, (s) => JSON.stringify({ a: s, b: [s] })],
    [3802, (s) => JSON.stringify([s])],
    [1009, (s) => `{${s},"${s}"}`],
    [2249, (s) => `(1,${s},"${s}")`],
    [20_000, (s) => s],
    [600, (s) => s],
  );
  fc.assert(
    fc.property(secret, wrap, fc.constantFrom<MaskAction>('redact', 'hash'), (text, [oid, make], action) => {
      const { text: out } = tagged(oid, 'text', action, make(text));
      for (let i = 0; i + 4 <= text.length; i += 1) expect(out ?? '').not.toContain(text.slice(i, i + 4));
    }),
  );
});

test('random bytes as rows end in a row, null or MASK_ROW_MALFORMED', () => {
  const masker = masking().forResult(
    [field(TEXT), field(1009, 'binary'), field(2249)],
    CLEAN,
    catalogOf({ 1: tagOf('US_SSN') }),
  )!;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        const out = masker.row(concat([Uint8Array.of(0, 3), bytes]));
        if (out !== null) parseRow(out);
      } catch (error) {
        if (!isCountersignError(error, 'MASK_ROW_MALFORMED')) throw error;
      }
    }),
  );
});

test('a row in the middle of other bytes is measured and written as it would be alone', () => {
  const make = () =>
    masking().forResult(
      [field(25), field(23), field(25)],
      { columns: null, all: [] },
      catalogOf({ 1: tagOf('US_SSN') }),
    )!;
  fc.assert(
    fc.property(fc.string(), fc.option(fc.string()), fc.nat(40), fc.nat(40), (secret, note, before, after) => {
      const row = dataRow([secret, '1', note]);
      const bytes = concat([new Uint8Array(before).fill(255), row, new Uint8Array(after).fill(255)]);
      const whole = make();
      const parts = make();
      const expected = whole.row(row);
      const length = parts.measure(bytes, before, before + row.length);
      expect(length).toBe(expected?.length ?? -1);
      if (expected === null) return;
      const target = new Uint8Array(length + 10);
      parts.write(target, 5);
      expect(target.subarray(5, 5 + length)).toEqual(expected);
      expect([...target.subarray(0, 5), ...target.subarray(5 + length)]).toEqual(new Array(10).fill(0));
      expect(parts.counts).toEqual(whole.counts);
    }),
  );
});
