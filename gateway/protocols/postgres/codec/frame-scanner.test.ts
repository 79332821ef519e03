import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameScanner } from './frame-scanner.ts';
import { backendLimits, frontendAuthenticationLimits, frontendLimits } from './limits.ts';
import { backend, frontend } from './messages.ts';
import { writeCommandComplete, writeDataRow, writeErrorResponse, writeReadyForQuery } from './write-backend.ts';
import { writeQuery, writeSync } from './write-frontend.ts';

const utf8 = new TextEncoder();

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Feeds the chunks and returns messages as (type, bytes), putting streamed parts together. */
function walk(scanner: FrameScanner, chunks: readonly Uint8Array[]) {
  const messages: { type: number; bytes: number[] }[] = [];
  const all: number[] = [];
  let counted = 0;
  let open: number[] = [];
  for (const chunk of chunks) {
    scanner.feed(chunk);
    while (scanner.next()) {
      const bytes = [...scanner.bytes.subarray(scanner.start, scanner.end)];
      all.push(...bytes);
      counted += scanner.count;
      if (scanner.count > 1) {
        let at = 0;
        while (at < bytes.length) {
          const size = 1 + ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!);
          messages.push({ type: scanner.type, bytes: bytes.slice(at, at + size) });
          at += size;
        }
        continue;
      }
      open = scanner.first ? bytes : [...open, ...bytes];
      if (scanner.last) messages.push({ type: scanner.type, bytes: open });
    }
  }
  return { messages, all, counted };
}

const row = writeDataRow([utf8.encode('a value'), null, utf8.encode('')]);
const fixture = [
  row,
  row,
  row,
  writeCommandComplete('SELECT 3'),
  writeErrorResponse({ severity: 'ERROR', sqlstate: '42501', message: 'no' }),
  writeReadyForQuery('idle'),
];
const stream = concat(fixture);
const expected = fixture.map((bytes) => ({ type: bytes[0]!, bytes: [...bytes] }));

describe.each([
  { name: 'gathered', streamed: [] },
  { name: 'rows streamed', streamed: [backend.DataRow] },
  { name: 'all streamed', streamed: Object.values(backend) },
])('frames, $name', ({ streamed }) => {
  const scanner = () => new FrameScanner('backend', backendLimits(), streamed);

  test('whole, byte by byte, and split at every offset', () => {
    const splits = [[stream], [...stream].map((byte) => Uint8Array.of(byte))];
    for (let at = 0; at <= stream.length; at++) splits.push([stream.subarray(0, at), stream.subarray(at)]);
    for (const chunks of splits) {
      const walked = walk(scanner(), chunks);
      expect(walked.messages).toEqual(expected);
      expect(walked.all).toEqual([...stream]);
      expect(walked.counted).toBe(fixture.length);
    }
  });

  test('any messages in any chunks come out as they went in', () => {
    const message = fc
      .tuple(
        fc.constantFrom(backend.DataRow, backend.CopyData, backend.NoticeResponse),
        fc.uint8Array({ maxLength: 40 }),
      )
      .map(([type, body]) => Uint8Array.of(type, 0, 0, 0, body.length + 4, ...body));
    fc.assert(
      fc.property(fc.array(message, { maxLength: 12 }), fc.array(fc.nat(30), { maxLength: 40 }), (messages, cuts) => {
        const bytes = concat(messages);
        const chunks: Uint8Array[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(bytes.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(bytes.subarray(at));
        const own = scanner();
        const walked = walk(own, chunks);
        expect(walked.messages.map((m) => m.bytes)).toEqual(messages.map((m) => [...m]));
        expect(own.idle).toBe(true);
      }),
    );
  });
});

describe('what is carried', () => {
  test('whole messages are seen in the chunk itself, without a copy', () => {
    const scanner = new FrameScanner('backend', backendLimits());
    scanner.feed(stream);
    while (scanner.next()) expect(scanner.bytes).toBe(stream);
  });

  test('a run of streamed rows is one step', () => {
    const scanner = new FrameScanner('backend', backendLimits(), [backend.DataRow]);
    scanner.feed(stream);
    expect(scanner.next()).toBe(true);
    expect(scanner.count).toBe(3);
    expect(scanner.end).toBe(row.length * 3);
  });

  test('memory follows the bytes that came, not the length that was announced', () => {
    const scanner = new FrameScanner('frontend', frontendLimits());
    scanner.feed(Uint8Array.of(frontend.Query, 0x3f, 0xff, 0xff, 0xfe, 0x41));
    expect(scanner.next()).toBe(false);
    expect(scanner.carried).toBe(6);
    expect(scanner.idle).toBe(false);
  });

  test('takeRest gives what was not walked, carry included', () => {
    const scanner = new FrameScanner('frontend', frontendLimits());
    const bytes = concat([writeQuery('SELECT 1'), writeSync()]);
    scanner.feed(bytes.subarray(0, 3));
    expect(scanner.next()).toBe(false);
    scanner.feed(bytes.subarray(3));
    expect(scanner.next()).toBe(true);
    expect([...scanner.takeRest()]).toEqual([...writeSync()]);
    expect(scanner.idle).toBe(true);
  });

  test('a read may not replace one that was not used up', () => {
    const scanner = new FrameScanner('frontend', frontendLimits());
    scanner.feed(writeSync());
    expect(() => scanner.feed(writeSync())).toThrow(expect.objectContaining({ code: 'PG_SCANNER_MISUSED' }));
  });
});

describe('lengths', () => {
  const header = (type: number, length: number) =>
    Uint8Array.of(type, length >>> 24, (length >>> 16) & 255, (length >>> 8) & 255, length & 255);
  const cases = [
    { name: 'under 4', bytes: header(frontend.Query, 3), code: 'PG_MESSAGE_MALFORMED' },
    { name: 'zero', bytes: header(frontend.Query, 0), code: 'PG_MESSAGE_MALFORMED' },
    { name: 'negative', bytes: header(frontend.Query, -1), code: 'PG_MESSAGE_MALFORMED' },
    { name: 'lowest', bytes: header(frontend.Query, 0x80000000 | 0), code: 'PG_MESSAGE_MALFORMED' },
    { name: 'largest', bytes: header(frontend.Query, 0x7fffffff), code: 'PG_MESSAGE_TOO_LARGE' },
    { name: 'Sync with a body', bytes: header(frontend.Sync, 5), code: 'PG_MESSAGE_TOO_LARGE' },
    { name: 'unknown type', bytes: header(0x7a, 4), code: 'PG_MESSAGE_MALFORMED' },
    { name: "a type of the server's", bytes: header(backend.ReadyForQuery, 5), code: 'PG_MESSAGE_MALFORMED' },
    { name: 'a password after authentication', bytes: header(frontend.Password, 8), code: 'PG_MESSAGE_MALFORMED' },
  ];
  test.each(cases)('$name is $code, whole and byte by byte', ({ bytes, code }) => {
    for (const chunks of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
      const scanner = new FrameScanner('frontend', frontendLimits());
      expect(() => walk(scanner, chunks)).toThrow(expect.objectContaining({ code }));
    }
  });

  test('the limits of a state hold from the next message on', () => {
    const scanner = new FrameScanner('frontend', frontendAuthenticationLimits());
    expect(() => walk(scanner, [writeQuery('SELECT 1')])).toThrow(/Query is not expected here/);
    const later = new FrameScanner('frontend', frontendAuthenticationLimits());
    later.setLimits(frontendLimits());
    expect(walk(later, [writeQuery('SELECT 1')]).messages).toHaveLength(1);
  });

  test('random bytes either walk or are refused with a stable code', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 10 }), (chunks) => {
        const scanner = new FrameScanner('backend', backendLimits(), [backend.DataRow]);
        try {
          walk(scanner, chunks);
        } catch (error) {
          expect(['PG_MESSAGE_MALFORMED', 'PG_MESSAGE_TOO_LARGE']).toContain((error as { code?: string }).code);
        }
      }),
    );
  });
});
