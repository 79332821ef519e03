import { connect, type Socket } from 'node:net';
import { CountersignError } from '../../contract/errors.ts';
import type { DBusValue } from './marshal.ts';
import {
  type DBusMessage,
  FIXED_HEADER,
  MAX_MESSAGE,
  MESSAGE_TYPES,
  messageLength,
  NO_REPLY_EXPECTED,
  readMessage,
  writeMessage,
} from './message.ts';

export const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus' } as const;

export interface Call {
  destination: string;
  path: string;
  interface: string;
  member: string;
  signature?: string;
  body?: readonly DBusValue[];
}

/** What is told to whoever listens. */
export interface Signal {
  path: string;
  interface: string;
  member: string;
  signature?: string;
  body?: readonly DBusValue[];
}

/** What a call that others make is answered with: values, or the name of an error. */
export type Reply = { signature: string; body: readonly DBusValue[] } | { error: string };

/** A connection to a message bus, as a client of services on it, and as a service where it answers calls. */
export interface BusConnection {
  /**
   * The destination is a unique name, or the bus itself, so that the answer is known to be its own.
   * Throws DBUS_ERROR with the error's name, DBUS_SILENT, DBUS_CLOSED.
   */
  call(call: Call): Promise<DBusMessage>;
  /** Without waiting for an answer. */
  send(call: Call): void;
  emit(signal: Signal): void;
  /** What was sent is still delivered. */
  end(): void;
}

export interface BusListeners {
  /** After the answers that came before it were handed out. */
  signal(message: DBusMessage): void;
  /** Once, whoever ended it. */
  closed(sentence: string): void;
  /** A call that another program makes; must not throw. Without this none is answered. */
  called?(message: DBusMessage): Reply;
}

const PATIENCE_MS = 10_000;
/** Calls without an answer. */
const MAX_WAITING = 64;
/** What the other side does not take. */
const MAX_UNSENT = 1024 * 1024;
const MAX_AUTH_LINE = 512;

/** Connects as the user that the process runs as (SASL EXTERNAL). Throws CountersignError. */
export async function connectBus(path: string, uid: number, listeners: BusListeners): Promise<BusConnection> {
  const socket = connect(path);
  socket.setNoDelay();
  const patience = setTimeout(() => socket.destroy(new Error('it does not answer')), PATIENCE_MS);
  try {
    await authenticate(socket, uid);
    const bus = new Bus(socket, listeners);
    await bus.call({ ...BUS, interface: BUS.destination, member: 'Hello' });
    return bus;
  } catch (error) {
    socket.destroy();
    const reason = error instanceof Error ? error.message : String(error);
    throw new CountersignError('DBUS_CLOSED', `the session bus does not let this in: ${reason}`, { cause: error });
  } finally {
    clearTimeout(patience);
  }
}

/** "Authentication Protocol": one line each way; the bus asks the kernel whether the uid is right. */
function authenticate(socket: Socket, uid: number): Promise<void> {
  return new Promise((done, fail) => {
    let line = '';
    const hear = (chunk: Buffer) => {
      line += chunk.toString('latin1');
      const end = line.indexOf('\r\n');
      if (end < 0 && line.length <= MAX_AUTH_LINE) return;
      socket.off('data', hear);
      // The bus says nothing more before it is asked.
      if (end !== line.length - 2 || !/^OK [0-9a-f]{1,64}\r\n$/i.test(line)) fail(new Error('it refuses this user'));
      else {
        socket.write('BEGIN\r\n');
        done();
      }
    };
    socket.once('error', fail);
    socket.once('close', () => fail(new Error('it hung up')));
    socket.on('data', hear);
    socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(uid)).toString('hex')}\r\n`);
  });
}

interface Waiting {
  destination: string;
  done(message: DBusMessage): void;
  fail(error: Error): void;
  timer: NodeJS.Timeout;
}

class Bus implements BusConnection {
  readonly #socket: Socket;
  readonly #listeners: BusListeners;
  readonly #waiting = new Map<number, Waiting>();
  #serial = 0;
  #unread: Buffer = Buffer.alloc(0);
  #closed: CountersignError | null = null;

  constructor(socket: Socket, listeners: BusListeners) {
    this.#socket = socket;
    this.#listeners = listeners;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#close(error.message));
    socket.on('close', () => this.#close('it hung up'));
  }

  call(call: Call): Promise<DBusMessage> {
    return new Promise((done, fail) => {
      if (this.#waiting.size >= MAX_WAITING) {
        return fail(new CountersignError('DBUS_SILENT', 'the session bus does not keep up'));
      }
      const serial = this.#write(call, 0);
      if (serial === null)
        return fail(this.#closed ?? new CountersignError('DBUS_CLOSED', 'the session bus is closed'));
      const timer = setTimeout(() => {
        this.#waiting.delete(serial);
        fail(new CountersignError('DBUS_SILENT', `${call.destination} does not answer on the session bus`));
      }, PATIENCE_MS);
      this.#waiting.set(serial, { destination: call.destination, done, fail, timer });
    });
  }

  send(call: Call): void {
    this.#write(call, NO_REPLY_EXPECTED);
  }

  emit({ signature = '', body = [], ...header }: Signal): void {
    this.#send((serial) => ({
      ...header,
      type: MESSAGE_TYPES.signal,
      flags: NO_REPLY_EXPECTED,
      serial,
      signature,
      body,
    }));
  }

  end(): void {
    this.#socket.end();
    this.#close('it was not needed any more');
  }

  /** @returns its serial; null when it cannot be sent any more. */
  #write({ signature = '', body = [], ...header }: Call, flags: number): number | null {
    return this.#send((serial) => ({ ...header, type: MESSAGE_TYPES.call, flags, serial, signature, body }));
  }

  #send(message: (serial: number) => DBusMessage): number | null {
    if (this.#closed !== null) return null;
    if (this.#socket.writableLength > MAX_UNSENT) {
      this.#destroy('it does not take what is sent');
      return null;
    }
    this.#serial = (this.#serial % 0x7fff_ffff) + 1;
    this.#socket.write(writeMessage(message(this.#serial)));
    return this.#serial;
  }

  #read(chunk: Buffer): void {
    if (this.#closed !== null) return;
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    try {
      while (this.#unread.length >= FIXED_HEADER) {
        const length = messageLength(this.#unread);
        if (this.#unread.length < length) break;
        const message = readMessage(this.#unread.subarray(0, length));
        this.#unread = this.#unread.subarray(length);
        this.#dispatch(message);
      }
    } catch (error) {
      this.#destroy(error instanceof Error ? error.message : String(error));
    }
    if (this.#unread.length > MAX_MESSAGE + chunk.length) this.#destroy('it sends too much');
  }

  #dispatch(message: DBusMessage): void {
    // A promise is told later than the signal behind its answer would be.
    if (message.type === MESSAGE_TYPES.signal) {
      setImmediate(() => {
        if (this.#closed === null) this.#listeners.signal(message);
      });
      return;
    }
    if (message.type === MESSAGE_TYPES.call) {
      this.#answer(message);
      return;
    }
    if (message.replySerial === undefined) return;
    const waiting = this.#waiting.get(message.replySerial);
    // Anybody on the bus can send what looks like an answer.
    if (waiting === undefined || waiting.destination !== message.sender) return;
    this.#waiting.delete(message.replySerial);
    clearTimeout(waiting.timer);
    if (message.type === MESSAGE_TYPES.return) waiting.done(message);
    else waiting.fail(new CountersignError('DBUS_ERROR', message.errorName ?? 'an error without a name'));
  }

  #answer(message: DBusMessage): void {
    const reply = this.#listeners.called?.(message);
    if (reply === undefined || (message.flags & NO_REPLY_EXPECTED) !== 0 || message.sender === undefined) return;
    const common = { flags: NO_REPLY_EXPECTED, replySerial: message.serial, destination: message.sender };
    this.#send((serial) =>
      'error' in reply
        ? { ...common, type: MESSAGE_TYPES.error, serial, errorName: reply.error, signature: '', body: [] }
        : { ...common, type: MESSAGE_TYPES.return, serial, signature: reply.signature, body: reply.body },
    );
  }

  #destroy(reason: string): void {
    this.#socket.destroy();
    this.#close(reason);
  }

  #close(reason: string): void {
    if (this.#closed !== null) return;
    this.#closed = new CountersignError('DBUS_CLOSED', `the session bus is closed: ${reason}`);
    for (const { fail, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      fail(this.#closed);
    }
    this.#waiting.clear();
    this.#unread = Buffer.alloc(0);
    this.#listeners.closed(this.#closed.message);
  }
}
