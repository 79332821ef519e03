import { expect, test } from 'vitest';
import { CountersignError } from '../../../contract/errors.ts';
import { readErrorFields, summarizeError } from '../codec/backend.ts';
import { UpstreamRefusal } from '../handshake/upstream-error.ts';
import { cancelKeyLength, writeOpeningFailure } from './answers.ts';
import { isLoopback } from './loopback.ts';

const told = (error: unknown) => {
  const bytes = writeOpeningFailure(error);
  return summarizeError(readErrorFields(bytes, 5, bytes.length));
};
const refusal = (sqlstate: string) =>
  new UpstreamRefusal([
    { type: 'C', value: sqlstate },
    { type: 'M', value: 'the words of the server' },
  ]);

test('a client is told why there is no session, and not that its own token were wrong', () => {
  expect(told(refusal('3D000'))).toMatchObject({ severity: 'FATAL', sqlstate: '3D000' });
  expect(told(refusal('28P01'))).toMatchObject({
    sqlstate: '08004',
    message: expect.stringContaining('words of the server'),
  });
  expect(told(new CountersignError('X', 'the reason'))).toMatchObject({
    sqlstate: '08001',
    message: expect.stringContaining('the reason'),
  });
  expect(told(new Error('internal detail'))).toMatchObject({
    sqlstate: '08001',
    message: 'the database could not be reached',
  });
});

test('cancellation keys are as long as the protocol lets them', () => {
  expect([0, 1, 2].map(cancelKeyLength)).toEqual([4, 4, 32]);
});

test('what is this machine', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) expect(isLoopback(address)).toBe(true);
  for (const address of ['', '10.0.0.1', '::ffff:10.0.0.1', 'fe80::1', '127.0.0.1.example.org', '1127.0.0.1']) {
    expect(isLoopback(address)).toBe(false);
  }
});
