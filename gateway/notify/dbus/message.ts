import { CountersignError } from '../../contract/errors.ts';
import { type DBusValue, MarshalReader, MarshalWriter } from './marshal.ts';

/** Messages of the D-Bus specification ("Message Format"), as far as a client of other services needs them. */
export const MESSAGE_TYPES = { call: 1, return: 2, error: 3, signal: 4 } as const;
export const NO_REPLY_EXPECTED = 1;

/** The specification allows 128 MiB; nothing that is of use here is larger than this. */
export const MAX_MESSAGE = 1024 * 1024;
/** Bytes before the header fields, the array's length among them. */
export const FIXED_HEADER = 16;

export interface DBusMessage {
  type: number;
  flags: number;
  serial: number;
  path?: string;
  interface?: string;
  member?: string;
  errorName?: string;
  replySerial?: number;
  destination?: string;
  /** Unique name of who sent it; the bus sets it, so it cannot be forged. */
  sender?: string;
  signature: string;
  body: readonly DBusValue[];
}

/** Header fields by their code. */
const FIELDS = [
  { code: 1, name: 'path', signature: 'o' },
  { code: 2, name: 'interface', signature: 's' },
  { code: 3, name: 'member', signature: 's' },
  { code: 4, name: 'errorName', signature: 's' },
  { code: 5, name: 'replySerial', signature: 'u' },
  { code: 6, name: 'destination', signature: 's' },
  { code: 7, name: 'sender', signature: 's' },
  { code: 8, name: 'signature', signature: 'g' },
] as const;

const malformed = (what: string) => new CountersignError('DBUS_MALFORMED', `the message bus sent ${what}`);

export function writeMessage(message: DBusMessage): Buffer {
  const body = new MarshalWriter();
  body.writeAll(message.signature, message.body);
  const bytes = body.bytes();
  const header = new MarshalWriter();
  const fields = FIELDS.flatMap(({ code, name, signature }): DBusValue[] => {
    const value = message[name];
    return value === undefined || value === '' ? [] : [[code, { signature, value }]];
  });
  header.writeAll('yyyyuua(yv)', [0x6c, message.type, message.flags, 1, bytes.length, message.serial, fields]);
  header.align(8);
  return Buffer.concat([header.bytes(), bytes]);
}

/**
 * Length of the message that begins here, of which the first FIXED_HEADER bytes are there.
 * Throws DBUS_MALFORMED.
 */
export function messageLength(bytes: Buffer): number {
  const little = isLittle(bytes);
  const at = (offset: number) => (little ? bytes.readUInt32LE(offset) : bytes.readUInt32BE(offset));
  const length = FIXED_HEADER + Math.ceil(at(12) / 8) * 8 + at(4);
  if (length > MAX_MESSAGE) throw malformed(`a message of ${length} bytes, more than anybody needs here`);
  return length;
}

/** Reads one whole message. Throws DBUS_MALFORMED. */
export function readMessage(bytes: Buffer): DBusMessage {
  const reader = new MarshalReader(bytes, isLittle(bytes));
  const [, type, flags, version, bodyLength, serial, fields] = reader.readAll('yyyyuua(yv)');
  if (version !== 1) throw malformed('a message of another version of the protocol');
  const message: DBusMessage = {
    type: Number(type),
    flags: Number(flags),
    serial: Number(serial),
    signature: '',
    body: [],
  };
  for (const [code, variant] of fields as [number, { signature: string; value: DBusValue }][]) {
    const field = FIELDS.find((known) => known.code === code);
    if (field === undefined) continue;
    if (variant.signature !== field.signature) throw malformed(`a header field ${field.name} of another type`);
    Object.assign(message, { [field.name]: variant.value });
  }
  reader.align(8);
  if (reader.left !== bodyLength) throw malformed('a message of another length than it says');
  message.body = reader.readAll(message.signature);
  if (reader.left > 0) throw malformed('a message with more in it than it says');
  return message;
}

function isLittle(bytes: Buffer): boolean {
  if (bytes[0] === 0x6c) return true;
  if (bytes[0] === 0x42) return false;
  throw malformed('something that is not a message');
}
