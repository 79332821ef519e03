import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeQuery } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RUN_ALL } from '../support/service.ts';
import { eventually, type GatewayProcess, startGatewayProcess } from './support/gateway-process.ts';
import { PATIENCE } from './support/runs.ts';
import { WireClient } from './support/wire-client.ts';

/** Results with masked columns that are larger than what the gateway may hold. */
const ROWS = 800_000;
const MANY = 'FROM people CROSS JOIN generate_series(1, 200)';
/** In MiB; the result is about 400. */
const MAX_GROWTH = 256;

let postgres: TestPostgres;
let gateway: GatewayProcess;
const home = mkdtempSync(join(tmpdir(), 'cs-masked-'));

beforeAll(async () => {
  postgres = await startPostgres({ hba: ['host all postgres 127.0.0.1/32 trust'] });
  await postgres.query(
    "CREATE TABLE people AS SELECT i, 'word ' || i AS word, repeat('x', 450) AS filler FROM generate_series(1, 4000) i",
  );
  const tagged = [{ table: 'people', column: 'word' }];
  gateway = await startGatewayProcess({ home, policy: RUN_ALL, servers: { real: postgres.port }, tagged });
}, PATIENCE);
afterAll(async () => {
  await gateway?.end();
  await postgres?.stop();
  rmSync(home, { recursive: true, force: true });
});

describe('a result with a masked column streams', () => {
  it.each([
    ['as rows', `SELECT i, word, filler ${MANY}`],
    ['as COPY', `COPY (SELECT i, word, filler ${MANY}) TO STDOUT`],
  ])(
    '%s',
    async (_, text) => {
      const client = await WireClient.open(gateway.target('real'));
      const before = gateway.memory();
      let read = 0;
      let most = 0;
      let end = '';
      let plain = false;
      client.socket.removeAllListeners('data');
      client.socket.on('data', (bytes: Buffer) => {
        if (read === 0) {
          // For a while nothing is read at all: what comes has to wait at the server.
          client.socket.pause();
          setTimeout(() => client.socket.resume(), 1_000);
        }
        read += bytes.length;
        plain ||= bytes.includes('word 3');
        end = (end + bytes.toString('latin1')).slice(-64);
        most = Math.max(most, gateway.memory() - before);
      });
      client.send(writeQuery(text));
      await eventually(() => end.endsWith('Z\0\0\0\x05I'));
      expect(read).toBeGreaterThan(ROWS * 450);
      expect(end).toContain(`${ROWS}\0`);
      expect(plain).toBe(false);
      expect(most).toBeLessThan(MAX_GROWTH);
      await client.close();
    },
    PATIENCE,
  );
});
