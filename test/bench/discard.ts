import { createConnection } from 'node:net';

/**
 * A client that reads a result and throws it away, so that it costs as little as a client can:
 *   PGHOST … npx node test/bench/discard.ts "SELECT …"
 * Prints {"ms", "bytes"} from the query's first byte to the last one of ReadyForQuery.
 */
const { PGHOST = '127.0.0.1', PGPORT, PGUSER = '', PGDATABASE = '', PGPASSWORD = '', PGAPPNAME = '' } = process.env;
const AUTHENTICATION = 0x52;
const READY = [0x5a, 0, 0, 0, 5];

function message(type: string, text: string): Buffer {
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(type.length + 4);
  head.write(type);
  head.writeInt32BE(body.length + 4, type.length);
  return Buffer.concat([head, body]);
}

let start = 0;
let bytes = 0;
let tail = Buffer.alloc(0);
const socket = createConnection({
  host: PGHOST,
  port: Number(PGPORT),
  noDelay: true,
  onread: {
    buffer: Buffer.alloc(256 * 1024),
    callback(count, buffer) {
      const chunk = (buffer as Buffer).subarray(0, count);
      if (start === 0) handshake(chunk);
      bytes += count;
      // ReadyForQuery ends what the server sends, so it is looked for at the end of a read only.
      const end = chunk.length >= 6 ? chunk.subarray(-6) : Buffer.concat([tail, chunk]).subarray(-6);
      tail = Buffer.from(end);
      if (end.length === 6 && READY.every((byte, i) => end[i] === byte)) ready();
      return true;
    },
  },
});
socket.on('connect', () =>
  socket.write(message('', `\0\x03\0\0user\0${PGUSER}\0database\0${PGDATABASE}\0application_name\0${PGAPPNAME}\0`)),
);
socket.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});

function handshake(chunk: Buffer): void {
  if (chunk[0] === 0x45) {
    process.stderr.write(`${chunk.toString('latin1')}\n`);
    process.exit(1);
  }
  if (chunk[0] === AUTHENTICATION && chunk.readInt32BE(5) === 3) socket.write(message('p', PGPASSWORD));
}

function ready(): void {
  if (start === 0) {
    bytes = 0;
    start = performance.now();
    socket.write(message('Q', process.argv[2]!));
    return;
  }
  process.stdout.write(`${JSON.stringify({ ms: performance.now() - start, bytes })}\n`);
  socket.end(Buffer.from([0x58, 0, 0, 0, 4]));
}
