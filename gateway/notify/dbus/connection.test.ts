import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BusListeners, connectBus } from './connection.ts';
import { type DBusMessage, MAX_MESSAGE, MESSAGE_TYPES, messageLength, readMessage, writeMessage } from './message.ts';

/** What a bus on a socket does: `answer` gives the bytes for each call, written in pieces of `piece` bytes. */
let folder: string;
let server: Server;
let sockets: Socket[];
let auth: string;
let piece: number;
let answer: (call: DBusMessage) => readonly Buffer[];

const returned = (call: DBusMessage, sender = call.destination ?? '', body: readonly string[] = [':1.9']) =>
  writeMessage({
    type: MESSAGE_TYPES.return,
    flags: 1,
    serial: 1,
    replySerial: call.serial,
    sender,
    signature: 's'.repeat(body.length),
    body,
  });
const signalled = (member: string) =>
  writeMessage({
    type: MESSAGE_TYPES.signal,
    flags: 1,
    serial: 2,
    path: '/x',
    interface: 'x.y',
    member,
    sender: ':1.1',
    signature: '',
    body: [],
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cs-bus-'));
  [sockets, auth, piece] = [[], 'OK 00ff\r\n', 65_536];
  answer = (call) => [returned(call)];
  server = createServer((socket) => {
    sockets.push(socket);
    let begun = false;
    let unread = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      if (!begun) {
        const text = unread.toString('latin1');
        if (text.includes('AUTH') && !text.includes('BEGIN')) socket.write(auth);
        const begin = text.indexOf('BEGIN\r\n');
        if (begin < 0) return;
        begun = true;
        unread = unread.subarray(begin + 7);
      }
      while (unread.length >= 16 && unread.length >= messageLength(unread)) {
        const length = messageLength(unread);
        const bytes = Buffer.concat(answer(readMessage(unread.subarray(0, length))));
        unread = unread.subarray(length);
        for (let at = 0; at < bytes.length; at += piece) socket.write(bytes.subarray(at, at + piece));
      }
    });
  });
  await new Promise<void>((done) => server.listen(join(folder, 'bus'), done));
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

function connected(listeners: Partial<BusListeners> = {}) {
  return connectBus(join(folder, 'bus'), 1000, { signal: () => {}, closed: () => {}, ...listeners });
}
const call = (destination: string) => ({ destination, path: '/x', interface: 'x.y', member: 'Do' });
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('a connection to a bus', () => {
  it('takes answers and signals however they are cut', async () => {
    for (piece of [1, 7, 65_536]) {
      const heard: string[] = [];
      const bus = await connected({ signal: ({ member }) => heard.push(member ?? '') });
      answer = (asked) => [signalled('First'), returned(asked, ':1.1', ['x']), signalled('Second')];
      const reply = await bus.call(call(':1.1'));
      heard.push(String(reply.body[0]));
      await expect.poll(() => heard.length).toBe(3);
      expect(heard.indexOf('x')).toBeLessThan(heard.indexOf('Second'));
      answer = (asked) => [returned(asked)];
      bus.end();
    }
  });

  it('takes an answer only from whom it asked', async () => {
    const bus = await connected();
    answer = (asked) => [returned(asked, ':1.66', ['forged']), returned(asked, ':1.1', ['true'])];
    expect((await bus.call(call(':1.1'))).body).toEqual(['true']);
    bus.end();
  });

  it('says the other side’s error by its name', async () => {
    const bus = await connected();
    answer = (asked) => [
      writeMessage({
        type: MESSAGE_TYPES.error,
        flags: 1,
        serial: 1,
        errorName: 'x.y.Refused',
        replySerial: asked.serial,
        sender: ':1.1',
        signature: '',
        body: [],
      }),
    ];
    await expect(bus.call(call(':1.1'))).rejects.toEqual(code('DBUS_ERROR'));
    bus.end();
  });

  it.each([
    ['is too long', () => Buffer.from(writeMessage({ ...big, body: ['x'.repeat(MAX_MESSAGE)] }))],
    ['is none', () => Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('ends, and says so once, at a message that %s', async (_name, bytes) => {
    const closed: string[] = [];
    const bus = await connected({ closed: (sentence) => closed.push(sentence) });
    answer = () => [bytes()];
    await expect(bus.call(call(':1.1'))).rejects.toEqual(code('DBUS_CLOSED'));
    await expect(bus.call(call(':1.1'))).rejects.toEqual(code('DBUS_CLOSED'));
    expect(closed).toEqual([expect.stringContaining('the session bus is closed: the message bus sent')]);
  });

  it('ends what waits when the bus hangs up', async () => {
    const bus = await connected();
    answer = () => [];
    const waiting = bus.call(call(':1.1'));
    for (const socket of sockets) socket.destroy();
    await expect(waiting).rejects.toEqual(code('DBUS_CLOSED'));
  });

  it.each(['REJECTED EXTERNAL\r\n', `OK ${'0'.repeat(600)}`, 'nonsense\r\n'])('is refused by %j', async (line) => {
    auth = line;
    await expect(connected()).rejects.toEqual(code('DBUS_CLOSED'));
  });
});

const big = {
  type: MESSAGE_TYPES.signal,
  flags: 1,
  serial: 1,
  path: '/x',
  interface: 'x.y',
  member: 'Z',
  signature: 's',
};
