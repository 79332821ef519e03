import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeQuery } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { exchanges } from '../../gateway/recording/reader.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { type GatewayProcess, startGatewayProcess, verifyAll } from './support/gateway-process.ts';
import { errorOf, shown, WireClient } from './support/wire-client.ts';

/** A gateway that is killed, or whose disk is full: what reached the server is in the recordings. */
let postgres: TestPostgres;
const home = mkdtempSync(join(tmpdir(), 'cs-fuzz-'));

beforeAll(async () => {
  postgres = await startPostgres({ hba: ['host all postgres 127.0.0.1/32 trust'] });
  await postgres.query('CREATE TABLE done (n int)');
});
afterAll(async () => {
  await postgres?.stop();
  rmSync(home, { recursive: true, force: true });
});

const start = (folder: string) =>
  startGatewayProcess({ home: folder, policy: ALLOW_ALL, servers: { real: postgres.port } });

/** Inserts `from`, `from` + 1, … one by one until the connection ends or `enough`. */
async function insert(gateway: GatewayProcess, from: number, enough: () => boolean): Promise<WireClient> {
  const client = await WireClient.open(gateway.target('real'));
  for (let n = from; !enough() && !client.ended; n++) {
    client.frames.length = 0;
    await client.ask(writeQuery(`INSERT INTO done VALUES (${n}) /* ${randomBytes(n % 4096).toString('hex')} */`));
  }
  return client;
}

/** Every number that a recorded request inserts. */
async function recorded(folder: string): Promise<Set<number>> {
  const found = new Set<number>();
  const { sessions } = await verifyAll(folder);
  for (const session of sessions) {
    for await (const exchange of exchanges(session)) {
      const text = Buffer.concat(exchange.up.map((piece) => Buffer.from(piece.bytes ?? []))).toString('latin1');
      for (const [, n] of text.matchAll(/INSERT INTO done VALUES \((\d+)\)/g)) found.add(Number(n));
    }
  }
  return found;
}

async function expectAllRecorded(folder: string): Promise<void> {
  const rows = await postgres.query('SELECT n FROM done');
  const found = await recorded(folder);
  expect(rows.map(({ n }) => Number(n)).filter((n) => !found.has(n))).toEqual([]);
}

it('killed in the middle of traffic, it has every statement that changed the database', async () => {
  for (let round = 0; round < 3; round++) {
    const gateway = await start(home);
    const from = round * 1_000_000;
    const clients = [0, 1, 2, 3].map((i) => insert(gateway, from + i * 100_000, () => false));
    let before = -1;
    while (before < 40) {
      before = Number((await postgres.query(`SELECT count(*) AS n FROM done WHERE n >= ${from}`))[0]?.n);
    }
    await gateway.kill();
    await Promise.all(clients);
  }
  const again = await start(home);
  const client = await WireClient.open(again.target('real'));
  expect(shown(await client.ask(writeQuery('SELECT 1')))).toBe('T D C(SELECT 1) Z(I)');
  await client.close();
  expect(await again.end()).toBe(0);
  const { sessions, broken } = await verifyAll(home);
  expect(sessions.length).toBe(13);
  expect(broken).toEqual([]);
  await expectAllRecorded(home);
});

/** A folder on a small disk of its own; null where that is not permitted. */
function smallDisk(megabytes: number): { folder: string; remove(): void } | null {
  const folder = mkdtempSync(join(tmpdir(), 'cs-full-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0700`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return null;
  }
  return {
    folder,
    remove() {
      execFileSync('umount', ['-l', folder], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const disk = process.getuid?.() === 0 ? smallDisk(64) : null;
afterAll(() => disk?.remove());

it.skipIf(disk === null)(
  'on a full disk it forwards nothing more, says why, and goes on when there is room',
  async () => {
    const { folder } = disk!;
    await postgres.query('TRUNCATE done');
    const gateway = await start(folder);
    const early = await insert(gateway, 0, () => true);
    await early.ask(writeQuery('INSERT INTO done VALUES (1)'));
    const filler = join(folder, 'filler');
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(filler, Buffer.alloc(Math.max(bavail * bsize - 256 * 1024, 0)));
    const client = await insert(gateway, 10, () => false);
    expect(client.frames.filter((frame) => frame.type === 'E')).toHaveLength(1);
    const last = client.frames.at(-1)!;
    expect(last.type).toBe('E');
    expect(errorOf(last)).toMatchObject({ severity: 'FATAL', sqlstate: '58030' });
    expect(errorOf(last).message).toMatch(/record|disk|space/i);
    const count = async () => (await postgres.query('SELECT count(*) AS n FROM done'))[0]?.n;
    const then = await count();
    // A new session is refused, and the one from before may not go on either.
    await expect(WireClient.open(gateway.target('real'))).rejects.toThrow(/Countersign/);
    if (!early.ended) await early.ask(writeQuery('INSERT INTO done VALUES (2)'));
    expect(await count()).toBe(then);
    await gateway.end();
    rmSync(filler);
    const again = await start(folder);
    await insert(again, 5_000_000, () => true).then((one) => one.ask(writeQuery('INSERT INTO done VALUES (5000000)')));
    expect(await again.end()).toBe(0);
    expect((await verifyAll(folder)).broken).toEqual([]);
    await expectAllRecorded(folder);
  },
);

const readOnly = process.getuid?.() === 0 ? smallDisk(64) : null;
afterAll(() => readOnly?.remove());

it.skipIf(readOnly === null)('in a folder that can no longer be written it forwards nothing more', async () => {
  const { folder } = readOnly!;
  await postgres.query('TRUNCATE done');
  const gateway = await start(folder);
  const client = await insert(gateway, 0, () => true);
  expect(shown(await client.ask(writeQuery('INSERT INTO done VALUES (1)')))).toBe('C(INSERT 0 1) Z(I)');
  // Root writes where modes forbid it, so new files are what fails: the folder itself goes.
  chmodSync(join(folder, 'recordings'), 0);
  rmSync(join(folder, 'recordings'), { recursive: true, force: true });
  writeFileSync(join(folder, 'recordings'), 'in the way');
  for (let i = 0; i < 40 && !client.ended; i++) {
    client.frames.length = 0;
    await client.ask(writeQuery(`SELECT '${'x'.repeat(1024 * 1024)}'`));
  }
  expect(client.ended).toBe(true);
  expect(errorOf(client.frames.at(-1)!)).toMatchObject({ severity: 'FATAL', sqlstate: '58030' });
  await expect(WireClient.open(gateway.target('real'))).rejects.toThrow(/Countersign/);
  expect(gateway.exited).toBe(false);
  await gateway.end();
});
