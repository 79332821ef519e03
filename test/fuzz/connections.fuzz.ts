import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeQuery, writeTerminate } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL } from '../support/service.ts';
import type { Held } from './gateway.ts';
import { backends, type GatewayProcess, startGatewayProcess } from './support/gateway-process.ts';
import { LONG_FORM, PATIENCE } from './support/runs.ts';
import { shown, WireClient } from './support/wire-client.ts';

/** Connects and disconnects, ten thousand in the long form: what the gateway holds before and after, printed. */
const CONNECTIONS = LONG_FORM ? 10_000 : 400;
const WARM_UP = LONG_FORM ? 1_000 : 200;
const AT_ONCE = 20;
const ROUNDS = 10;
/** In bytes a connection. A session that is kept, with its buffers, is some hundred thousand. */
const MAX_HEAP_GROWTH = 2_000;

let postgres: TestPostgres;
let gateway: GatewayProcess;
const home = mkdtempSync(join(tmpdir(), 'cs-connections-'));

beforeAll(async () => {
  postgres = await startPostgres({ hba: ['host all postgres 127.0.0.1/32 trust'], conf: ['max_connections = 300'] });
  gateway = await startGatewayProcess({ home, policy: ALLOW_ALL, servers: { real: postgres.port } });
});
afterAll(async () => {
  await gateway?.end();
  await postgres?.stop();
  rmSync(home, { recursive: true, force: true });
}, PATIENCE);

/** Every kind of end in turn: goodbye, half of the connection closed, gone without a word, reset; asked something or not. */
async function visit(i: number): Promise<void> {
  const client = await WireClient.open(gateway.target('real'));
  if (i % 3 === 0) expect(shown(await client.ask(writeQuery('SELECT 1')))).toBe('T D C(SELECT 1) Z(I)');
  if (i % 4 === 0) client.send(writeTerminate());
  if (i % 4 === 1) client.socket.end();
  if (i % 4 === 2) client.socket.resetAndDestroy();
  await client.close();
}

async function visits(count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, (_, i) => visit(done + i)));
  }
}

const MIB = 1024 * 1024;
function line(connections: number, held: Held, handles: number, atServer: number): string {
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(1)} MiB`;
  const { heap, external, resident, resources, openSessions } = held;
  return [
    `${String(connections).padStart(6)} connections: heap ${mib(heap)}, external ${mib(external)}`,
    `resident ${mib(resident)}, ${resources} resources, ${handles} descriptors`,
    `${openSessions} sessions open, ${atServer} at the server`,
  ].join(', ');
}

it(
  'clients may come and go as often as they like',
  async () => {
    const atServer = await backends(postgres);
    const now = async () => ({ held: await gateway.measure(), handles: gateway.handles() });
    // The gateway's own look at the catalog, and timers of what it does now and then, may be there or not.
    const settled = async (most: { resources: number; handles: number }) => {
      let found = await now();
      for (let patience = 0; patience < 100; patience++) {
        const { held, handles } = found;
        const fits = held.resources <= most.resources && handles <= most.handles;
        if (fits && held.openSessions === 0 && (await backends(postgres)) <= atServer) break;
        await new Promise((resolve) => setTimeout(resolve, 200));
        found = await now();
      }
      return found;
    };
    await visits(WARM_UP);
    const before = await settled({ resources: 20, handles: 100 });
    const most = { resources: before.held.resources + 2, handles: before.handles + 2 };
    console.log(line(0, before.held, before.handles, await backends(postgres)));
    let after = before;
    for (let round = 1; round <= ROUNDS; round++) {
      await visits(CONNECTIONS / ROUNDS);
      if (!LONG_FORM && round < ROUNDS) continue;
      after = await settled(most);
      console.log(line((CONNECTIONS / ROUNDS) * round, after.held, after.handles, await backends(postgres)));
    }
    expect(after.held.openSessions).toBe(0);
    expect(after.handles).toBeLessThanOrEqual(most.handles);
    expect(after.held.resources).toBeLessThanOrEqual(most.resources);
    expect(await backends(postgres)).toBeLessThanOrEqual(atServer);
    const grown = after.held.heap + after.held.external - before.held.heap - before.held.external;
    expect(grown / CONNECTIONS).toBeLessThan(LONG_FORM ? MAX_HEAP_GROWTH : 25_000);
  },
  PATIENCE,
);
