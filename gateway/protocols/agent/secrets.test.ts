import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { valueWithoutSecrets, withoutSecrets } from './secrets.ts';

test.each([
  ['postgres://app:hunter2@db.example/shop', '[CONNECTION_STRING]'],
  [`token ghp_${'a'.repeat(36)}.`, 'token [SECRET_TOKEN].'],
  ['export PGPASSWORD=s3cretvalue; psql', 'export PGPASSWORD=[NAMED_SECRET]; psql'],
  ['API_TOKEN="abc123def456"', 'API_TOKEN="[NAMED_SECRET]"'],
  ['AKIAIOSFODNN7EXAMPLE', '[AWS_ACCESS_KEY]'],
])('takes out %s', (text, cleaned) => {
  expect(withoutSecrets(text).text).toBe(cleaned);
});

test.each([
  'postgres://app:$PGPASSWORD@db.example/shop',
  'postgres://localhost/shop',
  'export PGPASSWORD=$(cat file)',
  'MAX_TOKEN=1000000000',
  'PASSWORD=changeme',
  'jane@example.com paid with 4111111111111111',
])('leaves %s', (text) => {
  expect(withoutSecrets(text)).toEqual({ text, kinds: [], values: [] });
});

test('values in JSON by what they are, and by their names', () => {
  const kinds = new Set<string>();
  const value = { url: 'redis://:pw123456@h/0', nested: [{ api_key: 'abcdefgh', password: '$PW', other: 1 }] };
  expect(valueWithoutSecrets(value, kinds)).toEqual({
    url: '[CONNECTION_STRING]',
    nested: [{ api_key: '[NAMED_SECRET]', password: '$PW', other: 1 }],
  });
  expect([...kinds].sort()).toEqual(['CONNECTION_STRING', 'NAMED_SECRET']);
});

describe('any text', () => {
  test.each([['A_'], ['PASSWORD='], ['A'], ['x TOKEN="'], ['://a:b'], ['\u0000']])(
    'of a MiB of %j is read',
    (piece) => {
      const text = piece.repeat(1_000_000 / piece.length);
      expect(withoutSecrets(text).text.length).toBeGreaterThan(0);
    },
  );

  test('without secrets stays as it is', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (text) => {
        const { kinds, text: cleaned } = withoutSecrets(text.toWellFormed());
        if (kinds.length === 0) expect(cleaned).toBe(text.toWellFormed());
      }),
    );
  });
});
