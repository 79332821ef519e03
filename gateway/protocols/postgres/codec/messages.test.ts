import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as read from './backend.ts';
import * as client from './frontend.ts';
import { authentication, backend, frontend, messageName } from './messages.ts';
import {
  readStartupPacket,
  startupPacketLength,
  writeCancelRequest,
  writeSslRequest,
  writeStartupMessage,
} from './startup.ts';
import * as write from './write-backend.ts';
import * as send from './write-frontend.ts';
import { MessageWriter } from './writer.ts';

const utf8 = new TextEncoder();
type Reading<T> = (bytes: Uint8Array, start: number, end: number) => T;

/** Reads a written message, and again with other bytes around it. */
function through<T>(reader: Reading<T>, message: Uint8Array): T {
  const value = reader(message, 5, message.length);
  const padded = new Uint8Array(message.length + 20).fill(0x41);
  padded.set(message, 7);
  const again = reader(padded, 12, 7 + message.length);
  if (!('parameters' in Object(value)) && !('arguments' in Object(value))) expect(again).toEqual(value);
  return value;
}

const body = (build: (writer: MessageWriter) => MessageWriter) => build(new MessageWriter().begin(0x41)).end().finish();

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((value) => value.replaceAll('\0', '').toWellFormed());

describe('the bytes on the wire', () => {
  test.each([
    { message: send.writeQuery('SELECT 1'), bytes: 'Q\0\0\0\x0dSELECT 1\0' },
    { message: send.writeSync(), bytes: 'S\0\0\0\x04' },
    { message: send.writeExecute('p', 5), bytes: 'E\0\0\0\x0ap\0\0\0\0\x05' },
    { message: send.writeDescribe('portal', ''), bytes: 'D\0\0\0\x06P\0' },
    { message: send.writeClose('statement', 's'), bytes: 'C\0\0\0\x07Ss\0' },
    { message: write.writeReadyForQuery('failed'), bytes: 'Z\0\0\0\x05E' },
    { message: write.writeAuthenticationOk(), bytes: 'R\0\0\0\x08\0\0\0\0' },
    { message: write.writeParameterStatus('a', 'b'), bytes: 'S\0\0\0\x08a\0b\0' },
    { message: write.writeDataRow([utf8.encode('x'), null]), bytes: 'D\0\0\0\x0f\0\x02\0\0\0\x01x\xff\xff\xff\xff' },
    { message: writeSslRequest(), bytes: '\0\0\0\x08\x04\xd2\x16\x2f' },
    {
      message: writeCancelRequest(1, Uint8Array.of(0, 0, 0, 2)),
      bytes: '\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02',
    },
    { message: writeStartupMessage(0x30000, [['user', 'x']]), bytes: '\0\0\0\x10\0\x03\0\0user\0x\0\0' },
  ])('$bytes', ({ message, bytes }) => {
    expect(Buffer.from(message).toString('latin1')).toBe(bytes);
  });

  test('names', () => {
    expect(messageName('frontend', frontend.Describe)).toBe('Describe');
    expect(messageName('backend', backend.DataRow)).toBe('DataRow');
    expect(messageName('backend', 0x01)).toBe('0x01');
  });
});

describe('what a client sends comes out as it went in', () => {
  test('any texts', () => {
    fc.assert(
      fc.property(text, text, fc.array(fc.nat(0x7fffffff), { maxLength: 5 }), (name, sql, types) => {
        expect(through(client.readQuery, send.writeQuery(sql))).toEqual({ text: sql, lossless: true });
        expect(through(client.readParse, send.writeParse(name, sql, types))).toEqual({
          statement: name,
          text: sql,
          lossless: true,
          parameterTypes: types,
        });
        expect(through(client.readDescribe, send.writeDescribe('statement', name))).toEqual({
          kind: 'statement',
          name,
        });
        expect(through(client.readExecute, send.writeExecute(name, 7))).toEqual({ portal: name, maxRows: 7 });
        expect(through(client.readCopyFail, send.writeCopyFail(name))).toBe(name);
      }),
    );
  });

  test('Bind: values by their place', () => {
    const values = fc.array(fc.option(fc.uint8Array({ maxLength: 9 })), { maxLength: 6 });
    fc.assert(
      fc.property(text, text, values, (portal, statement, parameters) => {
        const message = send.writeBind(portal, statement, parameters);
        const bind = through(client.readBind, message);
        expect(bind).toMatchObject({ portal, statement, parameterFormats: [], resultFormats: [] });
        const seen = bind.parameters.map(({ start, length }) =>
          length < 0 ? null : message.slice(start, start + length),
        );
        expect(seen).toEqual(parameters);
      }),
    );
  });

  test('Bind: formats', () => {
    const bind = (formats: number[], values: number) =>
      through(
        client.readBind,
        body((writer) => {
          writer.cstring('').cstring('').int16(formats.length);
          for (const format of formats) writer.int16(format);
          writer.int16(values);
          for (let i = 0; i < values; i++) writer.int32(-1);
          return writer.int16(1).int16(1);
        }),
      );
    expect(bind([0, 1], 2)).toMatchObject({ parameterFormats: [0, 1], resultFormats: [1] });
    expect(bind([1], 3)).toMatchObject({ parameterFormats: [1] });
    expect(() => bind([0, 1], 3)).toThrow(expect.objectContaining({ code: 'PG_MESSAGE_MALFORMED' }));
    expect([client.formatAt([], 3), client.formatAt([1], 3), client.formatAt([0, 1], 1)]).toEqual([
      'text',
      'binary',
      'binary',
    ]);
  });

  test('FunctionCall', () => {
    const message = body((writer) =>
      writer.int32(1598).int16(1).int16(1).int16(2).int32(2).int16(7).int32(-1).int16(1),
    );
    const call = through(client.readFunctionCall, message);
    expect(call).toMatchObject({ functionOid: 1598, argumentFormats: [1], resultFormat: 1 });
    expect(call.arguments.map(({ length }) => length)).toEqual([2, -1]);
  });

  test('authentication', () => {
    const password = send.writePassword('pä');
    expect(through(client.readPassword, password)).toEqual(utf8.encode('pä'));
    const initial = send.writeSaslInitialResponse('SCRAM-SHA-256', utf8.encode('n,,'));
    expect(through(client.readSaslInitialResponse, initial)).toEqual({
      mechanism: 'SCRAM-SHA-256',
      response: utf8.encode('n,,'),
    });
    const none = body((writer) => writer.cstring('X').int32(-1));
    expect(through(client.readSaslInitialResponse, none)).toEqual({ mechanism: 'X', response: null });
  });

  test('text that is not UTF-8 is said not to be; a byte order mark stays', () => {
    const message = body((writer) => writer.bytes(Uint8Array.of(0x27, 0xff, 0x27, 0)));
    expect(client.readQuery(message, 5, message.length)).toEqual({ text: "'\ufffd'", lossless: false });
    expect(through(client.readQuery, send.writeQuery('\ufeffSELECT 1'))).toEqual({
      text: '\ufeffSELECT 1',
      lossless: true,
    });
  });
});

describe('what a server sends', () => {
  test('RowDescription, DataRow', () => {
    const fields = [
      { name: 'id', tableOid: 0xfffffff0, columnNumber: -3, typeOid: 23, typeModifier: -1, format: 'binary' as const },
      { name: 'ünï', tableOid: 0, columnNumber: 0, typeOid: 25, typeModifier: 68, format: 'text' as const },
    ];
    expect(through(read.readRowDescription, write.writeRowDescription(fields))).toEqual(fields);
    const row = fc.array(fc.option(fc.uint8Array({ maxLength: 9 })), { maxLength: 9 });
    const cursor = new read.DataRowCursor();
    fc.assert(
      fc.property(row, (values) => {
        const message = write.writeDataRow(values);
        const seen: (Uint8Array | null)[] = [];
        cursor.reset(message, 5, message.length);
        expect(cursor.columns).toBe(values.length);
        while (cursor.next()) {
          seen.push(cursor.length < 0 ? null : message.slice(cursor.start, cursor.start + cursor.length));
        }
        expect(seen).toEqual(values);
      }),
    );
  });

  test('a row that lies about itself', () => {
    const cursor = new read.DataRowCursor();
    for (const bytes of [
      [],
      [0],
      [0, 1],
      [0, 1, 0, 0, 0, 1],
      [0, 1, 0xff, 0xff, 0xff, 0xfe],
      [0, 0, 1],
      [0, 1, 0x7f, 255, 255, 255],
    ]) {
      const walk = () => {
        cursor.reset(Uint8Array.from(bytes), 0, bytes.length);
        while (cursor.next());
      };
      expect(walk).toThrow(expect.objectContaining({ code: 'PG_MESSAGE_MALFORMED' }));
    }
  });

  test('errors', () => {
    const error = write.writeErrorResponse({
      severity: 'ERROR',
      sqlstate: '42501',
      message: 'no\0M forged',
      detail: 'policy p1',
      hint: 'ask',
      position: 3,
    });
    const fields = through(read.readErrorFields, error);
    expect(fields.map(({ type, value }) => type + value)).toEqual([
      'SERROR',
      'VERROR',
      'C42501',
      'Mno\ufffdM forged',
      'Dpolicy p1',
      'Hask',
      'P3',
    ]);
    expect(read.summarizeError(fields)).toEqual({ severity: 'ERROR', sqlstate: '42501', message: 'no\ufffdM forged' });
    expect(write.writeErrorFields('ErrorResponse', fields)).toEqual(error);
  });

  test('the others', () => {
    expect(through(read.readCommandComplete, write.writeCommandComplete('UPDATE 3'))).toBe('UPDATE 3');
    expect(['INSERT 0 5', 'SELECT 2', 'CREATE TABLE', 'COPY 7', 'BEGIN'].map(read.rowsOfTag)).toEqual([5, 2, 0, 7, 0]);
    expect(through(read.readNotification, write.writeNotificationResponse(9, 'c', 'p'))).toEqual({
      pid: 9,
      channel: 'c',
      payload: 'p',
    });
    expect(through(read.readParameterStatus, write.writeParameterStatus('a', ''))).toEqual({ name: 'a', value: '' });
    for (const status of ['idle', 'transaction', 'failed'] as const) {
      expect(through(read.readReadyForQuery, write.writeReadyForQuery(status))).toBe(status);
    }
    for (const length of [4, 32, 256]) {
      const secret = new Uint8Array(length).fill(3);
      expect(through(read.readBackendKeyData, write.writeBackendKeyData(-1, secret))).toEqual({ pid: -1, secret });
    }
    expect(() => write.writeBackendKeyData(1, new Uint8Array(3))).toThrow(
      expect.objectContaining({ code: 'PG_KEY_LENGTH' }),
    );
    expect(
      through(read.readNegotiateProtocolVersion, write.writeNegotiateProtocolVersion(0x30002, ['_pq_.a'])),
    ).toEqual({
      minor: 2,
      unsupported: ['_pq_.a'],
    });
    const types = body((writer) =>
      writer
        .int16(2)
        .int32(23)
        .int32(0x80000000 | 0),
    );
    expect(through(read.readParameterDescription, types)).toEqual([23, 0x80000000]);
    const copy = body((writer) => writer.uint8(1).int16(2).int16(1).int16(0));
    expect(through(read.readCopyResponse, copy)).toEqual({ format: 'binary', columnFormats: ['binary', 'text'] });
    expect(
      through(
        read.readFunctionCallResponse,
        body((writer) => writer.int32(-1)),
      ),
    ).toBe(null);
    expect(
      through(
        read.readFunctionCallResponse,
        body((writer) => writer.int32(1).uint8(7)),
      ),
    ).toEqual(Uint8Array.of(7));
  });

  test('authentication', () => {
    const salt = Uint8Array.of(1, 2, 3, 4);
    const cases: [Uint8Array, read.AuthenticationMessage][] = [
      [write.writeAuthenticationOk(), { kind: 'Ok' }],
      [write.writeAuthenticationCleartextPassword(), { kind: 'CleartextPassword' }],
      [write.writeAuthenticationMd5Password(salt), { kind: 'MD5Password', salt }],
      [write.writeAuthenticationSasl(['A', 'B']), { kind: 'SASL', mechanisms: ['A', 'B'] }],
      [write.writeAuthenticationSaslContinue(salt), { kind: 'SASLContinue', data: salt }],
      [write.writeAuthenticationSaslFinal(salt), { kind: 'SASLFinal', data: salt }],
      [body((writer) => writer.int32(authentication.GSS)), { kind: 'Other', code: 7 }],
    ];
    for (const [message, expected] of cases) expect(through(read.readAuthentication, message)).toEqual(expected);
  });
});

describe('startup packets', () => {
  const packet = writeStartupMessage(0x30002, [
    ['user', 'ü'],
    ['database', ''],
  ]);

  test('length is known from the fourth byte on', () => {
    for (let length = 0; length < packet.length; length++) {
      expect(startupPacketLength(packet, 0, length)).toBe(length < 4 ? null : packet.length);
    }
    for (const length of [0, 7, 0xffffffff]) {
      const bytes = new MessageWriter().int32(length).finish();
      expect(() => startupPacketLength(bytes, 0, 4)).toThrow(/PG_MESSAGE|startup packet/);
    }
    expect(startupPacketLength(new MessageWriter().int32(10_000).finish(), 0, 4)).toBe(10_000);
  });

  test('reads what was written', () => {
    expect(readStartupPacket(packet)).toEqual({
      kind: 'StartupMessage',
      major: 3,
      minor: 2,
      parameters: new Map([
        ['user', 'ü'],
        ['database', ''],
      ]),
    });
    expect(readStartupPacket(writeSslRequest())).toEqual({ kind: 'SSLRequest' });
  });

  test('one that is longer than a server takes is not written', () => {
    expect(() => writeStartupMessage(0x30000, [['x', 'y'.repeat(10_000)]])).toThrow(
      expect.objectContaining({ code: 'PG_MESSAGE_TOO_LARGE' }),
    );
    expect(() => writeStartupMessage(0x30000, [['x', 'a\0b']])).toThrow(
      expect.objectContaining({ code: 'PG_TEXT_HAS_NUL' }),
    );
  });
});

test('every reader refuses, with a stable code, what is cut, continued or random', () => {
  const readers: readonly (readonly [Reading<unknown>, Uint8Array])[] = [
    [client.readQuery, send.writeQuery('SELECT 1')],
    [client.readParse, send.writeParse('s', 'SELECT $1', [23])],
    [client.readBind, send.writeBind('p', 's', [utf8.encode('1'), null])],
    [client.readDescribe, send.writeDescribe('portal', 'p')],
    [client.readClose, send.writeClose('portal', 'p')],
    [client.readExecute, send.writeExecute('p', 1)],
    [client.readCopyFail, send.writeCopyFail('why')],
    [client.readPassword, send.writePassword('x')],
    [client.readSaslInitialResponse, send.writeSaslInitialResponse('X', utf8.encode('y'))],
    [
      read.readRowDescription,
      write.writeRowDescription([
        { name: 'a', tableOid: 1, columnNumber: 1, typeOid: 1, typeModifier: 1, format: 'text' },
      ]),
    ],
    [read.readErrorFields, write.writeErrorResponse({ severity: 'ERROR', sqlstate: '00000', message: 'm' })],
    [read.readCommandComplete, write.writeCommandComplete('X')],
    [read.readNotification, write.writeNotificationResponse(1, 'c', 'p')],
    [read.readParameterStatus, write.writeParameterStatus('a', 'b')],
    [read.readReadyForQuery, write.writeReadyForQuery('idle')],
    [read.readNegotiateProtocolVersion, write.writeNegotiateProtocolVersion(3, ['_pq_.x'])],
  ];
  const malformed = expect.objectContaining({ code: 'PG_MESSAGE_MALFORMED' });
  for (const [reader, message] of readers) {
    for (let end = 5; end < message.length; end++) expect(() => reader(message, 5, end)).toThrow(malformed);
    const longer = new Uint8Array(message.length + 1);
    longer.set(message);
    expect(() => reader(longer, 5, longer.length)).toThrow(malformed);
  }
  const any = fc.constantFrom(
    ...readers.map(([reader]) => reader),
    client.readFunctionCall as Reading<unknown>,
    read.readAuthentication as Reading<unknown>,
    read.readBackendKeyData as Reading<unknown>,
    read.readCopyResponse as Reading<unknown>,
    read.readParameterDescription as Reading<unknown>,
    read.readFunctionCallResponse as Reading<unknown>,
  );
  fc.assert(
    fc.property(any, fc.uint8Array({ maxLength: 40 }), (reader, bytes) => {
      try {
        reader(bytes, 0, bytes.length);
      } catch (error) {
        expect(error).toEqual(malformed);
      }
    }),
    { numRuns: 2000 },
  );
});
