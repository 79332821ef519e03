import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAuthentication, readNegotiateProtocolVersion } from '../codec/backend.ts';
import { writeCancelRequest, writeSslRequest, writeStartupMessage } from '../codec/startup.ts';
import { writePassword, writeQuery, writeSaslInitialResponse, writeSaslResponse } from '../codec/write-frontend.ts';
import { MessageWriter } from '../codec/writer.ts';
import { SCRAM, SCRAM_PLUS, scramClient } from './scram.ts';
import { concat, ITERATIONS, SALT, saltedPassword, TestGateway, TOKEN, utf8 } from './test-peers.ts';

const GSSENC = new MessageWriter().beginPacket().int32(80877104).end().finish();
const DIRECT_TLS = Uint8Array.of(0x16, 3, 1, 0, 5, 1, 2, 3);

function startup(parameters: Record<string, string> = {}, version = 0x30000): Uint8Array {
  return writeStartupMessage(version, Object.entries({ user: 'demo', ...parameters }));
}

/** A client that does SCRAM up to its proof. */
function scram(
  gateway: TestGateway,
  options: { user?: string; password?: string; tls?: boolean; plus?: boolean } = {},
) {
  const { user = 'demo+scram', password = TOKEN, tls = false, plus = false } = options;
  if (tls) gateway.receive(writeSslRequest());
  gateway.receive(startup({ user }));
  const offered = readAuthentication(gateway.sent.at(-1)!.body, 0, gateway.sent.at(-1)!.body.length);
  if (offered.kind !== 'SASL') throw new Error(offered.kind);
  const client = scramClient(offered.mechanisms, 'client-nonce', tls, plus ? gateway.binding : null);
  gateway.receive(writeSaslInitialResponse(client.mechanism, utf8.encode(client.clientFirst)));
  const challenge = gateway.sent.at(-1)!.body.slice(4);
  expect(client.challenge(challenge)).toEqual({ salt: Buffer.from(SALT), iterations: ITERATIONS });
  gateway.receive(writeSaslResponse(utf8.encode(client.clientFinal(saltedPassword(password)))));
  return { client, offered: offered.mechanisms };
}

describe('a client comes in', () => {
  const good = concat(
    startup({ database: 'other', application_name: 'psql' }),
    writePassword(TOKEN),
    writeQuery('SELECT 1'),
  );

  test('whole, byte by byte, and split at every offset', () => {
    const splits = [[good], [...good].map((byte) => Uint8Array.of(byte))];
    for (let at = 0; at <= good.length; at++) splits.push([good.subarray(0, at), good.subarray(at)]);
    for (const chunks of splits) {
      const gateway = new TestGateway();
      let leftover: Uint8Array = new Uint8Array(0);
      for (const chunk of chunks) {
        // What comes after the session began is not the machine's any more.
        if (gateway.authenticated) leftover = concat(leftover, chunk);
        else gateway.receive(chunk);
      }
      expect(gateway.types).toEqual(['Send', 'VerifyToken', 'FindConnection', 'Authenticated']);
      expect(gateway.authenticated).toMatchObject({
        agentSession: { id: 'agent-1' },
        startup: { connectionId: 'demo', database: 'other', protocolMinor: 0, authMethod: 'password' },
      });
      expect([...gateway.authenticated!.startup.parameters]).toEqual([
        ['application_name', 'psql'],
        ['client_encoding', 'UTF8'],
      ]);
      expect(concat(gateway.authenticated!.leftover, leftover)).toEqual(writeQuery('SELECT 1'));
    }
  });

  test('GSSENCRequest is refused, SSLRequest taken, each once', () => {
    const gateway = new TestGateway();
    gateway.receive(GSSENC).receive(writeSslRequest()).receive(startup()).receive(writePassword(TOKEN));
    expect(gateway.types).toEqual([
      'Send',
      'Send',
      'StartTls',
      'Send',
      'VerifyToken',
      'FindConnection',
      'Authenticated',
    ]);
    expect(gateway.sent.map((message) => message.name)).toEqual(['N', 'S', 'Authentication']);
    for (const packet of [GSSENC, writeSslRequest()]) {
      expect(new TestGateway({ tls: false }).receive(packet).receive(packet).error?.sqlstate).toBe('08P01');
      expect(new TestGateway().receive(writeSslRequest()).receive(packet).error?.sqlstate).toBe('08P01');
    }
  });

  test('SSLRequest without a certificate: N, and on in clear', () => {
    const gateway = new TestGateway({ tls: false }).receive(writeSslRequest()).receive(startup());
    expect(gateway.sent.map((message) => message.name)).toEqual(['N', 'Authentication']);
  });

  test('direct TLS, only with its application protocol', () => {
    const gateway = new TestGateway();
    gateway.alpn = 'postgresql';
    gateway.receive(DIRECT_TLS).receive(startup()).receive(writePassword(TOKEN));
    expect(gateway.log[0]).toEqual({ type: 'StartTls', direct: true });
    expect(gateway.authenticated).not.toBe(null);
    expect(new TestGateway().receive(DIRECT_TLS).types).toEqual(['StartTls', 'Close']);
    expect(new TestGateway({ tls: false }).receive(DIRECT_TLS).types).toEqual(['Close']);
  });

  test('bytes stuffed behind SSLRequest are refused before TLS begins', () => {
    const gateway = new TestGateway().receive(concat(writeSslRequest(), startup()));
    expect(gateway.types).toEqual(['Send', 'Close']);
    expect(gateway.error?.message).toBe('unencrypted data was received after SSLRequest');
  });

  test('a cancel request, with keys of 4 and of 256 bytes', () => {
    for (const length of [4, 256]) {
      const secret = new Uint8Array(length).fill(length & 255);
      const gateway = new TestGateway().receive(writeCancelRequest(-7, secret));
      expect(gateway.log).toEqual([
        { type: 'Cancel', pid: -7, secret },
        { type: 'Close', reason: 'cancel request' },
      ]);
    }
    expect(new TestGateway().receive(writeCancelRequest(1, new Uint8Array(257))).error?.sqlstate).toBe('08P01');
  });
});

describe('protocol versions', () => {
  test.each([
    { version: 0x30000, minor: 0, negotiated: null },
    { version: 0x30002, minor: 2, negotiated: null },
    { version: 0x3270f, minor: 2, negotiated: { minor: 2, unsupported: [] } },
  ])('$version', ({ version, minor, negotiated }) => {
    const gateway = new TestGateway().receive(startup({}, version)).receive(writePassword(TOKEN));
    expect(gateway.authenticated?.startup.protocolMinor).toBe(minor);
    const [first] = gateway.sent;
    if (negotiated) {
      expect(first?.name).toBe('NegotiateProtocolVersion');
      expect(readNegotiateProtocolVersion(first!.body, 0, first!.body.length)).toEqual(negotiated);
    } else expect(first?.name).toBe('Authentication');
  });

  test('unknown protocol options are listed and not passed on', () => {
    const gateway = new TestGateway().receive(startup({ '_pq_.x': '1', '_pq_.y': '2' })).receive(writePassword(TOKEN));
    const body = gateway.sent[0]!.body;
    expect(readNegotiateProtocolVersion(body, 0, body.length)).toEqual({ minor: 0, unsupported: ['_pq_.x', '_pq_.y'] });
    expect([...gateway.authenticated!.startup.parameters.keys()]).toEqual(['client_encoding']);
  });

  test.each([0x20000, 0x40000, 0x10000])('%i is refused with a sentence', (version) => {
    const gateway = new TestGateway().receive(startup({}, version));
    expect(gateway.error).toMatchObject({ severity: 'FATAL', sqlstate: '0A000' });
    expect(gateway.error?.message).toContain('supports 3.0 to 3.2');
  });

  test.each([
    { name: 'HTTP', bytes: utf8.encode('GET / HTTP/1.1\r\n') },
    { name: 'SSH', bytes: utf8.encode('SSH-2.0-OpenSSH_9\r\n') },
    { name: 'length 0', bytes: new Uint8Array(8) },
    { name: 'length 10,001', bytes: Uint8Array.of(0, 0, 0x27, 0x11, 0, 3, 0, 0) },
    { name: 'no terminator', bytes: Uint8Array.of(0, 0, 0, 12, 0, 3, 0, 0, 117, 115, 101, 114) },
    { name: 'no user', bytes: startup({ user: '' }) },
  ])('$name is an error and an end', ({ bytes }) => {
    const gateway = new TestGateway().receive(bytes);
    expect(gateway.error?.severity).toBe('FATAL');
    expect(gateway.types.at(-1)).toBe('Close');
    expect(gateway.receive(startup()).types).toEqual(['Send', 'Close']);
  });
});

describe('the token', () => {
  test('wrong, and of a connection that is not there: not to be told apart', () => {
    const told = (user: string, token: string) =>
      new TestGateway().receive(startup({ user })).receive(writePassword(token)).sent;
    expect(told('demo', 'wrong')).toEqual(told('nowhere', 'wrong'));
    expect(told('demo', 'wrong')).toEqual(told('nowhere', TOKEN));
    const gateway = new TestGateway().receive(startup()).receive(writePassword('wrong'));
    expect(gateway.error).toMatchObject({ severity: 'FATAL', sqlstate: '28P01' });
    expect(gateway.types.at(-1)).toBe('Close');
  });

  test('none', () => {
    const gateway = new TestGateway().receive(startup()).receive(writePassword(''));
    expect(gateway.error).toMatchObject({ sqlstate: '28P01', message: 'no token was sent' });
  });

  test('in clear only on this machine or over TLS', () => {
    expect(new TestGateway({ loopback: false }).receive(startup()).error?.sqlstate).toBe('28000');
    const encrypted = new TestGateway({ loopback: false });
    encrypted.receive(writeSslRequest()).receive(startup()).receive(writePassword(TOKEN));
    expect(encrypted.authenticated).not.toBe(null);
    const proved = new TestGateway({ loopback: false, tls: false });
    scram(proved);
    expect(proved.authenticated).not.toBe(null);
  });

  test('something else in place of a password', () => {
    expect(new TestGateway().receive(startup()).receive(writeQuery('SELECT 1')).error?.sqlstate).toBe('08P01');
  });

  test('a long wait for the answer keeps what comes meanwhile, up to a bound', () => {
    const { machine } = new TestGateway();
    machine.handle({ type: 'Received', bytes: startup() });
    expect(machine.handle({ type: 'Received', bytes: writePassword(TOKEN) })).toMatchObject([{ type: 'VerifyToken' }]);
    expect(machine.handle({ type: 'Received', bytes: new Uint8Array(60_000) })).toEqual([]);
    expect(machine.handle({ type: 'Received', bytes: new Uint8Array(60_000) })).toMatchObject([
      { type: 'Send' },
      { type: 'Close', reason: 'too much was sent before the session began' },
    ]);
  });
});

describe('SCRAM', () => {
  test('with the token as the secret; the gateway proves itself too', () => {
    const gateway = new TestGateway({ tls: false });
    const { client, offered } = scram(gateway);
    expect(offered).toEqual([SCRAM]);
    expect(gateway.authenticated?.startup).toMatchObject({
      connectionId: 'demo',
      authMethod: SCRAM,
      database: 'company',
    });
    expect(() => client.verifyServerFinal(gateway.sent.at(-1)!.body.slice(4))).not.toThrow();
  });

  test('with channel binding over TLS', () => {
    const gateway = new TestGateway();
    const { offered } = scram(gateway, { tls: true, plus: true });
    expect(offered).toEqual([SCRAM_PLUS, SCRAM]);
    expect(gateway.authenticated?.startup.authMethod).toBe(SCRAM_PLUS);
  });

  test('a wrong token and an unknown connection end alike, and only at the proof', () => {
    const wrong = new TestGateway();
    scram(wrong, { password: 'wrong' });
    const unknown = new TestGateway();
    scram(unknown, { user: 'nowhere+scram' });
    expect(wrong.error?.sqlstate).toBe('28P01');
    expect(wrong.sent).toEqual(unknown.sent);
  });

  const first = (text: string, mechanism: string = SCRAM) => writeSaslInitialResponse(mechanism, utf8.encode(text));
  test.each([
    { name: 'another mechanism', message: first('n,,n=,r=abc', 'PLAIN') },
    { name: 'PLUS without TLS', message: first('p=tls-server-end-point,,n=,r=abc', SCRAM_PLUS) },
    { name: 'binding flag without PLUS', message: first('p=tls-server-end-point,,n=,r=abc') },
    { name: 'another identity', message: first('n,a=admin,n=,r=abc') },
    { name: 'no nonce', message: first('n,,n=,r=') },
    { name: 'garbage', message: first('hello') },
    { name: 'not text', message: writeSaslInitialResponse(SCRAM, Uint8Array.of(0xff, 0xfe)) },
    { name: 'too long', message: first(`n,,n=,r=${'x'.repeat(2000)}`) },
    { name: 'a plain password', message: writePassword(TOKEN) },
  ])('$name is refused', ({ message }) => {
    const gateway = new TestGateway({ tls: false }).receive(startup({ user: 'demo+scram' })).receive(message);
    expect(gateway.error?.severity).toBe('FATAL');
    expect(gateway.types.at(-1)).toBe('Close');
  });

  test('a client that was led to believe that binding is absent is told so', () => {
    const gateway = new TestGateway().receive(writeSslRequest()).receive(startup({ user: 'demo+scram' }));
    gateway.receive(first('y,,n=,r=abc'));
    expect(gateway.error?.message).toContain('led to believe');
  });

  test.each([
    { name: 'another nonce', final: 'c=biws,r=other,p=AAAA' },
    { name: 'another binding', final: 'c=eSws,r=abcserver-nonce,p=AAAA' },
    { name: 'a short proof', final: 'c=biws,r=abcserver-nonce,p=AAAA' },
    { name: 'no proof', final: 'c=biws,r=abcserver-nonce' },
  ])('$name in the last message is refused', ({ final }) => {
    const gateway = new TestGateway({ tls: false })
      .receive(startup({ user: 'demo+scram' }))
      .receive(first('n,,n=,r=abc'));
    gateway.receive(writeSaslResponse(utf8.encode(final)));
    expect(gateway.error).toMatchObject({
      sqlstate: '28P01',
      message: expect.stringContaining('SCRAM authentication failed'),
    });
  });
});

test('a timeout ends every state, and says why where the client listens', () => {
  expect(new TestGateway().timeOut().types).toEqual(['Close']);
  expect(new TestGateway().receive(startup()).timeOut().error?.sqlstate).toBe('57014');
  expect(new TestGateway().receive(startup({ user: 'demo+scram' })).timeOut().error?.sqlstate).toBe('57014');
});

describe('bad input', () => {
  const states: (() => TestGateway)[] = [
    () => new TestGateway(),
    () => new TestGateway().receive(GSSENC),
    () => new TestGateway().receive(writeSslRequest()),
    () => new TestGateway().receive(startup()),
    () => new TestGateway().receive(startup({ user: 'demo+scram' })),
    () =>
      new TestGateway({ tls: false })
        .receive(startup({ user: 'demo+scram' }))
        .receive(writeSaslInitialResponse(SCRAM, utf8.encode('n,,n=,r=abc'))),
  ];

  test('random bytes at every state neither throw nor authenticate', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...states),
        fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 6 }),
        (state, chunks) => {
          const gateway = state();
          for (const chunk of chunks) gateway.receive(chunk);
          expect(gateway.authenticated).toBe(null);
          gateway.timeOut();
          expect(gateway.types.at(-1)).toBe('Close');
        },
      ),
      { numRuns: 500 },
    );
  });

  test('mutated messages at every state never throw', () => {
    const messages = [
      startup({ options: '-c work_mem=1', database: 'x' }),
      writeSslRequest(),
      writePassword('not the token'),
      writeSaslInitialResponse(SCRAM, utf8.encode('n,,n=,r=abc')),
      writeSaslResponse(utf8.encode('c=biws,r=abcserver-nonce,p=AAAA')),
      writeCancelRequest(1, Uint8Array.of(1, 2, 3, 4)),
    ];
    const mutation = fc.record({
      message: fc.constantFrom(...messages),
      flips: fc.array(fc.tuple(fc.nat(60), fc.integer({ min: 1, max: 255 })), { maxLength: 3 }),
      cut: fc.nat(60),
    });
    fc.assert(
      fc.property(fc.constantFrom(...states), fc.array(mutation, { maxLength: 5 }), (state, mutations) => {
        const gateway = state();
        for (const { message, flips, cut } of mutations) {
          const bytes = message.slice(0, Math.max(message.length - (cut % 4), 0));
          for (const [at, bits] of flips) if (at < bytes.length) bytes[at]! ^= bits;
          gateway.receive(bytes);
        }
        expect(gateway.authenticated).toBe(null);
      }),
      { numRuns: 1000 },
    );
  });
});
