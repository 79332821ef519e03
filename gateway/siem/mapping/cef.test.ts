import fc from 'fast-check';
import { expect, test } from 'vitest';
import { toCef } from './cef.ts';
import { events, statement } from './test-events.ts';

const options = { version: '0.1.0' };

/** Reads a line back as the CEF implementation standard describes it. */
function parse(line: string): { header: string[]; fields: Record<string, string> } {
  const header: string[] = [];
  let at = 0;
  while (header.length < 7) {
    let field = '';
    for (; line[at] !== '|'; at++) {
      if (line[at] === '\\') at++;
      field += line[at];
    }
    header.push(field);
    at++;
  }
  const fields: Record<string, string> = {};
  const rest = line.slice(at);
  // A key is a word in front of an equals sign that no backslash is in front of.
  const keys = [...rest.matchAll(/(?:^| )([A-Za-z0-9]+)=/g)].filter((match) => {
    const before = rest.slice(0, match.index + match[0].length - 1);
    return !/(^|[^\\])(\\\\)*\\$/.test(before);
  });
  for (const [i, match] of keys.entries()) {
    const raw = rest.slice(match.index + match[0].length, keys[i + 1]?.index ?? rest.length);
    fields[match[1]!] = raw.replaceAll(/\\([\\=n])/g, (_all, char) => (char === 'n' ? '\n' : char));
  }
  return { header, fields };
}

test('a statement is one line with who, what, where, how it was decided and the evidence', () => {
  const { header, fields } = parse(toCef(statement(), options));
  expect(header).toEqual([
    'CEF:0',
    'Countersign',
    'Countersign',
    '0.1.0',
    'statement-asked-approved',
    'UPDATE asked-approved',
    '3',
  ]);
  expect(fields).toMatchObject({
    suser: 'Ada Lovelace',
    sproc: 'cursor',
    dhost: 'db.internal',
    dpt: '5432',
    duser: 'shop_app',
    cat: 'write',
    act: 'asked-approved',
    cn1: '12',
    cn1Label: 'seq',
    cs4: 'bGVhZg==',
    cs5: 'public.orders',
    cs6: 'policies writes-ask; approval A1; grant G1; by grace',
    flexString1: 'EMAIL_ADDRESS 2',
  });
  expect(fields).not.toHaveProperty('msg');
});

test.each(events.map((event) => [event.type, event] as const))(
  '%s is one line whose custom fields have labels',
  (_type, event) => {
    const line = toCef(event, options);
    expect(line).not.toMatch(/[\p{Cc}]/u);
    const { header, fields } = parse(line);
    expect(Number(header[6])).toBeGreaterThanOrEqual(0);
    expect(Number(header[6])).toBeLessThanOrEqual(10);
    for (const key of Object.keys(fields))
      if (/^(c[sn]|flexString)\d$/.test(key)) expect(fields).toHaveProperty(`${key}Label`);
  },
);

test('no text of an event ends its field, its line or its header', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.constantFrom('a|b', 'x=y act=allowed', 'back\\slash\\', 'two\nlines\r\nthree', '\\=', '\u202egnp.exe', 'end\\'),
  );
  fc.assert(
    fc.property(nasty, nasty, (text, op) => {
      const line = toCef(statement({ text, op, objects: [text] }), options);
      expect(line).not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
      const { header, fields } = parse(line);
      expect(header[4]).toBe('statement-asked-approved');
      expect(fields.act).toBe('asked-approved');
      expect(fields.rt).toBe('1772600767123');
      // What holds nothing hidden comes back as it was.
      if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text)) {
        expect(fields.msg).toBe(text);
        expect(fields.cs5).toBe(text);
      }
    }),
  );
});

test('a long text is cut to what CEF allows', () => {
  expect(parse(toCef(statement({ text: '='.repeat(9000) }), options)).fields.msg).toHaveLength(1023);
});
