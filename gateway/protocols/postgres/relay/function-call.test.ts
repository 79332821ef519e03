import { expect, it } from 'vitest';
import { functionCallText } from './function-call.ts';

const int32 = (value: number) => Buffer.from(new Int32Array([value]).buffer).swap32();
const int16 = (value: number) => Buffer.from(new Int16Array([value]).buffer).swap16();

function body(format: number, ...values: (Buffer | null)[]): Buffer {
  const args = values.flatMap((value) => (value === null ? [int32(-1)] : [int32(value.length), value]));
  return Buffer.concat([int32(952), int16(1), int16(format), int16(values.length), ...args, int16(1)]);
}

it('keeps the mode of lo_open, by which it reads or writes', () => {
  const of = (format: number, mode: Buffer | null) =>
    functionCallText('pg_catalog.lo_open', body(format, int32(4711), mode));
  expect(of(1, int32(0x40000))).toBe('SELECT pg_catalog.lo_open($1, 262144)');
  expect(of(1, int32(0x60000))).toBe('SELECT pg_catalog.lo_open($1, 393216)');
  expect(of(0, Buffer.from('131072'))).toBe('SELECT pg_catalog.lo_open($1, 131072)');
  for (const odd of [Buffer.from('0x40000'), Buffer.from(' 262144'), Buffer.from('')]) {
    expect(of(0, odd)).toBe('SELECT pg_catalog.lo_open($1, $2)');
  }
  expect(of(1, Buffer.alloc(8))).toBe('SELECT pg_catalog.lo_open($1, $2)');
  expect(of(1, null)).toBe('SELECT pg_catalog.lo_open($1, $2)');
});

it('has parameters in the place of everything else', () => {
  const values = [int32(1), int32(0x40000)];
  expect(functionCallText('public.lo_open', body(1, ...values))).toBe('SELECT public.lo_open($1, $2)');
  expect(functionCallText('pg_catalog.loread', body(1, ...values))).toBe('SELECT pg_catalog.loread($1, $2)');
  expect(functionCallText('pg_catalog.now', body(1))).toBe('SELECT pg_catalog.now()');
});
