import { expect, test } from 'vitest';
import { parseTagLines } from './tag-lines.ts';

test('a line is a column, what it holds and how it is shown', () => {
  expect(
    parseTagLines(
      'customers.email EMAIL_ADDRESS\nhr.Staff.ssn, us_ssn; partial\n\n  orders.note\npeople.mail email hash',
    ).tags,
  ).toEqual([
    { schema: 'public', table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS', action: 'redact' },
    { schema: 'hr', table: 'Staff', column: 'ssn', entity: 'US_SSN', action: 'partial' },
    { schema: 'public', table: 'orders', column: 'note', entity: 'CUSTOM', action: 'redact' },
    { schema: 'public', table: 'people', column: 'mail', entity: 'EMAIL_ADDRESS', action: 'hash' },
  ]);
});

test('what is no column is said by its line, and nothing is guessed', () => {
  expect(parseTagLines('email\na.b.c.d email\ncustomers.email emial\ncustomers. email\n.x')).toEqual({
    tags: [],
    wrong: [1, 2, 3, 4, 5],
  });
});
