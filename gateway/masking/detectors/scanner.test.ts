import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Entity } from '../../contract/connection.ts';
import { type Hints, hintsOfName, NO_HINTS } from './findings.ts';
import { createScanner } from './scanner.ts';

const all = createScanner(Entity.options, 0.5);
const encode = (text: string) => new TextEncoder().encode(text);

function found(text: string, hints: Hints = NO_HINTS, scanner = all): [string, string][] {
  const bytes = encode(text);
  return (scanner.scan(bytes, 0, bytes.length, hints) ?? []).map(({ entity, start, end }) => [
    entity,
    new TextDecoder().decode(bytes.subarray(start, end)),
  ]);
}

describe('finds', () => {
  test.each<[string, string, string]>([
    ['CREDIT_CARD', 'paid with 4111111111111111 today', '4111111111111111'],
    ['CREDIT_CARD', '4111 1111 1111 1111', '4111 1111 1111 1111'],
    ['CREDIT_CARD', '(5500-0000-0000-0004)', '5500-0000-0000-0004'],
    ['CREDIT_CARD', 'amex 3782 822463 10005.', '3782 822463 10005'],
    ['CREDIT_CARD', 'card 30569309025904', '30569309025904'],
    ['CREDIT_CARD', '2221000000000009', '2221000000000009'],
    ['CREDIT_CARD', 'card: 4222222222222', '4222222222222'],
    ['CREDIT_CARD', '"4111111111111111"', '4111111111111111'],
    ['EMAIL_ADDRESS', 'to <alice.o+x@mail.example.co.uk>,', 'alice.o+x@mail.example.co.uk'],
    ['EMAIL_ADDRESS', 'jürgen@müller.de', 'jürgen@müller.de'],
    ['EMAIL_ADDRESS', 'a@b.io.', 'a@b.io'],
    ['EMAIL_ADDRESS', 'mailto:x_y@example.org?subject=1', 'x_y@example.org'],
    ['IBAN_CODE', 'pay DE89370400440532013000 now', 'DE89370400440532013000'],
    ['IBAN_CODE', 'GB82 WEST 1234 5698 7654 32', 'GB82 WEST 1234 5698 7654 32'],
    ['IBAN_CODE', 'MT84MALT011000012345MTLCAST001S', 'MT84MALT011000012345MTLCAST001S'],
    ['PHONE_NUMBER', 'call (555) 234-5678', '(555) 234-5678'],
    ['PHONE_NUMBER', 'or 555-234-5678', '555-234-5678'],
    ['PHONE_NUMBER', '+49 30 1234567', '+49 30 1234567'],
    ['PHONE_NUMBER', 'phone 5552345678', '5552345678'],
    ['US_SSN', '123-45-6789', '123-45-6789'],
    ['US_SSN', 'SSN 123456789', '123456789'],
    ['US_SSN', '{"ssn": "123456789"}', '123456789'],
    ['IP_ADDRESS', 'from 192.168.1.10:5432', '192.168.1.10'],
    ['IP_ADDRESS', 'host 2001:db8::8a2e:370:7334', '2001:db8::8a2e:370:7334'],
    ['AWS_ACCESS_KEY', 'key=AKIAIOSFODNN7EXAMPLE;', 'AKIAIOSFODNN7EXAMPLE'],
    [
      'AWS_ACCESS_KEY',
      'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    ],
    ['JWT', 'Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln x', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln'],
    [
      'PRIVATE_KEY',
      'a -----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn+/=\n-----END OPENSSH PRIVATE KEY----- b',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn+/=\n-----END OPENSSH PRIVATE KEY-----',
    ],
    ['PRIVATE_KEY', '{"k":"-----BEGIN PRIVATE KEY-----\\nMIIE"}', '-----BEGIN PRIVATE KEY-----\\nMIIE'],
    ['SECRET_TOKEN', `token ghp_${'a1'.repeat(18)}`, `ghp_${'a1'.repeat(18)}`],
    ['SECRET_TOKEN', `xoxb-${'1'.repeat(12)}-${'a'.repeat(12)}`, `xoxb-${'1'.repeat(12)}-${'a'.repeat(12)}`],
    ['SECRET_TOKEN', `sk_live_${'x'.repeat(24)}`, `sk_live_${'x'.repeat(24)}`],
    ['SECRET_TOKEN', `AIza${'S'.repeat(35)}`, `AIza${'S'.repeat(35)}`],
    ['SECRET_TOKEN', `ya29.${'S'.repeat(35)}`, `ya29.${'S'.repeat(35)}`],
    [
      'CONNECTION_STRING',
      'url postgres://bob:s3cret@db.example:5432/x?a=b end',
      'postgres://bob:s3cret@db.example:5432/x?a=b',
    ],
    ['CONNECTION_STRING', 'https://u:p@h.example/', 'https://u:p@h.example/'],
  ])('%s in %s', (entity, text, value) => {
    expect(found(text)).toEqual([[entity, value]]);
  });

  test('several in one text, in order', () => {
    expect(found('a@b.io 123-45-6789 c@d.io').map(([entity]) => entity)).toEqual([
      'EMAIL_ADDRESS',
      'US_SSN',
      'EMAIL_ADDRESS',
    ]);
  });

  test('a column name is context for bare numbers', () => {
    expect(found('123456789', hintsOfName('customer_ssn'))).toEqual([['US_SSN', '123456789']]);
    expect(found('5552345678', hintsOfName('mobile'))).toEqual([['PHONE_NUMBER', '5552345678']]);
  });

  test('only what is enabled, only at or above the threshold', () => {
    expect(found('a@b.io 123-45-6789', NO_HINTS, createScanner(['US_SSN'], 0.5))).toEqual([['US_SSN', '123-45-6789']]);
    expect(found('123-45-6789', NO_HINTS, createScanner(['US_SSN'], 0.9))).toEqual([]);
  });
});

describe('leaves alone', () => {
  test.each([
    '123456789',
    '000-45-6789',
    '666-45-6789',
    '900-45-6789',
    '123-00-6789',
    '123-45-0000',
    '078-05-1120',
    '4111111111111112',
    '1234567890123456',
    '0.4111111111111111',
    'x4111111111111111',
    '4111-1111-1111-1111-99',
    '550e8400-e29b-41d4-a716-446655440000',
    '2026-11-21 02:49:42.123456+00',
    '2026-11-21T02:49:42Z',
    '20261121024942',
    '1763693382123',
    'v1.2.3.4',
    'version 10.0.0.1',
    'Chrome/120.0.0.0',
    'PO-2026-001-12345',
    'ORD-123-45-6789-X',
    'icon@2x.png',
    'git@github.com:org/repo.git',
    'react@18.2.0',
    '@handle and user@localhost',
    'std::string a::b',
    '12:34:56',
    'postgres://localhost:5432/x and http://a.example/b@c.',
    'GB82WEST12345698765433',
    'AKIAIOSFODNN7EXAMPL',
    'eyJhbGciOiJIUzI1NiJ9',
    '-----BEGIN CERTIFICATE-----',
    'ghp_short',
    '$1,234,567,890.12',
    '3.14159265358979',
    'ISBN 978-3-16-148410-0',
  ])('%s', (text) => {
    expect(found(text)).toEqual([]);
  });

  test('random identifiers of nine digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999 }), (n) => {
        expect(found(`id ${String(n).padStart(9, '0')} of order`)).toEqual([]);
      }),
    );
  });

  test('UUIDs, times and numbers', () => {
    const quiet = createScanner(['CREDIT_CARD', 'EMAIL_ADDRESS', 'IBAN_CODE', 'US_SSN', 'JWT', 'AWS_ACCESS_KEY'], 0.5);
    const value = fc.oneof(
      fc.uuid(),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.double({ noNaN: true }).map(String),
      fc.tuple(fc.nat(99), fc.nat(99), fc.nat(999)).map((parts) => parts.join('.')),
    );
    fc.assert(
      fc.property(value, (text) => {
        expect(found(text, NO_HINTS, quiet)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });
});

describe('work is linear', () => {
  /** Reads of single bytes that a scan makes. */
  function reads(text: string): number {
    const bytes = encode(text);
    let count = 0;
    const counted = new Proxy(bytes, {
      get(target, property) {
        count += 1;
        return Reflect.get(target, property, target);
      },
    });
    all.scan(counted, 0, bytes.length);
    return count;
  }

  const ATTACKS: ReadonlyArray<[string, string]> = [
    ['local parts without an end', 'a'],
    ['signs', '@'],
    ['addresses', 'a@'],
    ['domains without an end', `${'a'.repeat(60)}@${'b.'.repeat(120)}`],
    ['digits', '1'],
    ['digits and dashes', '1-'],
    ['shapes', '123-45-'],
    ['card shapes', '4111 1111 '],
    ['schemes', '://'],
    ['schemes with users', 'a://b:'],
    ['JWT heads', 'eyJ'],
    ['JWT parts', 'eyJaaaaaaaa.'],
    ['key heads', '-----BEGIN PRIVATE KEY-----'],
    ['key heads cut', '-----BEGIN '],
    ['dashes', '-'],
    ['colons', ':'],
    ['hex and colons', 'a:'],
    ['AWS heads', 'AKIA'],
    ['secret names', '_access_key'],
    ['prefixes', 'sk_live_'],
    ['IBAN heads', 'DE89 '],
    ['context words', 'ssn 123456789 '],
  ];
  test.each(ATTACKS)('%s', (_, unit) => {
    const small = reads(unit.repeat(Math.ceil(2_000 / unit.length)));
    const large = reads(unit.repeat(Math.ceil(16_000 / unit.length)));
    expect(large).toBeLessThan(small * 8 * 1.3 + 2_000);
    expect(large / 16_000).toBeLessThan(2_100);
  });

  test('any mixture of them', () => {
    const mixture = fc.array(fc.constantFrom(...ATTACKS.map(([, unit]) => unit)), { minLength: 50, maxLength: 300 });
    fc.assert(
      fc.property(mixture, (units) => {
        const text = units.join('');
        expect(reads(text) / text.length).toBeLessThan(2_100);
      }),
      { numRuns: 30 },
    );
  });
});

test('findings lie inside the range, in order, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(50), (bytes, cut) => {
      const start = Math.min(cut, bytes.length);
      let last = start;
      for (const finding of all.scan(bytes, start, bytes.length) ?? []) {
        expect(finding.start).toBeGreaterThanOrEqual(last);
        expect(finding.end).toBeGreaterThan(finding.start);
        last = finding.end;
      }
      expect(last).toBeLessThanOrEqual(bytes.length);
    }),
  );
});
