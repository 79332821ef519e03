import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CountersignError } from '../../../contract/errors.ts';
import { readSaslInitialResponse } from '../codec/frontend.ts';
import { readStartupPacket, writeSslRequest } from '../codec/startup.ts';
import {
  writeAuthenticationCleartextPassword,
  writeAuthenticationMd5Password,
  writeAuthenticationOk,
  writeAuthenticationSasl,
  writeAuthenticationSaslContinue,
  writeAuthenticationSaslFinal,
  writeBackendKeyData,
  writeErrorResponse,
  writeMessage,
  writeNegotiateProtocolVersion,
  writeNoticeResponse,
  writeParameterStatus,
  writeReadyForQuery,
} from '../codec/write-backend.ts';
import { writePassword } from '../codec/write-frontend.ts';
import { readClientFirst, SCRAM, SCRAM_PLUS, serverFirst, verifyClientFinal } from './scram.ts';
import { concat, ITERATIONS, keysOf, SALT, saltedPassword, utf8 } from './test-peers.ts';
import type { UpstreamCommand, UpstreamHandshakeOptions } from './upstream-events.ts';
import { UpstreamHandshake } from './upstream-handshake.ts';

const PASSWORD = 'upstream-secret';
const notice = writeNoticeResponse({ severity: 'WARNING', sqlstate: '01000', message: 'collation' });
const greeting = concat(
  writeAuthenticationOk(),
  writeParameterStatus('server_version', '18.1'),
  notice,
  writeBackendKeyData(42, Uint8Array.of(1, 2, 3, 4)),
  writeReadyForQuery('idle'),
);

class TestUpstream {
  readonly machine: UpstreamHandshake;
  readonly log: UpstreamCommand[] = [];
  binding: Uint8Array | null = new Uint8Array(32).fill(5);

  constructor(options: Partial<UpstreamHandshakeOptions> = {}) {
    this.machine = new UpstreamHandshake({
      user: 'app',
      database: 'company',
      parameters: new Map([['application_name', 'x']]),
      protocolMinor: 0,
      password: PASSWORD,
      tls: 'none',
      nonce: 'client-nonce',
      ...options,
    });
    this.run(this.machine.handle({ type: 'Connected' }));
  }

  receive(...bytes: Uint8Array[]): this {
    return this.run(this.machine.handle({ type: 'Received', bytes: concat(...bytes) }));
  }

  run(commands: readonly UpstreamCommand[]): this {
    for (const command of commands) {
      this.log.push(command);
      if (command.type === 'StartTls') {
        this.run(this.machine.handle({ type: 'TlsEstablished', binding: this.binding }));
      } else if (command.type === 'DeriveKey') {
        const derived = saltedPassword(PASSWORD, command.salt as typeof SALT, command.iterations);
        this.run(this.machine.handle({ type: 'KeyDerived', saltedPassword: derived }));
      }
    }
    return this;
  }

  get sent(): Uint8Array[] {
    return this.log.flatMap((command) => (command.type === 'Send' ? [command.bytes] : []));
  }

  get session() {
    const last = this.log.at(-1);
    return last?.type === 'Established' ? last.session : null;
  }

  get error(): CountersignError | null {
    const last = this.log.at(-1);
    return last?.type === 'Fail' ? last.error : null;
  }
}

/** A server that does SCRAM, up to its last message. */
function scramServer(
  upstream: TestUpstream,
  mechanisms: string[],
  binding: Uint8Array | null = null,
  iterations = ITERATIONS,
) {
  upstream.receive(writeAuthenticationSasl(mechanisms));
  const initial = upstream.sent.at(-1)!;
  const { mechanism, response } = readSaslInitialResponse(initial, 5, initial.length);
  const first = readClientFirst(response!, mechanism, mechanisms.includes(SCRAM_PLUS));
  const challenge = serverFirst(first, 'server-nonce', SALT, iterations);
  upstream.receive(writeAuthenticationSaslContinue(utf8.encode(challenge)));
  if (upstream.error) return { mechanism, serverFinal: '', match: null };
  const verified = verifyClientFinal(upstream.sent.at(-1)!.slice(5), first, challenge, binding, [keysOf(PASSWORD)]);
  return { mechanism, ...verified };
}

describe('a server lets the gateway in', () => {
  test('whole, byte by byte, and split at every offset', () => {
    const bytes = concat(greeting, utf8.encode('leftover'));
    const splits = [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))];
    for (let at = 0; at <= bytes.length; at++) splits.push([bytes.subarray(0, at), bytes.subarray(at)]);
    for (const chunks of splits) {
      const upstream = new TestUpstream();
      expect(readStartupPacket(upstream.sent[0]!)).toMatchObject({ major: 3, minor: 0 });
      const late: Uint8Array[] = [];
      for (const chunk of chunks) {
        if (upstream.session) late.push(chunk);
        else upstream.receive(chunk);
      }
      expect(upstream.session).toMatchObject({
        authMethod: 'trust',
        transactionStatus: 'idle',
        protocolMinor: 0,
        backendKey: { pid: 42, secret: Uint8Array.of(1, 2, 3, 4) },
        notices: [notice],
      });
      expect([...upstream.session!.parameters]).toEqual([['server_version', '18.1']]);
      expect(concat(upstream.session!.leftover, ...late)).toEqual(utf8.encode('leftover'));
    }
  });

  test('password', () => {
    const upstream = new TestUpstream().receive(writeAuthenticationCleartextPassword());
    expect(upstream.sent.at(-1)).toEqual(writePassword(PASSWORD));
    expect(upstream.receive(greeting).session?.authMethod).toBe('password');
  });

  test('MD5', () => {
    const upstream = new TestUpstream({ user: 'md5user', password: 'md5pass' });
    upstream.receive(writeAuthenticationMd5Password(Uint8Array.of(1, 2, 3, 4)));
    // Computed by Python's hashlib.
    expect(upstream.sent.at(-1)).toEqual(writePassword('md5b5dfd8fbdd6fc9174cc8e85dfa598fa2'));
    expect(upstream.receive(greeting).session?.authMethod).toBe('md5');
  });

  test('SCRAM', () => {
    const upstream = new TestUpstream();
    const { match, serverFinal } = scramServer(upstream, [SCRAM]);
    expect(match).not.toBe(null);
    upstream.receive(writeAuthenticationSaslFinal(utf8.encode(serverFinal)), greeting);
    expect(upstream.session?.authMethod).toBe(SCRAM);
  });

  test('SCRAM-PLUS where TLS and the server allow it', () => {
    const upstream = new TestUpstream({ tls: 'request' }).receive(utf8.encode('S'));
    const { mechanism, match, serverFinal } = scramServer(upstream, [SCRAM_PLUS, SCRAM], upstream.binding);
    expect(mechanism).toBe(SCRAM_PLUS);
    expect(match).not.toBe(null);
    upstream.receive(writeAuthenticationSaslFinal(utf8.encode(serverFinal)), greeting);
    expect(upstream.session?.authMethod).toBe(SCRAM_PLUS);
  });

  test('a man in the middle who takes PLUS from the list is seen by the server', () => {
    const upstream = new TestUpstream({ tls: 'request' }).receive(utf8.encode('S'));
    upstream.receive(writeAuthenticationSasl([SCRAM]));
    const initial = upstream.sent.at(-1)!;
    const { mechanism, response } = readSaslInitialResponse(initial, 5, initial.length);
    expect(() => readClientFirst(response!, mechanism, true)).toThrow(/led to believe/);
  });

  test('an older server takes the version down', () => {
    const upstream = new TestUpstream({ protocolMinor: 2 });
    expect(readStartupPacket(upstream.sent[0]!)).toMatchObject({ minor: 2 });
    upstream.receive(writeNegotiateProtocolVersion(0x30000, []), greeting);
    expect(upstream.session?.protocolMinor).toBe(0);
  });
});

describe('a server that must not be trusted', () => {
  test('answers SSLRequest otherwise than with S', () => {
    for (const [answer, code] of [
      ['N', 'PG_UPSTREAM_NO_TLS'],
      ['SX', 'PG_UPSTREAM_MALFORMED'],
      ['E', 'PG_UPSTREAM_MALFORMED'],
    ] as const) {
      const upstream = new TestUpstream({ tls: 'request' });
      expect(upstream.sent).toEqual([writeSslRequest()]);
      expect(upstream.receive(utf8.encode(answer)).error?.code).toBe(code);
      // The startup message, and with it nothing else, was not sent in clear.
      expect(upstream.sent).toHaveLength(1);
    }
  });

  test('ends SCRAM before it proved itself, or proves it wrongly', () => {
    const early = new TestUpstream();
    scramServer(early, [SCRAM]);
    expect(early.receive(greeting).error?.code).toBe('PG_SCRAM_FAILED');
    const wrong = new TestUpstream();
    scramServer(wrong, [SCRAM]);
    const forged = `v=${Buffer.alloc(32).toString('base64')}`;
    expect(wrong.receive(writeAuthenticationSaslFinal(utf8.encode(forged))).error?.message).toMatch(/did not prove/);
    const begun = new TestUpstream().receive(writeAuthenticationSasl([SCRAM]), greeting);
    expect(begun.error?.code).toBe('PG_SCRAM_FAILED');
  });

  test('asks for more iterations than can be meant well', () => {
    const upstream = new TestUpstream();
    scramServer(upstream, [SCRAM], null, 1_000_001);
    expect(upstream.error?.message).toMatch(/1000001 iterations/);
    expect(upstream.log.map((command) => command.type)).not.toContain('DeriveKey');
  });

  test.each([
    { name: 'answers another nonce', text: 'r=other,s=QUJD,i=4096' },
    { name: 'adds nothing to the nonce', text: 'r=client-nonce,s=QUJD,i=4096' },
    { name: 'gives no salt', text: 'r=client-nonceX,s=,i=4096' },
    { name: 'gives no iterations', text: 'r=client-nonceX,s=QUJD,i=0' },
  ])('$name', ({ text }) => {
    const upstream = new TestUpstream().receive(writeAuthenticationSasl([SCRAM]));
    expect(upstream.receive(writeAuthenticationSaslContinue(utf8.encode(text))).error?.code).toBe('PG_SCRAM_FAILED');
  });

  test('asks a second time, in a weaker way', () => {
    const upstream = new TestUpstream();
    scramServer(upstream, [SCRAM]);
    const before = upstream.sent.length;
    expect(upstream.receive(writeAuthenticationCleartextPassword()).error?.message).toMatch(/second authentication/);
    expect(upstream.sent).toHaveLength(before);
  });

  test('asks for what the gateway does not do', () => {
    for (const code of [2, 7, 9, 99]) {
      const body = Uint8Array.of(0, 0, 0, code);
      expect(new TestUpstream().receive(writeMessage(0x52, body)).error?.code).toBe('PG_UPSTREAM_AUTH_UNSUPPORTED');
    }
    expect(new TestUpstream().receive(writeAuthenticationSasl(['OAUTHBEARER'])).error?.message).toContain(
      'OAUTHBEARER',
    );
  });

  test.each([
    { name: 'row', bytes: writeMessage(0x44, Uint8Array.of(0, 0)) },
    { name: 'ready before authentication', bytes: writeReadyForQuery('idle') },
    { name: 'key before authentication', bytes: writeBackendKeyData(1, new Uint8Array(4)) },
    { name: 'SASL data out of turn', bytes: writeAuthenticationSaslContinue(utf8.encode('r=x,s=eA==,i=1')) },
    { name: 'a second Ok', bytes: concat(writeAuthenticationOk(), writeAuthenticationOk()) },
    { name: 'a newer protocol than asked for', bytes: writeNegotiateProtocolVersion(0x30003, []) },
    { name: 'a lying length', bytes: Uint8Array.of(0x52, 0x7f, 0xff, 0xff, 0xff) },
  ])('sends a $name', ({ bytes }) => {
    expect(new TestUpstream().receive(bytes).error?.code).toMatch(/^PG_(UPSTREAM|MESSAGE)_(MALFORMED|TOO_LARGE)$/);
  });

  test('never becomes ready', () => {
    const upstream = new TestUpstream().receive(writeAuthenticationOk());
    const status = writeParameterStatus('x', 'y'.repeat(20_000));
    for (let i = 0; i < 60 && !upstream.error; i++) upstream.receive(status);
    expect(upstream.error?.code).toBe('PG_MESSAGE_TOO_LARGE');
  });
});

test('an error of the server keeps its SQLSTATE, and the password stays out of everything', () => {
  const upstream = new TestUpstream().receive(writeAuthenticationCleartextPassword());
  upstream.receive(
    writeErrorResponse({ severity: 'FATAL', sqlstate: '28P01', message: 'password authentication failed' }),
  );
  expect(upstream.error).toMatchObject({ code: 'PG_UPSTREAM_REFUSED', sqlstate: '28P01' });
  expect(JSON.stringify(upstream.error) + String(upstream.error)).not.toContain(PASSWORD);
  expect(new TestUpstream({ password: null }).receive(writeAuthenticationSasl([SCRAM])).error?.code).toBe(
    'PG_UPSTREAM_NO_PASSWORD',
  );
});

test('a server that hangs up', () => {
  const upstream = new TestUpstream();
  expect(upstream.run(upstream.machine.handle({ type: 'Disconnected' })).error?.code).toBe('PG_UPSTREAM_CLOSED');
});

test('random and mutated bytes at every state never throw and never establish', () => {
  const states = [
    () => new TestUpstream(),
    () => new TestUpstream({ tls: 'request' }),
    () => new TestUpstream({ tls: 'direct' }),
    () => new TestUpstream().receive(writeAuthenticationSasl([SCRAM])),
    () => new TestUpstream().receive(writeAuthenticationCleartextPassword()),
  ];
  const messages = [writeAuthenticationSasl([SCRAM]), writeAuthenticationMd5Password(SALT.slice(0, 4)), notice];
  const chunk = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.tuple(fc.constantFrom(...messages), fc.nat(40), fc.integer({ min: 1, max: 255 })).map(([message, at, bits]) => {
      const bytes = message.slice();
      if (at < bytes.length) bytes[at]! ^= bits;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...states), fc.array(chunk, { maxLength: 6 }), (state, chunks) => {
      const upstream = state();
      for (const bytes of chunks) upstream.receive(bytes);
      expect(upstream.session).toBe(null);
    }),
    { numRuns: 1000 },
  );
});
