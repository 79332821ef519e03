import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Entity, type MaskAction } from '../contract/connection.ts';
import { createMaskActions } from './actions.ts';
import { ibanChecksum, luhnValid } from './detectors/validators.ts';

const key = new Uint8Array(32).fill(3);
const actions = createMaskActions(key);
const encode = (text: string) => new TextEncoder().encode(text);
const apply = (action: MaskAction, entity: Entity, text: string, by = actions) =>
  new TextDecoder().decode(by.apply(action, entity, encode(text)));

test.each<[MaskAction, Entity, string, string]>([
  ['redact', 'EMAIL_ADDRESS', 'alice@example.com', '[EMAIL_ADDRESS]'],
  ['partial', 'EMAIL_ADDRESS', 'alice@mail.example.com', 'a***@***.com'],
  ['partial', 'EMAIL_ADDRESS', 'nonsense', '[EMAIL_ADDRESS]'],
  ['partial', 'CREDIT_CARD', '4111 1111 1111 1234', '**** **** **** 1234'],
  ['partial', 'US_SSN', '123-45-6789', '***-**-6789'],
  ['partial', 'US_SSN', '6789', '****'],
  ['partial', 'IBAN_CODE', 'GB82 WEST 1234 5698 7654 32', '**** **** **** **** **54 32'],
  ['partial', 'PERSON', 'Alice Müller', '****ller'],
  ['partial', 'PERSON', 'Bob', '****'],
  ['partial', 'JWT', 'eyJa.eyJb.c', '[JWT]'],
  ['stand-in', 'PRIVATE_KEY', '-----BEGIN', '[PRIVATE_KEY]'],
])('%s of %s %s', (action, entity, value, expected) => {
  expect(apply(action, entity, value)).toBe(expected);
});

test('hash is HMAC-SHA-256 under the key: equal for equal values, other under another key or entity', () => {
  const expected = createHmac('sha256', key)
    .update('hash US_SSN')
    .update('\0')
    .update('123-45-6789')
    .digest('hex')
    .slice(0, 16);
  expect(apply('hash', 'US_SSN', '123-45-6789')).toBe(expected);
  const other = createMaskActions(new Uint8Array(32).fill(4));
  expect(apply('hash', 'US_SSN', '123-45-6789', other)).not.toBe(expected);
  expect(apply('hash', 'PERSON', '123-45-6789')).not.toBe(expected);
});

describe('stand-in', () => {
  const digits = (length: number) =>
    fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: length, maxLength: length });

  test('a card passes Luhn and keeps its separators', () => {
    fc.assert(
      fc.property(digits(15), (tail) => {
        const value = `4${tail}`.replace(/(....)(?=.)/g, '$1 ');
        const out = encode(apply('stand-in', 'CREDIT_CARD', value));
        expect(luhnValid(out, 0, out.length)).toBe(true);
        expect(new TextDecoder().decode(out)).toMatch(/^4\d{3} \d{4} \d{4} \d{4}$/);
      }),
    );
  });

  test('a social security number lies in an area that is never issued', () => {
    expect(apply('stand-in', 'US_SSN', '123-45-6789')).toMatch(/^9\d\d-[0-4]\d-\d{4}$/);
  });

  test('an IBAN keeps its country and its checksum', () => {
    fc.assert(
      fc.property(digits(18), (tail) => {
        const out = apply('stand-in', 'IBAN_CODE', `DE89${tail}`);
        expect(out).toMatch(/^DE\d{20}$/);
        expect(ibanChecksum(out)).toBe(1);
      }),
    );
  });

  test('an e-mail address cannot be reached', () => {
    expect(apply('stand-in', 'EMAIL_ADDRESS', 'alice@example.com')).toMatch(/^user-[0-9a-f]{10}@example\.invalid$/);
  });

  test('letters and digits keep their kind and place, and the same value gets the same stand-in', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'abcXYZ019 -_.,"') }), (value) => {
        const out = apply('stand-in', 'PERSON', value);
        const shape = (text: string) => text.replace(/[a-z]/g, 'a').replace(/[A-Z]/g, 'A').replace(/\d/g, '0');
        expect(shape(out)).toBe(shape(value));
        expect(apply('stand-in', 'PERSON', value)).toBe(out);
      }),
    );
  });

  test('characters above ASCII become one x each', () => {
    expect(apply('stand-in', 'PERSON', 'Zoë €').replace(/[a-z]/g, 'a')).toBe(
      'Aaa a'.replace('A', apply('stand-in', 'PERSON', 'Zoë €')[0]!),
    );
  });
});

test('no action lets a long part of the value through, partial apart from four characters', () => {
  const value = fc.string({ unit: fc.constantFrom(...'abcdefghij0123456789'), minLength: 12, maxLength: 40 });
  fc.assert(
    fc.property(
      value,
      fc.constantFrom<MaskAction>('redact', 'partial', 'hash'),
      fc.constantFrom(...Entity.options),
      (text, action, entity) => {
        const out = apply(action, entity, text);
        for (let i = 0; i + 6 <= text.length; i += 1) expect(out.includes(text.slice(i, i + 6))).toBe(false);
      },
    ),
  );
});
