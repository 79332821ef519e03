import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isCountersignError } from '../../contract/errors.ts';
import { writeQuery } from '../../protocols/postgres/codec/write-frontend.ts';
import { unpackBundle, verifyBundle } from '../../recording/bundle.ts';
import { numbered } from '../../recording/files.ts';
import * as recordings from '../../recording/reader.ts';
import { scanUnits } from '../../recording/scan.ts';
import { temporaryFolder } from '../../recording/test-support.ts';
import { verifySession } from '../../recording/verify.ts';
import { walkSession } from '../../store/walk.ts';
import type { RedactionRequest } from './choose.ts';
import { columnReader } from './columns.ts';
import { needlesOf } from './needles.ts';
import { redactSession, takeOut } from './redact.ts';
import { record } from './test-session.ts';
import { unitsOf } from './units.ts';

const dir = temporaryFolder('redact');
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

const NAME = "Zoë O'Brien-Quux";
const MAIL = 'zoe.quux@example.com';
const NUMBER = '841234567';
const int4 = (value: number) => {
  const out = Buffer.alloc(4);
  out.writeInt32BE(value);
  return out;
};
const copyData = (text: Buffer) => Buffer.concat([Buffer.from('d'), int4(text.length + 4), text]);

let folder = '';
beforeAll(async () => {
  folder = await record(join(dir, 'source'), (script) => {
    script.query({
      text: 'SELECT id, name, mail FROM people',
      columns: ['id', 'name', 'mail'],
      rows: [
        ['1', NAME, MAIL],
        ['2', 'Bob', null],
      ],
    });
    script.extended('SELECT n FROM numbers WHERE n = $1', [int4(Number(NUMBER))], { name: 'n', typeOid: 23 }, [
      int4(Number(NUMBER)),
    ]);
    const insert = `INSERT INTO people VALUES (3, '${NAME.replaceAll("'", "''")}')`;
    script.query({
      text: insert,
      tag: 'INSERT 0 1',
      facts: { own: true, class: 'write', digest: 'd1'.repeat(32), objects: ['public.people'] },
    });
    // A client cuts COPY where it likes, here within the name.
    const line = Buffer.from(`4\t${NAME}\n`);
    const half = copyData(line.subarray(0, 8));
    script.raw(
      [writeQuery('COPY t FROM STDIN'), half, copyData(line.subarray(8)), Buffer.from('c\0\0\0\x04', 'latin1')],
      [Buffer.from('C\0\0\0\x0bCOPY 1\0Z\0\0\0\x05I', 'latin1')],
      { op: 'COPY', class: 'write', text: 'COPY t FROM STDIN' },
    );
    // A result of several units, with the name across the end of one.
    const before = 'x'.repeat(32_768 - 40 - 8);
    script.query({
      text: 'SELECT big FROM blobs',
      columns: ['big'],
      rows: [[`${before}${NAME}${'y'.repeat(50_000)}`]],
    });
    script.query({
      text: 'UPDATE people SET mail = NULL',
      error: `duplicate key (${NAME})`,
      facts: { own: true, class: 'write' },
    });
    script.query({ text: 'SELECT 1', columns: ['one'], rows: [['1']] });
    script.session.event('note', { large: `${'z'.repeat(17_000)}${NAME}` });
  });
});

const nothing: RedactionRequest = {
  values: [],
  columns: [],
  entities: [],
  statements: [],
  results: [],
  parameters: [],
};
let count = 0;
async function redacted(request: Partial<RedactionRequest>, source = folder, leaveSigned = false) {
  count += 1;
  const out = join(dir, `out-${count}.tar`);
  const report = await redactSession(source, out, { ...nothing, ...request }, { leaveSigned });
  return { out, report, unpacked: await unpackBundle(out, join(dir, `unpacked-${count}`)) };
}

/** Everything of a bundle, decompressed: files as they are, lines, and content of units in order, by direction. */
function everything(of: string): Buffer {
  const parts: Buffer[] = fs
    .readdirSync(of, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => fs.readFileSync(join(entry.parentPath, entry.name)));
  for (const { path } of numbered(of, 'segment')) parts.push(spawnSync('zstd', ['-dcq', path]).stdout);
  for (const { path } of numbered(of, 'units')) {
    const bytes = fs.readFileSync(path);
    for (let at = bytes.indexOf('CSU1'); at !== -1; at = bytes.indexOf('CSU1', at + 1)) {
      const length = bytes.readUInt32LE(at + 4);
      parts.push(zstdDecompressSync(bytes.subarray(at + 36, at + 36 + length)));
    }
  }
  const streams = new Map<string, Buffer[]>();
  for (const { role, exchange, bytes } of unitsOf(of)) {
    const key = `${role} ${exchange}`;
    if (bytes !== null) streams.set(key, [...(streams.get(key) ?? []), Buffer.from(bytes)]);
  }
  for (const stream of streams.values()) parts.push(Buffer.concat(stream));
  return Buffer.concat(parts);
}

const isIn = (value: string, of: string): boolean => {
  const all = everything(of);
  return needlesOf(value).some((needle) => all.includes(needle));
};

test('what an approval was for goes with the statement, and with its parameters', async () => {
  const text = 'UPDATE people SET secret = $1 WHERE answer = 42';
  const value = Buffer.from('hunter2-hunter2');
  const source = await record(join(dir, 'asked'), (script) => {
    script.session.event('asked', { exchange: 0, approvalId: 'a1', digest: 'd'.repeat(64), level: 'pin' });
    const parameters = [{ type: 25, format: 'text', value: value.toString('base64') }];
    const of = { role: 'app', searchPath: 'public', transaction: 'idle', text, parameters };
    script.session.event('operation', { approvalId: 'a1', ...of }, 'unit');
    script.session.event('decided', { approvalId: 'a1', digest: 'd'.repeat(64), effect: 'allow' });
    script.extended(text, [value], { name: 'n', typeOid: 25 }, []);
  });
  const holds = (of: string, what: string) => everything(of).includes(what);
  expect(holds(source, value.toString('base64'))).toBe(true);
  const whole = await redacted({ statements: [0] }, source);
  expect(holds(whole.unpacked, 'answer = 42')).toBe(false);
  expect(holds(whole.unpacked, value.toString('base64'))).toBe(false);
  expect((await verifyBundle(whole.out)).ok).toBe(true);
  const parameters = await redacted({ parameters: [0] }, source);
  expect(holds(parameters.unpacked, value.toString('base64'))).toBe(false);
  const byValue = await redacted({ values: [value.toString()] }, source);
  expect(holds(byValue.unpacked, value.toString('base64'))).toBe(false);
});

describe('by value', () => {
  test('a name is gone from results, texts, errors, COPY, long results and details, in every form, and all verifies', async () => {
    expect(isIn(NAME, folder)).toBe(true);
    const { out, report, unpacked } = await redacted({ values: [NAME] });
    expect(isIn(NAME, unpacked)).toBe(false);
    for (const part of ["O''Brien-Quux", 'Brien-Quux']) expect(everything(unpacked).includes(part)).toBe(false);
    expect((await verifyBundle(out)).ok).toBe(true);
    const script = spawnSync('bash', [join(import.meta.dirname, '../../recording/verify.sh'), unpacked], {
      encoding: 'utf8',
    });
    expect(script.stdout).not.toContain('FAILED');
    expect(script.status).toBe(0);
    expect(report.units).toMatchObject({ up: 3, down: 4, text: 1, detail: 1 });
    expect(report.statements.map(({ index }) => index)).toEqual([0, 2, 3, 4, 5]);
    expect(report.digests).toBe(1);
    expect(JSON.stringify(report)).not.toContain('Quux');
  });

  test('what was not chosen is there as before', async () => {
    const { unpacked } = await redacted({ values: [NAME] });
    const texts: string[] = [];
    for await (const { told } of walkSession(recordings, unpacked, { unfinished: true }))
      for (const one of told) if (one.type === 'statement') texts.push(`${one.statement.text} ${one.statement.rows}`);
    expect(texts[1]).toBe('SELECT n FROM numbers WHERE n = $1 1');
    expect(texts[6]).toBe('SELECT 1 1');
  });

  test('a number is gone from binary parameters and results', async () => {
    const { report, unpacked } = await redacted({ values: [NUMBER] });
    expect(isIn(NUMBER, unpacked)).toBe(false);
    expect(everything(unpacked).includes(int4(Number(NUMBER)))).toBe(false);
    expect(report.statements).toEqual([{ index: 1, op: 'SELECT' }]);
  });

  test('a bundle that was redacted is redacted further', async () => {
    const first = await redacted({ values: [NAME] });
    const second = await redacted({ values: [NUMBER] }, first.unpacked);
    expect(second.report.before).toBe(9);
    expect(isIn(NAME, second.unpacked) || isIn(NUMBER, second.unpacked)).toBe(false);
    expect((await verifySession(second.unpacked)).ok).toBe(true);
  });

  test.each([
    ['a value that is not there', ['nobody at all'], 'REDACT_NOTHING'],
    ['a value that stands everywhere', ['1'], 'REDACT_VALUE_SHORT'],
    ['a value in a signed line', ['public.people'], 'REDACT_SIGNED'],
    ['nothing', [], 'USAGE'],
  ])('%s is refused, and no file is made', async (_what, values, code) => {
    const out = join(dir, 'refused.tar');
    const error = await redactSession(folder, out, { ...nothing, values }).catch((thrown: unknown) => thrown);
    expect(isCountersignError(error, code)).toBe(true);
    expect(fs.existsSync(out)).toBe(false);
    if (code === 'REDACT_SIGNED') expect((error as Error).message).toMatch(/event \d+ \(own\.objects\[0\]\)/);
  });

  test('what may stay in signed parts is listed', async () => {
    const source = await record(join(dir, 'signed'), (script) => {
      script.session.event('note', { customer: NAME, '841234567': 1 });
      script.query({ text: `SELECT '${MAIL}'`, columns: ['x'], rows: [[NAME]] });
    });
    const error = await redacted({ values: [NAME] }, source).catch((thrown: unknown) => thrown);
    expect((error as Error).message).toContain('event 1 (detail.customer)');
    expect((error as Error).message).not.toContain('Quux');
    const { report, unpacked } = await redacted({ values: [NAME] }, source, true);
    expect(report.signed).toEqual(['event 1 (detail.customer)']);
    expect((await verifySession(unpacked)).ok).toBe(true);
    const names = await redacted({ values: ['841234567'] }, source, true).catch((thrown: unknown) => thrown);
    expect(isCountersignError(names, 'REDACT_NOTHING')).toBe(true);
  });
});

describe('by place, column and entity', () => {
  test('a result goes, its request stays', async () => {
    const { report, unpacked } = await redacted({ results: [0] });
    expect(report.units).toMatchObject({ up: 0, down: 1, text: 0 });
    expect(everything(unpacked).includes('SELECT id, name, mail')).toBe(true);
    expect(isIn(MAIL, unpacked)).toBe(false);
  });

  test('a statement goes with its text and result', async () => {
    const { unpacked } = await redacted({ statements: [2] });
    expect(everything(unpacked).includes('INSERT INTO people')).toBe(false);
    expect((await verifySession(unpacked)).ok).toBe(true);
  });

  test('parameters go, also when they were bound in an exchange before', async () => {
    const source = await record(join(dir, 'bound'), (script) => {
      const { raw } = { raw: script.raw.bind(script) };
      const frames = (...parts: Buffer[]) => Buffer.concat(parts);
      const message = (type: string, body: Buffer) => frames(Buffer.from(type), int4(body.length + 4), body);
      const parse = message('P', Buffer.from('s\0SELECT $1::text\0\0\0', 'latin1'));
      const bind = message(
        'B',
        frames(Buffer.from('p\0s\0\0\0\0\x01', 'latin1'), int4(MAIL.length), Buffer.from(`${MAIL}\0\0`, 'latin1')),
      );
      const sync = message('S', Buffer.alloc(0));
      const ready = Buffer.from('Z\0\0\0\x05T', 'latin1');
      raw([frames(parse, sync)], [Buffer.from('1\0\0\0\x04', 'latin1'), ready]);
      raw([frames(bind, sync)], [Buffer.from('2\0\0\0\x04', 'latin1'), ready]);
      raw(
        [frames(message('E', Buffer.from('p\0\0\0\0\0', 'latin1')), sync)],
        [Buffer.from('C\0\0\0\x0dSELECT 0\0', 'latin1'), ready],
        { op: 'SELECT' },
      );
    });
    expect(isIn(MAIL, source)).toBe(true);
    const { unpacked } = await redacted({ parameters: [0] }, source);
    expect(isIn(MAIL, unpacked)).toBe(false);
    expect(everything(unpacked).includes('SELECT $1::text')).toBe(true);
    const whole = await redacted({ statements: [0] }, source);
    expect(everything(whole.unpacked).includes('SELECT $1::text')).toBe(false);
  });

  test('a statement that is not there is refused', async () => {
    await expect(redacted({ statements: [7] })).rejects.toThrow('the session has 7 statements');
  });

  test.each([
    ['a name in the result', { table: null, column: 'mail' }, [0, 5]],
    ['a column of a table', { table: 'people', column: 'mail' }, [0, 2, 5]],
    ['a column that nothing names', { table: 'blobs', column: 'big' }, [4]],
  ])('%s: every statement that reads or writes it', async (_what, column, statements) => {
    const { report, unpacked } = await redacted({ columns: [column] });
    expect(report.statements.map(({ index }) => index)).toEqual(statements);
    expect((await verifySession(unpacked)).ok).toBe(true);
  });

  test.each([
    ['SELECT * FROM people', 'result'],
    ['SELECT count(*) FROM people', 'no'],
    ['SELECT id FROM people WHERE mail = $1', 'all'],
    ["INSERT INTO people VALUES (1, 'x')", 'all'],
    ['DROP TABLE people', 'result'],
    ['COPY people TO STDOUT', 'result'],
    ['COPY people FROM STDIN', 'all'],
    ['SELECT mail FROM others', 'no'],
    ['FETCH 3 FROM c', 'all'],
    ['EXECUTE x', 'all'],
    ['SELECT f()', 'all'],
    ['gibberish', 'all'],
  ])('%s: %s of people.mail goes', async (text, touch) => {
    const reader = await columnReader([{ table: 'people', column: 'mail' }]);
    expect(reader.touch(text).touch).toBe(touch);
    await reader.close();
  });

  test('an entity is gone wherever it was found, and counted', async () => {
    const { report, unpacked } = await redacted({ entities: ['EMAIL_ADDRESS'] });
    expect(report.found).toEqual({ EMAIL_ADDRESS: 1 });
    expect(isIn(MAIL, unpacked)).toBe(false);
  });
});

test('a session that does not verify is refused', async () => {
  const copy = join(dir, 'broken', basename(folder));
  fs.cpSync(folder, copy, { recursive: true });
  fs.appendFileSync(join(copy, 'units-000000.bin'), 'x');
  await expect(redacted({ values: [NAME] }, copy)).rejects.toThrow('does not verify');
});

describe('the redacted form', () => {
  let small = '';
  const roles: string[] = [];
  beforeAll(async () => {
    small = await record(join(dir, 'small'), (script) => {
      for (let i = 0; i < 3; i += 1)
        script.query({
          text: `SELECT ${i} AS secret`,
          columns: ['secret'],
          rows: [[String(i)]],
          facts: { own: i === 2 },
        });
    });
    for (const { role } of unitsOf(small)) roles.push(role);
  });

  test('any subset of units that are no maps can be taken out, and all of it verifies', async () => {
    const candidates = roles.flatMap((role, unit) => (role === 'map' ? [] : [unit]));
    expect(candidates.length).toBeGreaterThan(6);
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.subarray(candidates), async (units) => {
        runs += 1;
        const copy = join(dir, `subset-${runs}`, basename(small));
        fs.cpSync(small, copy, { recursive: true });
        takeOut(copy, new Set(units));
        const { ok, checks } = await verifySession(copy);
        expect(ok).toBe(true);
        if (units.length > 0)
          expect(checks.find(({ name }) => name === 'units')?.sentence).toContain(
            `${units.length} of them were redacted`,
          );
        fs.rmSync(join(dir, `subset-${runs}`), { recursive: true });
      }),
      { numRuns: 25 },
    );
  });

  test('a change of any byte of a file with redacted units is detected', async () => {
    const copy = join(dir, 'flipped', basename(small));
    fs.cpSync(small, copy, { recursive: true });
    takeOut(copy, new Set([0, 1, 4]));
    const [{ path } = { path: '' }] = numbered(copy, 'units');
    const good = fs.readFileSync(path);
    const missed: number[] = [];
    for (let at = 0; at < good.length; at += 1) {
      const bad = Buffer.from(good);
      bad[at]! ^= 1 << (at % 8);
      fs.writeFileSync(path, bad);
      if ((await verifySession(copy)).ok) missed.push(at);
    }
    fs.writeFileSync(path, good);
    expect((await verifySession(copy)).ok).toBe(true);
    expect(missed).toEqual([]);
  });
});

test('the salts of what is gone are gone, and no key gives them', () => {
  const copy = join(dir, 'salts', basename(folder));
  fs.cpSync(folder, copy, { recursive: true });
  const saltsOf = (of: string) => {
    const out = new Map<number, Buffer>();
    for (const { path } of numbered(of, 'units')) {
      for (const found of scanUnits(fs.readFileSync(path)))
        for (const [i, unit] of (found.units ?? []).entries())
          out.set(found.header!.firstUnit + i, Buffer.from(unit.salt));
    }
    return out;
  };
  const before = saltsOf(folder);
  takeOut(copy, new Set([0, 1]));
  const all = everything(copy);
  for (const [unit, salt] of saltsOf(copy)) {
    expect(salt.equals(unit < 2 ? Buffer.alloc(16) : before.get(unit)!)).toBe(true);
    if (unit < 2) expect(all.includes(before.get(unit)!)).toBe(false);
  }
});

test('a value is found in whatever SQL, COPY, CSV and JSON make of it', () => {
  const copied = (text: string) =>
    text
      .replaceAll('\\', '\\\\')
      .replaceAll('\t', '\\t')
      .replaceAll('\n', '\\n')
      .replaceAll('\r', '\\r')
      .replaceAll('\b', '\\b')
      .replaceAll('\f', '\\f')
      .replaceAll('\v', '\\v');
  const json = (text: string) => JSON.stringify({ a: [text] });
  const writers: ((text: string) => Buffer)[] = [
    (text) => Buffer.from(`SELECT '${text.replaceAll("'", "''")}'`),
    (text) => Buffer.from(`SELECT E'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`),
    (text) => Buffer.from(`SELECT '${json(text).replaceAll("'", "''")}'::jsonb`),
    (text) => Buffer.from(`1\t${copied(text)}\n`),
    (text) => Buffer.from(`1\t${copied(json(text))}\n`),
    (text) => Buffer.from(`1,"${text.replaceAll('"', '""')}"\n`),
    (text) => Buffer.from(json(json(text).slice(1, -1))),
    (text) => Buffer.from(`x${text}y`).subarray(0),
    (text) => Buffer.from(Buffer.from(`abc${text}de`).toString('base64')),
    (text) => Buffer.from(`\\x${Buffer.from(`a${text}b`).toString('hex')}`),
    (text) => Buffer.from(text, 'utf16le'),
  ];
  const nasty = fc.string({
    unit: fc.constantFrom('a', 'B', '7', "'", '"', '\\', '/', '\t', '\n', 'ü', '€', '日', ' '),
    minLength: 7,
    maxLength: 20,
  });
  fc.assert(
    fc.property(nasty, fc.nat(writers.length - 1), (value, which) => {
      const bytes = writers[which]!(value);
      const needles = needlesOf(value);
      expect(
        needles.some((needle) => bytes.includes(needle)),
        bytes.toString(),
      ).toBe(true);
    }),
    { numRuns: 600 },
  );
});

test('no form of a value is missed where it crosses units', () => {
  // needles.ts is held to what PostgreSQL and clients write.
  const forms = needlesOf(`a'b"c\\d\tü€`).map(String);
  for (const form of [
    `a''b"c\\d\tü€`,
    `a'b"c\\\\d\\tü€`,
    `a'b\\"c\\\\d\\tü€`,
    `a'b\\"c\\\\d\\t\\u00fc\\u20ac`,
    `a'b""c\\d\tü€`,
  ])
    expect(forms).toContain(form);
  expect(needlesOf('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11').map((one) => one.toString('hex'))).toContain(
    'a0eebc999c0b4ef8bb6d6bb9bd380a11',
  );
});
