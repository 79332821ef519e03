import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeHeaderValue, encodeHeaderValue, headerMismatch, isStatelessVersion, VERSION_KEY } from './headers.ts';
import { ambiguity, canonicalJson, type JsonObject, mapStrings, parseExact } from './json.ts';
import { LineSplitter } from './line-splitter.ts';
import { ErrorCode, parseMessage } from './message.ts';
import { type ServerSentEvent, SseParser } from './sse.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('lines', () => {
  const text = '{"a":"é€😀"}\r\n\n{"b":2}\nrest';
  const whole = ['{"a":"é€😀"}', '{"b":2}'];

  it('come out the same wherever the bytes are split', () => {
    const all = bytes(text);
    for (let at = 0; at <= all.length; at += 1) {
      const splitter = new LineSplitter(64);
      expect([...splitter.push(all.subarray(0, at))!, ...splitter.push(all.subarray(at))!]).toEqual(whole);
    }
    const splitter = new LineSplitter(64);
    expect([...all].flatMap((byte) => splitter.push(Uint8Array.of(byte))!)).toEqual(whole);
  });

  it('have a largest size, with and without an end', () => {
    expect(new LineSplitter(8).push(bytes('12345678\n'))).toEqual(['12345678']);
    expect(new LineSplitter(8).push(bytes('123456789\n'))).toBeNull();
    const splitter = new LineSplitter(8);
    expect(splitter.push(bytes('12345'))).toEqual([]);
    expect(splitter.push(bytes('6789'))).toBeNull();
    expect(splitter.push(bytes('\n'))).toBeNull();
  });
});

describe('messages', () => {
  it('are requests, notifications, responses', () => {
    expect(parseMessage('{"jsonrpc":"2.0","id":1,"method":"ping"}', true)).toMatchObject({ kind: 'request', id: 1 });
    expect(parseMessage('{"jsonrpc":"2.0","method":"x"}', true)).toMatchObject({ kind: 'notification' });
    expect(parseMessage('{"jsonrpc":"2.0","id":"a","result":{}}', true)).toMatchObject({ kind: 'response', id: 'a' });
    expect(parseMessage('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}', true)).toMatchObject({
      error: { code: -1, message: 'no' },
    });
  });

  it.each([
    ['{', ErrorCode.parse],
    ['[]', ErrorCode.invalidRequest],
    ['{"id":1,"method":"x"}', ErrorCode.invalidRequest],
    ['{"jsonrpc":"2.0","id":null,"method":"x"}', ErrorCode.invalidRequest],
    ['{"jsonrpc":"2.0","id":1,"method":"x","params":[1]}', ErrorCode.invalidRequest],
    ['{"jsonrpc":"2.0","id":1,"result":3}', ErrorCode.invalidRequest],
    ['{"jsonrpc":"2.0","id":1,"method":"tools/list","Method":"tools/call"}', ErrorCode.invalidRequest],
    ['{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"x","Name":"y"}}', ErrorCode.invalidRequest],
    [
      '{"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":{"sql":"1","s\\u0071l":"2"}}}',
      ErrorCode.invalidRequest,
    ],
  ])('%s is malformed', (text, code) => {
    expect(parseMessage(text, true)).toMatchObject({ kind: 'malformed', code });
  });

  it('of a server that say a thing twice are written anew, so that the client reads what was looked at', () => {
    const message = parseMessage('{"jsonrpc":"2.0","id":1,"result":{"a":1,"a":2}}', false);
    expect(message).toMatchObject({ kind: 'response', text: '{"jsonrpc":"2.0","id":1,"result":{"a":2}}' });
  });

  it('take one line', () => {
    const text = '{"jsonrpc":"2.0",\r\n "id":1,\n"method":"x","params":{"a":"\\n"}}';
    const message = parseMessage(text, true);
    expect(message).toMatchObject({ kind: 'request', params: { a: '\n' } });
    expect((message as { text: string }).text).not.toMatch(/[\r\n]/);
  });

  it('are refused when nested deeply, whoever sent them', () => {
    const text = `{"jsonrpc":"2.0","id":1,"result":{"a":${'['.repeat(500)}${']'.repeat(500)}}}`;
    expect(parseMessage(text, false)).toMatchObject({ kind: 'malformed' });
  });
});

describe('JSON', () => {
  it('keeps numbers as they were written', () => {
    const text = '{"big":12345678901234567890,"one":1.0,"exp":1e400,"plain":7}';
    expect(JSON.stringify(parseExact(text))).toBe(text);
    expect(canonicalJson(parseExact(text))).toBe('{"big":12345678901234567890,"exp":1e400,"one":1.0,"plain":7}');
  });

  it('has one canonical form, whatever the order of keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        const form = canonicalJson(value as JsonObject);
        expect(canonicalJson(turned as JsonObject)).toBe(form);
        expect(JSON.parse(form)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('finds keys that are there twice, and no others', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = JSON.stringify({ jsonrpc: '2.0', params: { deep: { deeper: value } } });
        expect(ambiguity(text)).toBeNull();
        expect(ambiguity(`{"a":${text},"b":[{"x\\"":1},{"x\\"":2}],"a":1}`)?.kind).toBe('twice');
      }),
    );
  });

  it('lets keys differ in case below the parameters', () => {
    expect(ambiguity('{"params":{"arguments":{"a":1,"A":2}}}')).toBeNull();
  });

  it('replaces strings and leaves the rest', () => {
    const value = parseExact('{"a":["x",{"b":"secret"}],"n":1.0,"__proto__":"secret"}');
    const mapped = mapStrings(value, (text) => text.replace('secret', '*'));
    expect(JSON.stringify(mapped)).toBe('{"a":["x",{"b":"*"}],"n":1.0,"__proto__":"*"}');
    expect(mapStrings(value, (text) => text)).toBe(value);
  });
});

describe('headers of the stateless revision', () => {
  const call = { name: 'echo', _meta: { [VERSION_KEY]: '2026-07-28' } };
  const right = { version: '2026-07-28', method: 'tools/call', name: 'echo' };

  it('mirror the body', () => {
    expect(headerMismatch(right, 'tools/call', call)).toBeNull();
    for (const wrong of [
      { ...right, version: undefined },
      { ...right, version: '2027-01-01' },
      { ...right, method: undefined },
      { ...right, method: 'tools/list' },
      { ...right, name: undefined },
      { ...right, name: 'rm' },
      { ...right, name: '=?base64?%?=' },
    ])
      expect(headerMismatch(wrong, 'tools/call', call)).not.toBeNull();
  });

  it('carry any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const value = encodeHeaderValue(name);
        expect(value).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeHeaderValue(value)).toBe(name);
      }),
    );
  });

  it('are for revisions from 2026-07-28 on', () => {
    expect(['2025-11-25', '2026-07-28', 'DRAFT', '2027-01-01'].map(isStatelessVersion)).toEqual([
      false,
      true,
      false,
      true,
    ]);
  });
});

describe('server-sent events', () => {
  const stream =
    ': hello\r\nid: 1\nretry: 50\ndata:\n\nevent: endpoint\ndata: /x?é\r\ndata: y\r\n\r\ndata:z\r\rdata: open';
  const events: ServerSentEvent[] = [
    { event: 'message', data: '', id: '1', retry: 50 },
    { event: 'endpoint', data: '/x?é\ny', id: null, retry: null },
    { event: 'message', data: 'z', id: null, retry: null },
  ];

  it('come out the same wherever the bytes are split', () => {
    const all = bytes(stream);
    for (let at = 0; at <= all.length; at += 1) {
      const parser = new SseParser(256);
      expect([...parser.push(all.subarray(0, at))!, ...parser.push(all.subarray(at))!], `at ${at}`).toEqual(events);
    }
    const parser = new SseParser(256);
    expect([...all].flatMap((byte) => parser.push(Uint8Array.of(byte))!)).toEqual(events);
  });

  it('have a largest size', () => {
    expect(new SseParser(16).push(bytes(`data: ${'x'.repeat(20)}`))).toBeNull();
    const parser = new SseParser(16);
    expect([...bytes('data: 1234\n'.repeat(9))].some((byte) => parser.push(Uint8Array.of(byte)) === null)).toBe(true);
  });
});
