import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frontend } from '../../gateway/protocols/postgres/codec/messages.ts';
import { writeMessage, writeNoticeResponse } from '../../gateway/protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeCopyDone,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { ALLOW_ALL } from '../support/service.ts';
import {
  backends,
  eventually,
  type GatewayProcess,
  startGatewayProcess,
  verifyAll,
} from './support/gateway-process.ts';
import { Meddler } from './support/meddler.ts';
import { LONG_FORM } from './support/runs.ts';
import { errorOf, shown, WireClient } from './support/wire-client.ts';

/** The whole process, with sockets that behave as badly as sockets can. */
let postgres: TestPostgres;
let meddler: Meddler;
let gateway: GatewayProcess;
const home = mkdtempSync(join(tmpdir(), 'cs-fuzz-'));
/** A session that is there from the first to the last test, and must not notice anything. */
let bystander: WireClient;

beforeAll(async () => {
  postgres = await startPostgres({ hba: ['host all postgres 127.0.0.1/32 trust'], conf: ['max_connections = 300'] });
  await postgres.query('CREATE TABLE rows (a text)');
  meddler = new Meddler(postgres.port);
  gateway = await startGatewayProcess({
    home,
    policy: ALLOW_ALL,
    servers: { real: postgres.port, meddled: await meddler.listen() },
  });
  bystander = await WireClient.open(gateway.target('real'));
  // The gateway reads the catalog of a connection when it is first used.
  await (await WireClient.open(gateway.target('meddled'))).close();
});
afterAll(async () => {
  await meddler?.close();
  await gateway?.end();
  await postgres?.stop();
  rmSync(home, { recursive: true, force: true });
});

async function undisturbed(): Promise<void> {
  expect(gateway.exited).toBe(false);
  bystander.frames.length = 0;
  expect(shown(await bystander.ask(writeQuery('SELECT 1')))).toBe('T D C(SELECT 1) Z(I)');
}

const open = (connection = 'real') => WireClient.open(gateway.target(connection));
describe('a client', () => {
  it('that never reads keeps neither memory nor others', async () => {
    const client = await open();
    const before = gateway.memory();
    client.socket.pause();
    client.send(writeQuery("SELECT g, repeat('x', 400) FROM generate_series(1, 1000000) g"));
    for (let i = 0; i < 20; i++) {
      await undisturbed();
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    // All of the result would be 400 MiB, and it would stay; what only waits to be collected goes.
    await eventually(() => gateway.memory() - before < 128);
    await client.close();
    await undisturbed();
  });

  it('that sends more than a message may hold reads 54000, and one that sends a lying length 08P01', async () => {
    for (const [length, sqlstate] of [
      [64 * 1024 * 1024 + 1, '54000'],
      [0x7fffffff, '54000'],
      [-1, '08P01'],
      [-0x80000000, '08P01'],
      [3, '08P01'],
      [0, '08P01'],
    ] as const) {
      for (const type of 'QPBF') {
        const client = await open();
        const header = Buffer.alloc(5, type);
        header.writeInt32BE(length, 1);
        client.send(header);
        await client.until(() => client.ended);
        expect(client.frames.map(errorOf)).toMatchObject([{ severity: 'FATAL', sqlstate }]);
        await client.close();
      }
    }
    await undisturbed();
  });

  it('may send large messages, which pass', async () => {
    const client = await open();
    const before = gateway.memory();
    const size = 24 * 1024 * 1024;
    const big = Buffer.alloc(size, 'x');
    const bind = Buffer.concat([
      writeParse('', 'SELECT length($1)', [25]),
      writeBind('', '', [big]),
      writeExecute(''),
      writeSync(),
    ]);
    expect(shown(await client.ask(bind))).toBe('1 2 D C(SELECT 1) Z(I)');
    const comment = `SELECT 1 /* ${'x'.repeat(4 * 1024 * 1024)} */`;
    client.frames.length = 0;
    expect(shown(await client.ask(writeQuery(comment)))).toMatch(/^(T D C\(SELECT 1\)|E\(42501\)) Z\(I\)$/);
    client.frames.length = 0;
    // One CopyData of 72 MiB, more than any message that is held: it streams.
    const rows = Buffer.alloc(72 * 1024 * 1024, `${'y'.repeat(1023)}\n`);
    const answer = await client.ask(
      Buffer.concat([writeQuery('COPY rows FROM STDIN'), writeMessage(frontend.CopyData, rows), writeCopyDone()]),
    );
    expect(shown(answer)).toBe('G C(COPY 73728) Z(I)');
    await undisturbed();
    await client.close();
    expect(gateway.memory() - before).toBeLessThan(400);
  });

  it('that dribbles, stops in the middle or says nothing takes nobody else’s turn', async () => {
    const idle: WireClient[] = [];
    const startup = Buffer.from('000000080004d2162f', 'hex');
    for (let i = 0; i < 30; i++) {
      const client = await WireClient.dial(gateway.target('real'));
      if (i % 3 === 1) client.send(startup.subarray(4, 6));
      if (i % 3 === 2) client.send(Buffer.from([0, 0, 0x20, 0]));
      idle.push(client);
    }
    const dribbling = await open();
    for (const byte of writeQuery('SELECT 1')) {
      dribbling.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await undisturbed();
    await dribbling.until(() => dribbling.frames.some((frame) => frame.type === 'Z'));
    expect(shown(dribbling.frames)).toBe('T D C(SELECT 1) Z(I)');
    for (const client of [...idle, dribbling]) await client.close();
    await undisturbed();
  });

  it('that closes its half, or resets, or leaves without a word, leaves nothing behind', async () => {
    const handles = gateway.handles();
    const sessions = await backends(postgres);
    for (let i = 0; i < 24; i++) {
      const client = await open();
      if (i % 2 === 1)
        client.send(writeQuery("SELECT pg_sleep(0.01), repeat('x', 100000) FROM generate_series(1, 20)"));
      if (i % 4 < 2) client.socket.end();
      else client.socket.resetAndDestroy();
    }
    await eventually(async () => gateway.handles() <= handles && (await backends(postgres)) <= sessions);
    await undisturbed();
  });
});

describe('a server', () => {
  const pipeline = Buffer.concat([
    writeQuery("SELECT g, 'some text' FROM generate_series(1, 5) g"),
    writeParse('s', 'SELECT 1'),
    writeBind('', 's', []),
    writeExecute(''),
    writeSync(),
    writeQuery('SELECT 1/0'),
  ]);

  it('that dies at any byte ends that session with a sentence, and no other', async () => {
    meddler.script = {};
    const whole = await open('meddled');
    await whole.ask(pipeline, 3);
    await whole.close();
    const all = meddler.carried;
    expect(all).toBeGreaterThan(500);
    const stride = LONG_FORM ? 1 : Math.ceil(all / 60);
    for (let at = 1; at < all; at += stride) {
      meddler.script = { dieAfter: at };
      const client = await open('meddled').catch((error: Error) => error);
      if (client instanceof WireClient) {
        client.send(pipeline);
        await client.until(() => client.ended);
        const last = client.frames.at(-1);
        // A row that has begun to stream is cut where the server cut it: nothing may be put into it.
        if (!client.torn) {
          expect(last?.type, `at byte ${at}: ${shown(client.frames)}`).toBe('E');
          expect(errorOf(last!)).toMatchObject({ severity: 'FATAL' });
        }
        await client.close();
      } else {
        expect(client.message).toMatch(/^no login: Countersign/);
      }
    }
    meddler.script = null;
    await undisturbed();
  });

  it('that says what it likes does so to one session alone', async () => {
    meddler.script = {};
    const whole = await open('meddled');
    const greeting = meddler.carried;
    await whole.close();
    let random = 12_345;
    const next = () => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) & 0x7fffffff;
      return random >> 8;
    };
    for (let i = 0; i < (LONG_FORM ? 2_000 : 60); i++) {
      const bytes = Buffer.from(Array.from({ length: 1 + (next() % 60) }, () => next() & 255));
      // Half of them begin as a real message with a length that may lie.
      if (i % 2 === 0) {
        bytes[0] = 'TDCEZ12GHWNSAcnstIV3'.charCodeAt(next() % 20);
        if (bytes.length > 4) bytes.set([i % 4 === 0 ? 255 : 0, i % 3 === 0 ? 255 : 0, 0, next() % 90], 1);
      }
      meddler.script = { say: { at: i % 5 === 0 ? next() % greeting : greeting, bytes } };
      const opening = open('meddled').catch(() => null);
      const client = await Promise.race([opening, new Promise<null>((resolve) => setTimeout(resolve, 300, null))]);
      if (!client) {
        opening.then((late) => late?.close());
        continue;
      }
      client.send(pipeline);
      await client.within(100, () => client.ended);
      await client.close();
    }
    meddler.script = null;
    await undisturbed();
  });

  it('that never stops sending notices keeps neither memory nor others', async () => {
    const notice = writeNoticeResponse({ severity: 'NOTICE', sqlstate: '00000', message: 'x'.repeat(10_000) });
    meddler.script = { repeat: Buffer.concat(Array.from({ length: 100 }, () => notice)) };
    const client = await open('meddled');
    const before = gateway.memory();
    let read = 0;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (bytes: Buffer) => {
      read += bytes.length;
    });
    client.send(writeQuery('SELECT 1'));
    await eventually(() => read > 100 * 1024 * 1024);
    await undisturbed();
    client.socket.pause();
    for (let i = 0; i < 10; i++) await undisturbed();
    await client.close();
    meddler.script = null;
    expect(gateway.memory() - before).toBeLessThan(200);
    await undisturbed();
  });
});

it('after all of this, every recording verifies', async () => {
  await bystander.close();
  expect(await gateway.end()).toBe(0);
  const { sessions, broken } = await verifyAll(home);
  expect(sessions.length).toBeGreaterThan(100);
  expect(broken).toEqual([]);
});
