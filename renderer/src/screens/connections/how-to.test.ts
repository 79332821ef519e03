import { expect, test } from 'vitest';
import { textOf, urlOf } from './how-to.ts';

const token = {
  token: 'cs_1',
  agentSessionId: 'a',
  expiresAt: '2026-01-01T00:00:00Z',
  host: '127.0.0.1',
  port: 7432,
  env: { PGHOST: '127.0.0.1', PGPORT: '7432', PGUSER: 'shop', PGPASSWORD: 'cs_1', PGDATABASE: "it's a/b" },
  command: 'PGPASSWORD=cs_1 psql',
};

test('a database’s name breaks out of neither the URL nor the shell', () => {
  expect(urlOf(token)).toBe("postgresql://shop:cs_1@127.0.0.1:7432/it's%20a%2Fb");
  expect(new URL(urlOf(token)).pathname).toBe("/it's%20a%2Fb");
  expect(textOf('environment', token)).toContain(`export PGDATABASE='it'\\''s a/b'`);
  expect(textOf('environment', token)).toContain('export PGPORT=7432\n');
  expect(textOf('command', token)).toBe(token.command);
});

test('an IPv6 address is in brackets', () => {
  expect(new URL(urlOf({ ...token, host: '::1' })).host).toBe('[::1]:7432');
});
