import { createConnection, createServer } from 'node:net';
import type { DerivedStatement, DeriveSink, Notice, StatementFacts } from '../../../pipeline/derive.ts';
import type { Deriver } from './deriver.ts';

export interface CapturedPiece {
  direction: 'up' | 'down';
  bytes: Uint8Array;
  atMs: number;
}

export interface Capture {
  port: number;
  /** What crossed since the last call. */
  take(): CapturedPiece[];
  close(): Promise<void>;
}

/** A TCP relay that keeps the bytes of its connections, for fixtures from real clients and servers. */
export async function startCapture(host: string, port: number): Promise<Capture> {
  let pieces: CapturedPiece[] = [];
  const server = createServer((client) => {
    const upstream = createConnection({ host, port });
    const keep = (direction: 'up' | 'down') => (bytes: Buffer) => {
      pieces.push({ direction, bytes: new Uint8Array(bytes), atMs: Date.now() });
    };
    client.on('data', keep('up'));
    upstream.on('data', keep('down'));
    client.pipe(upstream);
    upstream.pipe(client);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    take() {
      const taken = pieces;
      pieces = [];
      return taken;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

export interface Told {
  statements: DerivedStatement[];
  rows: (string | null)[][][];
  columns: string[][];
  notices: Notice[];
}

/** Feeds one exchange and gives everything that was told. */
export function deriveAll(
  deriver: Deriver,
  pieces: readonly CapturedPiece[],
  facts: readonly StatementFacts[] = [],
  exchange = 0,
): Told {
  const told: Told = { statements: [], rows: [], columns: [], notices: [] };
  const sink: DeriveSink = {
    wantsRows: () => true,
    columns: (ordinal, columns) => {
      told.columns[ordinal] = columns.map((column) => column.name);
    },
    row: (ordinal, values) => {
      told.rows[ordinal] ??= [];
      told.rows[ordinal].push(values);
    },
    notice: (_ordinal, notice) => told.notices.push(notice),
    statement: (statement) => told.statements.push(statement),
  };
  deriver.begin(exchange, facts, sink);
  for (const { direction, bytes, atMs } of pieces) deriver[direction](bytes, atMs);
  deriver.end();
  return told;
}
