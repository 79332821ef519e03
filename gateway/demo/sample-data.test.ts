import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Connection } from '../contract/connection.ts';
import { demoConnection } from './connection.ts';
import { SAMPLE_COUNTS, sampleData, withLuhnDigit } from './sample-data.ts';

const text = [...sampleData()].join(';\n');

function luhn(number: string): boolean {
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

describe('sample data', () => {
  it('is the same every time', () => {
    const digest = (sql: string) => createHash('sha256').update(sql).digest('hex');
    expect(digest([...sampleData()].join(';\n'))).toBe(digest(text));
  });

  it('has valid card numbers and nobody else’s addresses', () => {
    const cards = text.match(/'(\d{16})'/g)?.map((quoted) => quoted.slice(1, -1)) ?? [];
    expect(cards).toHaveLength(SAMPLE_COUNTS.customers);
    expect(cards.filter((card) => !luhn(card))).toEqual([]);
    const addresses = text.match(/[\w.]+@[\w.]+\w/g) ?? [];
    expect(addresses.length).toBeGreaterThanOrEqual(SAMPLE_COUNTS.customers + SAMPLE_COUNTS.staff);
    expect(addresses.filter((address) => !address.endsWith('@example.com'))).toEqual([]);
  });

  it('has social security numbers that are never issued', () => {
    const numbers = text.match(/'\d{3}-\d{2}-\d{4}'/g) ?? [];
    expect(numbers).toHaveLength(SAMPLE_COUNTS.customers);
    expect(numbers.filter((number) => !/^'9\d\d-[0-4]/.test(number))).toEqual([]);
  });

  it('computes the check digit of known numbers', () => {
    expect(withLuhnDigit('7992739871')).toBe('79927398713');
    expect(withLuhnDigit('424242424242424')).toBe('4242424242424242');
  });
});

it('gives a connection that the contract accepts', () => {
  const connection = Connection.parse(
    demoConnection({ host: '127.0.0.1', port: 5999, appUser: 'shop_app', database: 'shop' }),
  );
  expect(connection.columns.map((tag) => `${tag.schema}.${tag.table}.${tag.column}`)).toEqual([
    'public.customers.email',
    'public.customers.phone',
    'public.customers.card_number',
    'public.customers.ssn',
    'public.staff.email',
    'public.staff.salary',
  ]);
});
