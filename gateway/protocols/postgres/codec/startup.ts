import { CountersignError } from '../../../contract/errors.ts';
import { STARTUP_PACKET } from './limits.ts';
import { startupCode } from './messages.ts';
import { malformed, Reader } from './reader.ts';
import { MessageWriter } from './writer.ts';

/**
 * Packets without a type byte: what a connection begins with.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html (SSLRequest,
 * GSSENCRequest, CancelRequest, StartupMessage).
 */
export type StartupPacket =
  | { kind: 'SSLRequest' }
  | { kind: 'GSSENCRequest' }
  | { kind: 'CancelRequest'; pid: number; secret: Uint8Array }
  | { kind: 'StartupMessage'; major: number; minor: number; parameters: Map<string, string> };

/**
 * Length of the packet at the beginning of bytes[start, end), or null while its length is not there.
 * Throws PG_MESSAGE_MALFORMED (under 8) and PG_MESSAGE_TOO_LARGE (above 10,000).
 */
export function startupPacketLength(bytes: Uint8Array, start: number, end: number): number | null {
  if (end - start < 4) return null;
  const length = new Reader(bytes, start, end).uint32();
  if (length < 8) throw malformed(`a startup packet of ${length} bytes`);
  if (length > STARTUP_PACKET) {
    throw new CountersignError(
      'PG_MESSAGE_TOO_LARGE',
      `startup packet of ${length} bytes is above its limit of ${STARTUP_PACKET} bytes`,
    );
  }
  return length;
}

/** @param bytes one whole packet, its length included. */
export function readStartupPacket(bytes: Uint8Array): StartupPacket {
  const reader = new Reader(bytes, 0, bytes.length);
  if (reader.uint32() !== bytes.length) throw malformed('its length is not the one announced');
  const code = reader.uint32();
  switch (code) {
    case startupCode.SSLRequest:
      reader.finish();
      return { kind: 'SSLRequest' };
    case startupCode.GSSENCRequest:
      reader.finish();
      return { kind: 'GSSENCRequest' };
    case startupCode.CancelRequest: {
      const pid = reader.int32();
      if (reader.remaining < 4 || reader.remaining > 256) throw malformed('a cancellation key has 4 to 256 bytes');
      return { kind: 'CancelRequest', pid, secret: reader.take(reader.remaining).slice() };
    }
  }
  const major = code >>> 16;
  const minor = code & 0xffff;
  const parameters = new Map<string, string>();
  // Only version 3 has the layout that follows.
  if (major !== 3) return { kind: 'StartupMessage', major, minor, parameters };
  for (let name = reader.cstring(); name !== ''; name = reader.cstring()) {
    parameters.set(name, reader.cstring());
  }
  reader.finish();
  return { kind: 'StartupMessage', major, minor, parameters };
}

export function writeSslRequest(): Uint8Array {
  return new MessageWriter().beginPacket().int32(startupCode.SSLRequest).end().finish();
}

export function writeCancelRequest(pid: number, secret: Uint8Array): Uint8Array {
  return new MessageWriter().beginPacket().int32(startupCode.CancelRequest).int32(pid).bytes(secret).end().finish();
}

/** @param version such as protocolVersion.v3_2. */
export function writeStartupMessage(version: number, parameters: Iterable<readonly [string, string]>): Uint8Array {
  const writer = new MessageWriter().beginPacket().int32(version);
  for (const [name, value] of parameters) writer.cstring(name).cstring(value);
  const packet = writer.uint8(0).end().finish();
  if (packet.length > STARTUP_PACKET) {
    throw new CountersignError('PG_MESSAGE_TOO_LARGE', 'the startup parameters are longer than a server takes');
  }
  return packet;
}
