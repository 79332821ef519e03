import { checkServerIdentity, connect, type TLSSocket } from 'node:tls';
import type { SyslogDestination } from '../../contract/siem.ts';
import { failureOf, PATIENCE_MS, SiemFailure, type SiemRecord, type Transport, tlsMaterial } from './transport.ts';

const NIL = '-';
/** RFC 5424 section 6: PRINTUSASCII, and the most of it. */
const ascii = (text: string, most: number) => text.replace(/[^\x21-\x7e]/g, '').slice(0, most) || NIL;

/** One syslog message (RFC 5424), without framing. Structured data is empty: all that is known is in the message. */
export function syslogMessage(record: SiemRecord, facility: number, host: string, pid: number): string {
  const { severity, at, type, text } = record;
  const time = new Date(at).toISOString();
  return `<${facility * 8 + severity}>1 ${time} ${ascii(host, 255)} countersign ${pid} ${ascii(type, 32)} ${NIL} ${text}`;
}

/** Octet counting (RFC 5425 section 4.3, RFC 6587 section 3.4.1). */
export function framed(message: string): Buffer {
  const bytes = Buffer.from(message, 'utf8');
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes]);
}

/**
 * Syslog over TLS. The protocol has no answers, so a batch counts as delivered when the server has closed
 * its side in order after ours: had it not read everything by then, the connection would have broken. So
 * there is one connection a batch. What a server loses after it was read, nobody can see from here.
 */
export function syslogTransport(
  destination: SyslogDestination,
  host: string,
  pid: number,
  patienceMs: number = PATIENCE_MS,
): Transport {
  const { facility } = destination;
  const where = `${destination.host}:${destination.port}`;
  return {
    batch: 500,
    async deliver(records, signal) {
      const bytes = Buffer.concat(records.map((record) => framed(syslogMessage(record, facility, host, pid))));
      const limit = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
      try {
        await send(open(destination), bytes, limit);
      } catch (error) {
        throw failureOf(where, error);
      }
      return records.length;
    },
    close: () => {},
  };
}

function open(destination: SyslogDestination): TLSSocket {
  const { host, port, serverName } = destination;
  const name = serverName ?? host;
  return connect({
    host,
    port,
    // SNI takes names alone; an address is verified as such.
    ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
    ...tlsMaterial(destination),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  });
}

function send(socket: TLSSocket, bytes: Buffer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let written = false;
    let early = false;
    const fail = (error: unknown) => {
      socket.destroy();
      reject(error);
    };
    const abort = () => fail(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    socket.once('error', fail);
    socket.once('secureConnect', () =>
      socket.end(bytes, () => {
        written = true;
      }),
    );
    // A server has nothing to say; what it says is read so that its end is seen.
    socket.resume();
    socket.once('end', () => {
      early = !written;
    });
    socket.once('close', () => {
      signal.removeEventListener('abort', abort);
      if (written && !early) resolve();
      else reject(new SiemFailure('it closed the connection before it had everything'));
    });
  });
}
