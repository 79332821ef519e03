import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../../test/components.ts';
import { makeAuthority, type TestAuthority, type TestCertificate } from '../../test/support/certificates.ts';
import { SyslogDestination } from '../contract/siem.ts';
import { events, statement } from './mapping/test-events.ts';
import { freePort, put, startSyslogNg, testSiem, until } from './test-siem.ts';
import { framed, syslogMessage, syslogTransport } from './transports/syslog.ts';

const syslogNg = component('syslog-ng');
let authority: TestAuthority;
let stranger: TestAuthority;
let server: TestCertificate;
let client: TestCertificate;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-syslog-'));
  authority = makeAuthority();
  stranger = makeAuthority('a stranger');
  server = authority.issue('127.0.0.1', ['IP:127.0.0.1']);
  client = authority.issue('laptop');
});
afterAll(() => {
  authority.remove();
  stranger.remove();
  rmSync(folder, { recursive: true, force: true });
});

const record = { text: 'größer', severity: 4, at: Date.UTC(2026, 2, 4, 5, 6, 7, 89), type: 'statement' };

describe('a message', () => {
  it('is as RFC 5424 has it, counted in octets', () => {
    const message = syslogMessage(record, 13, 'läptop 1', 42);
    expect(message).toBe('<108>1 2026-03-04T05:06:07.089Z lptop1 countersign 42 statement - größer');
    const frame = framed(message).toString();
    expect(frame).toBe(`${Buffer.byteLength(message)} ${message}`);
  });
});

describe.skipIf(syslogNg.missing)(`syslog-ng over TLS${syslogNg.missing ? ` (${syslogNg.missing})` : ''}`, () => {
  it('gets every event, over its own death, and refuses who has no certificate', async () => {
    const port = await freePort();
    const made = testSiem();
    const files = { ca: authority.caFile, cert: server.certFile, key: server.keyFile };
    let daemon = await startSyslogNg(syslogNg.path, files, port, folder);
    try {
      const { certFile, keyFile } = client;
      const common = { kind: 'syslog', host: '127.0.0.1', port, caFile: authority.caFile };
      await put(made.siem, { ...common, id: 'siem', certFile, keyFile, statements: 'all' });
      await put(made.siem, { ...common, id: 'nobody' });
      const other = stranger.issue('mallory');
      await put(made.siem, { ...common, id: 'stranger', certFile: other.certFile, keyFile: other.keyFile });
      await put(made.siem, { ...common, id: 'deceived', certFile, keyFile, caFile: stranger.caFile });
      expect(await made.siem.test('siem')).toEqual({ ok: true, sentence: 'siem has taken a test event.' });
      expect((await made.siem.test('nobody')).sentence).toMatch(/^nobody did not take/);
      expect((await made.siem.test('stranger')).sentence).toMatch(/^stranger did not take/);
      expect((await made.siem.test('deceived')).sentence).toMatch(/not by an authority that is trusted/);
      for (const id of ['nobody', 'stranger', 'deceived']) await made.siem.remove(id);
      await until(() => daemon.lines().length === 1, 'the test event');

      for (const event of events) made.siem.happened(event);
      await until(() => daemon.lines().length === 1 + events.length, 'the events');
      for (const line of daemon.lines()) {
        const [, priority, type, json] = /^(\d+) countersign (\S+) (\{.*\})$/.exec(line) ?? [];
        expect(Number(priority) >> 3).toBe(13);
        expect(type).not.toBe('');
        expect(JSON.parse(json!)).toMatchObject({ metadata: { version: '1.9.0' } });
      }

      await daemon.stop('SIGKILL');
      for (let i = 0; i < 300; i += 1) made.siem.happened(statement({ index: 5000 + i }));
      await until(async () => (await made.siem.status())[0]!.error !== null, 'an error');
      expect((await made.siem.status())[0]!.error).toMatch(/nothing listens there|broke the connection/);
      daemon = await startSyslogNg(syslogNg.path, files, port, folder);
      const arrived = () => new Set(daemon.lines().flatMap((line) => /\/statement\/(5\d{3})/.exec(line)?.[1] ?? []));
      await until(() => arrived().size === 300, 'all events, some of them perhaps twice');
      await until(async () => (await made.siem.status())[0]!.error === null, 'no error any more');
    } finally {
      await daemon.stop();
      await made.remove();
    }
  });
});

describe('a server that', () => {
  const destination = (port: number) =>
    SyslogDestination.parse({ id: 's', kind: 'syslog', host: '127.0.0.1', port, caFile: authority.caFile });
  const many = Array.from({ length: 500 }, () => ({ ...record, text: 'x'.repeat(20_000) }));
  const never = new AbortController().signal;
  const deliver = async (port: number, patience = 5_000) =>
    syslogTransport(destination(port), 'h', 1, patience).deliver(many, never);

  it('closes in the middle of a message has not had the batch', async () => {
    const tls = createTlsServer({ cert: server.cert, key: server.key }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end());
      setTimeout(() => socket.destroy(), 50);
    });
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    await expect(deliver((tls.address() as AddressInfo).port)).rejects.toMatchObject({ code: 'SIEM_NOT_DELIVERED' });
    await new Promise((resolve) => tls.close(resolve));
  });

  it('reads all of it has', async () => {
    let got = 0;
    const tls = createTlsServer({ cert: server.cert, key: server.key }, (socket) => {
      socket.on('data', (part: Buffer) => {
        got += part.length;
      });
    });
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    expect(await deliver((tls.address() as AddressInfo).port, 20_000)).toBe(500);
    expect(got).toBe(framed(syslogMessage(many[0]!, 13, 'h', 1)).length * 500);
    await new Promise((resolve) => tls.close(resolve));
  });

  it('is slow, or no TLS server at all, is given up in time', async () => {
    const sockets: { destroy(): void }[] = [];
    const silent = createServer((socket) => {
      socket.on('error', () => {});
      sockets.push(socket);
    });
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const { port } = silent.address() as AddressInfo;
    await expect(deliver(port, 300)).rejects.toMatchObject({ message: expect.stringMatching(/does not answer/) });
    const stop = new AbortController();
    const waiting = syslogTransport(destination(port), 'h', 1).deliver(many, stop.signal);
    setTimeout(() => stop.abort(new Error('stopped')), 50);
    await expect(waiting).rejects.toMatchObject({ code: 'SIEM_NOT_DELIVERED' });
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  });
});
