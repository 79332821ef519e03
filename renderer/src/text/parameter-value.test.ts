import { expect, test } from 'vitest';
import { decodeParameter } from './parameter-value.ts';

const base64 = (...bytes: number[]) => btoa(String.fromCharCode(...bytes));
const binary = (type: number, ...bytes: number[]) =>
  decodeParameter({ type, format: 'binary', value: base64(...bytes) });

test('text parameters are shown as sent, bytes that are not UTF-8 as hex', () => {
  expect(decodeParameter({ type: 25, format: 'text', value: btoa('alice') })).toEqual({
    value: 'alice',
    type: 'text',
    form: 'text',
  });
  expect(decodeParameter({ type: 0, format: 'text', value: base64(0xff, 0x41) })).toEqual({
    value: '\\xff41',
    type: '',
    form: 'raw',
  });
});

test('NULL is not the word null', () => {
  expect(decodeParameter({ type: 25, format: 'text', value: null }).value).toBeNull();
});

test('binary numbers, dates, uuid and jsonb are decoded', () => {
  expect(binary(23, 0xff, 0xff, 0xff, 0xfe).value).toBe('-2');
  expect(binary(20, 0, 0, 0, 0, 0, 0, 1, 0).value).toBe('256');
  expect(binary(16, 1).value).toBe('true');
  expect(binary(1082, 0, 0, 0, 1).value).toBe('2000-01-02');
  expect(binary(1114, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x40).value).toBe('2000-01-01T00:00:01.000');
  expect(binary(2950, ...Array.from({ length: 16 }, (_, i) => i)).value).toBe('00010203-0405-0607-0809-0a0b0c0d0e0f');
  expect(binary(3802, 1, 0x7b, 0x7d).value).toBe('{}');
});

test('what is not known, or has the wrong length, is hex', () => {
  expect(binary(23, 1, 2)).toEqual({ value: '\\x0102', type: 'integer', form: 'raw' });
  expect(binary(99_999, 1)).toEqual({ value: '\\x01', type: 'type 99999', form: 'raw' });
  expect(binary(0, 1, 2)).toEqual({ value: '\\x0102', type: '', form: 'raw' });
  expect(binary(1114, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff).form).toBe('raw');
});
