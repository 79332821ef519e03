import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { runClient, type SideBySide, startSideBySide } from '../support/side-by-side.ts';

/** Drivers of other languages: one program each prints what it saw, directly and through the gateway. */
const psycopg = component('psycopg');
const java = component('java');
const jdbc = component('jdbc');
const client = (name: string) => fileURLToPath(new URL(`clients/${name}`, import.meta.url));

let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  sides = await startSideBySide(postgres, { policy: ALLOW_ALL });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

async function both(program: string, args: readonly string[]): Promise<[string, string]> {
  const direct = await runClient(program, args, sides.direct);
  expect(direct.code, direct.out).toBe(0);
  const gateway = await runClient(program, args, sides.gateway);
  expect(gateway.code, gateway.out).toBe(0);
  // How far a pipeline came when its block ended depends on the moment.
  const steady = (out: string) => out.replace(/^error ignored terminating .*\n/m, '');
  return [steady(direct.out), steady(gateway.out)];
}

it.skipIf(psycopg.missing)(
  'psycopg sees the same through the gateway',
  async () => {
    const [direct, gateway] = await both(psycopg.path, [client('play_psycopg.py')]);
    expect(gateway).toBe(direct);
    expect(JSON.parse(direct)).toContainEqual(['cancelled', "['QueryCanceled', '57014']"]);
  },
  60_000,
);

it.skipIf(java.missing || jdbc.missing)(
  'JDBC sees the same through the gateway',
  async () => {
    const [direct, gateway] = await both(java.path, ['-cp', jdbc.path, client('Jdbc.java')]);
    expect(gateway).toBe(direct);
    expect(direct).toContain('fetch size: 45150');
  },
  90_000,
);
