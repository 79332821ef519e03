import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL, startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { cuts, ending, orderly, type Step, wild } from './support/pipelines.ts';
import { FORBIDDING } from './support/policy.ts';
import { holds, PATIENCE } from './support/runs.ts';
import { errorOf, type Frame, shown, type Target, WireClient } from './support/wire-client.ts';

/** Random pipelines against a real server: with it alone, through the gateway, and past its policy. */
let postgres: TestPostgres;
let open: TestService;
let closed: TestService;
let direct: Target;
let through: Target;
let guarded: Target;

async function targetOf(service: TestService): Promise<Target> {
  const { env } = await service.connect();
  return {
    host: String(env.PGHOST),
    port: Number(env.PGPORT),
    user: String(env.PGUSER),
    database: String(env.PGDATABASE),
    password: String(env.PGPASSWORD),
  };
}

beforeAll(async () => {
  postgres = await startPostgres({ hba: ['host direct postgres 127.0.0.1/32 trust'] });
  await postgres.query('CREATE DATABASE direct');
  await postgres.query('CREATE TABLE forbidden (a int); CREATE TABLE allowed (a int)', 'direct');
  // A copy has the same OIDs, which results name.
  await postgres.query('CREATE DATABASE through TEMPLATE direct');
  await postgres.query('CREATE DATABASE guarded TEMPLATE direct');
  const connection = (database: string) => superuserConnection(postgres, { masking: 'off', database });
  open = await startTestService({ connections: [connection('through')], policy: ALLOW_ALL });
  closed = await startTestService({ connections: [connection('guarded')], policy: FORBIDDING });
  direct = { host: postgres.host, port: postgres.port, user: 'postgres', database: 'direct', password: null };
  through = await targetOf(open);
  guarded = await targetOf(closed);
});
afterAll(async () => {
  await open?.stop();
  await closed?.stop();
  await postgres?.stop();
});

/** Everything that comes back, up to the answer to the ending or to the end of the connection. */
async function play(target: Target, steps: readonly Step[], cut: number, patience = 20_000): Promise<Frame[]> {
  const client = await WireClient.open(target);
  const mark = 'that is all';
  const bytes = Buffer.concat([...steps.map((step) => step.bytes), ending(mark)]);
  if (cut === 0) client.send(bytes);
  // Pieces that leave in turns of the event loop of their own, so that reads see them apart.
  for (let at = 0; cut > 0 && at < bytes.length; at += Math.ceil(bytes.length / cut)) {
    client.send(bytes.subarray(at, at + Math.ceil(bytes.length / cut)));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const isMark = (frame: Frame) => frame.type === 'D' && Buffer.from(frame.body).includes(mark);
  await client.within(patience, () => client.frames.findIndex(isMark) >= 0 && client.frames.at(-1)?.type === 'Z');
  await client.close();
  return client.frames;
}

const text = (frame: Frame) => `${frame.type} ${Buffer.from(frame.body).toString('latin1')}`;

it(
  'a client reads through the gateway what it reads without it',
  async () => {
    await holds(
      60,
      fc.asyncProperty(orderly, cuts, async (steps, cut) => {
        const [without, withIt] = await Promise.all([play(direct, steps, 0), play(through, steps, cut)]);
        const says = steps.map((step) => step.says).join('\n');
        // What runs under a name that may not exist is refused by the gateway before the server can say so.
        withIt.forEach((frame, i) => {
          const other = without[i];
          if (frame.type === 'E' && other?.type === 'E' && errorOf(frame).sqlstate === '42501') withIt[i] = other;
        });
        expect(shown(withIt), says).toBe(shown(without));
        expect(withIt.map(text), says).toEqual(without.map(text));
      }),
    );
  },
  PATIENCE,
);

it(
  'nothing writes to the forbidden table, whatever the pipeline',
  async () => {
    await holds(
      120,
      fc.asyncProperty(wild, cuts, async (steps, cut) => {
        const answer = await play(guarded, steps, cut, 500);
        const [row] = await postgres.query('SELECT count(*) AS n FROM forbidden', 'guarded');
        expect(row?.n, `${steps.map((step) => step.says).join('\n')}\n${shown(answer)}`).toBe('0');
      }),
    );
  },
  PATIENCE,
);
