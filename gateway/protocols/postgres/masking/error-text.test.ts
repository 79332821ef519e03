import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CLEAN, masking, tagOf } from './test-support.ts';

const tag = tagOf('US_SSN');
const tainted = { columns: null, all: [tag] };
const shown = (text: string, sent = 'SELECT 1') => masking().text(text, tainted, sent).text;

describe('a statement that reads tagged columns', () => {
  test.each([
    ['invalid input syntax for type integer: "123-45-6789"', 'invalid input syntax for type integer: "[masked]"'],
    ['invalid input syntax for type integer: ""al" ice"', 'invalid input syntax for type integer: "[masked]"'],
    ['value "99999999999" is out of range for type integer', 'value "[masked]" is out of range for type integer'],
    ['Key (ssn)=(123-45-6789) already exists.', 'Key (ssn)=([masked]) already exists.'],
    ['Key (lower(name))=(alice) already exists.', 'Key (lower(name))=([masked]) already exists.'],
    [
      'Key (a, b)=(x) already exists., y) is not present in table "t".',
      'Key (a, b)=([masked]) is not present in table "t".',
    ],
    ['Failing row contains (1, alice, 123-45-6789).', 'Failing row contains ([masked]).'],
    ['COPY t, line 3, column ssn: "123-45-6789"', 'COPY t, line 3, column ssn: [masked]'],
    ['JSON data, line 1: alice', 'JSON data, line 1: [masked]'],
    ['Token "alice" is invalid.', 'Token "[masked]" is invalid.'],
    ['relation "alice" does not exist', 'relation "[masked]" does not exist'],
    ['type "smith" does not exist', 'type "[masked]" does not exist'],
    ['requested character too large for encoding: 123456789', 'requested character too large for encoding: [masked]'],
    ['date field value out of range: 1234-56-78', 'date field value out of range: [masked]'],
    ['invalid XML content\nline 1: alice\nalice\n^', 'invalid XML content\n[masked]\n[masked]\n[masked]'],
    ['ungültige Eingabesyntax für Typ integer: »alice«', 'ungültige Eingabesyntax für Typ integer: »[masked]«'],
    ["unterminated 'alice", "unterminated '[masked]"],
  ])('%s', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test.each([
    'division by zero',
    'null value in column "name" of relation "t" violates not-null constraint',
    'duplicate key value violates unique constraint "t_ssn_key"',
    'new row for relation "t" violates check constraint "t_check"',
    'insert or update on table "o" violates foreign key constraint "o_fk"',
    'permission denied for table customers',
    'canceling statement due to user request',
    'PL/pgSQL function f(integer) line 123 at RAISE',
  ])('stays readable: %s', (text) => {
    expect(shown(text)).toBe(text);
  });

  test("names that are in the client's own text stay", () => {
    expect(shown('column "nme" does not exist', 'SELECT nme FROM customers')).toBe('column "nme" does not exist');
    expect(shown('relation "app.ord" does not exist', 'SELECT * FROM app.ord, c')).toBe(
      'relation "app.ord" does not exist',
    );
    expect(shown('syntax error at or near "FORM"', 'SELECT * FORM c')).toBe('syntax error at or near "FORM"');
  });

  test('names in comments prove nothing, nor do lists of guesses', () => {
    expect(shown('relation "alice" does not exist', 'SELECT n::regclass /* alice */ FROM c -- alice')).toContain(
      '[masked]',
    );
    expect(shown('column "alice" does not exist', "SELECT 'x alice' FROM c")).toContain('[masked]');
    const guesses = Array.from({ length: 300 }, (_, i) => `g${i}`).join(',');
    expect(shown('relation "g7" does not exist', `SELECT n::regclass AS ${guesses}`)).toContain('[masked]');
    const literals = Array.from({ length: 10 }, (_, i) => `'${i}x'`).join(',');
    expect(shown('invalid input syntax for type integer: "1x"', literals)).toContain('[masked]');
  });

  test("a literal of the client's own stays", () => {
    const text = 'invalid input syntax for type integer: "abc"';
    expect(shown(text, "SELECT * FROM c WHERE id = 'abc'")).toBe(text);
  });

  test('no value of four or more letters comes through, however it is quoted', () => {
    const value = fc.string({
      unit: fc.constantFrom('q', 'x', 'z', '"', "'", ' ', ')', '(', '\n', '7'),
      minLength: 4,
      maxLength: 24,
    });
    const frame = fc.constantFrom(
      (v: string) => `invalid input syntax for type integer: "${v}"`,
      (v: string) => `Key (ssn)=(${v}) already exists.`,
      (v: string) => `Failing row contains (1, ${v}).`,
      (v: string) => `relation "${v}" does not exist`,
      (v: string) => `invalid value "${v}" for "YYYY"`,
    );
    fc.assert(
      fc.property(value, frame, (text, make) => {
        const out = shown(make(text));
        for (const run of text.match(/[qxz7]{4,}/g) ?? []) expect(out).not.toContain(run);
      }),
      { numRuns: 500 },
    );
  });
});

test('other statements: only what detectors find', () => {
  expect(masking().text('bad "a@b.io" and "alice"', CLEAN, '')).toEqual({
    text: 'bad "[EMAIL_ADDRESS]" and "alice"',
    counts: { EMAIL_ADDRESS: 1 },
  });
});

test('counts what was masked by its tag; nothing when masking is off', () => {
  expect(masking().text('x: "y"', tainted, '').counts).toEqual({ US_SSN: 1 });
  expect(masking({ masking: 'off' }).text('x: "a@b.io"', tainted, '')).toEqual({ text: 'x: "a@b.io"', counts: {} });
});

test('long texts are cut, and hostile ones end', () => {
  expect(masking().text('a'.repeat(200_000), CLEAN, '').text.length).toBeLessThan(70_000);
  for (const unit of ['"', "'", '/*', '1-', 'Key (', ')=(', 'line 1', '\n'])
    shown(unit.repeat(20_000), unit.repeat(20_000));
});
