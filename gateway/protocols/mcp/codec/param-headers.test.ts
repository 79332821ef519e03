import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type JsonObject, parseExact } from './json.ts';
import { mirroredHeaders, paramHeadersOf, paramMismatch } from './param-headers.ts';

const schema = (properties: object, more: object = {}): JsonObject =>
  ({ type: 'object', properties, ...more }) as JsonObject;
const asked = (type: string, name: unknown = 'X') => ({ type, 'x-mcp-header': name });

describe('what a schema asks for', () => {
  it('is found at any depth of properties', () => {
    const deep = schema({ a: asked('string', 'A'), b: schema({ c: asked('integer', 'C-d') }), e: { type: 'string' } });
    expect(paramHeadersOf(deep)).toEqual([
      { header: 'mcp-param-a', path: ['a'] },
      { header: 'mcp-param-c-d', path: ['b', 'c'] },
    ]);
  });

  it.each([
    ['no schema', undefined],
    ['on an array’s items', schema({ a: { type: 'array', items: asked('string') } })],
    ['in a choice', schema({}, { oneOf: [schema({ a: asked('string') })] })],
    ['on an object', schema({ a: { ...schema({}), 'x-mcp-header': 'X' } } as object)],
    ['on a number', schema({ a: asked('number') })],
    ['with a line end', schema({ a: asked('string', 'X\r\nHost: evil') })],
    ['with no name', schema({ a: asked('string', '') })],
    ['with a name that is no text', schema({ a: asked('string', 1) })],
    ['twice', schema({ a: asked('string', 'X'), b: asked('string', 'x') })],
    ['on the whole', schema({}, { 'x-mcp-header': 'X' })],
  ])('is nothing: %s', (_, given) => {
    expect(paramHeadersOf(given as JsonObject | undefined)).toEqual([]);
  });
});

describe('headers', () => {
  const wanted = paramHeadersOf(
    schema({ s: asked('string', 'S'), n: asked('integer', 'N'), b: asked('boolean', 'B') }),
  );

  it.each([
    [
      { s: 'plain', n: 42, b: false },
      { 'mcp-param-s': 'plain', 'mcp-param-n': '42', 'mcp-param-b': 'false' },
    ],
    [{ s: '' }, { 'mcp-param-s': '=?base64??=' }],
    [{ s: ' a' }, { 'mcp-param-s': '=?base64?IGE=?=' }],
    [{ s: '=?base64?QQ==?=' }, { 'mcp-param-s': '=?base64?PT9iYXNlNjQ/UVE9PT89?=' }],
    [{ s: null, n: 'x', b: {} }, { 'mcp-param-n': 'x' }],
    [{ n: 2 ** 60 }, {}],
    [parseExact('{"n":42.0}'), { 'mcp-param-n': '42' }],
  ])('mirror %j', (args, headers) => {
    expect(mirroredHeaders(wanted, args as never)).toEqual(headers);
  });

  it('are what their own check accepts, whatever the values', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.record({ s: value, n: value, b: value }), (args) => {
        const headers = mirroredHeaders(wanted, args as never);
        expect(paramMismatch(wanted, args as never, headers)).toBeNull();
        expect(Object.values(headers).every((one) => /^[\x20-\x7e]*$/.test(one))).toBe(true);
      }),
    );
  });
});
