import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  writeBind,
  writeClose,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../../gateway/protocols/postgres/codec/write-frontend.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type Message, RawClient } from '../../support/raw-client.ts';
import {
  eventually,
  nextHeld,
  type SideBySide,
  setTestPin,
  startSideBySide,
  TEST_PIN,
} from '../../support/side-by-side.ts';
import { ASK_ALL } from './stage.ts';

/** A client gets the same bytes whether what it sends is looked at or not. */
let postgres: TestPostgres;
let looked: SideBySide;
let plain: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE DATABASE seed');
  await postgres.query(
    `CREATE TABLE t (id int PRIMARY KEY, v text);
     INSERT INTO t SELECT i, 'v' || i FROM generate_series(1, 9) i;
     CREATE TABLE n (id serial PRIMARY KEY, v text);
     CREATE FUNCTION say() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'row %', NEW.id; RETURN NEW; END $$;
     CREATE TRIGGER say BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION say();
     ANALYZE`,
    'seed',
  );
  await postgres.query('CREATE DATABASE looked TEMPLATE seed');
  await postgres.query('CREATE DATABASE plain TEMPLATE seed');
  const start = (database: string, rows: number) =>
    startSideBySide(postgres, { policy: ASK_ALL, connection: { database, preview: { rows } } });
  looked = await start('looked', 1000);
  plain = await start('plain', 0);
  await Promise.all([setTestPin(looked), setTestPin(plain)]);
});
afterAll(async () => {
  await looked?.stop();
  await plain?.stop();
  await postgres?.stop();
});

/** Another session of the server, past the gateway, after it ran this. */
async function beside(sql: string): Promise<pg.Client> {
  const client = new pg.Client({ host: postgres.socketDir, port: postgres.port, user: 'postgres', database: 'looked' });
  await client.connect();
  await client.query(sql);
  return client;
}

/** One step: what the client sends, how often it is asked about, and how that is decided. */
interface Step {
  send: Uint8Array[];
  ready: number;
  decide?: readonly ('approve' | 'deny')[];
}

const text = (value: string) => new TextEncoder().encode(value);
const query = (sql: string, ...decide: ('approve' | 'deny')[]): Step => ({ send: [writeQuery(sql)], ready: 1, decide });
const prepared = (sql: string, values: readonly string[], decide: 'approve' | 'deny', name = ''): Step => ({
  send: [
    writeParse(name, sql),
    writeBind('', name, values.map(text)),
    writeDescribe('portal', ''),
    writeExecute(''),
    writeSync(),
  ],
  ready: 1,
  decide: [decide],
});

const STEPS: readonly Step[] = [
  query("UPDATE t SET v = 'a' WHERE id < 3", 'approve'),
  query("UPDATE t SET v = 'b' WHERE id < 3 RETURNING *", 'approve'),
  query("UPDATE t SET v = 'b' WHERE id < 3 RETURNING *", 'deny'),
  query('INSERT INTO t VALUES (1, NULL)', 'approve'),
  query('UPDATE t SET nothing = 1', 'approve'),
  query("INSERT INTO n (v) VALUES ('x') RETURNING id", 'approve'),
  query("INSERT INTO n (v) VALUES ('x') RETURNING id", 'deny'),
  query("INSERT INTO n (v) VALUES ('x') RETURNING id", 'approve'),
  query('SELECT lastval()'),
  query('BEGIN'),
  query("UPDATE t SET v = 'tx' WHERE id = 1", 'approve'),
  query('SAVEPOINT mine'),
  query('DELETE FROM t WHERE id = 2', 'approve'),
  query('DECLARE c CURSOR FOR SELECT id, v FROM t ORDER BY id'),
  query('FETCH 2 FROM c'),
  query('DELETE FROM t WHERE id = 3', 'approve'),
  query('FETCH 2 FROM c'),
  query('ROLLBACK TO mine'),
  query('SELECT id, v FROM t ORDER BY id'),
  prepared('UPDATE t SET v = $1 WHERE id = 4', ['in a transaction'], 'approve'),
  query('DELETE FROM t', 'deny'),
  query('SELECT 1'),
  query('DELETE FROM t'),
  query('ROLLBACK'),
  query('BEGIN ISOLATION LEVEL REPEATABLE READ'),
  query("UPDATE t SET v = 'rr' WHERE id = 5", 'approve'),
  query('COMMIT'),
  query('CREATE TEMP TABLE mine (id int)', 'approve'),
  query('INSERT INTO mine VALUES (1), (2)', 'approve'),
  query('UPDATE mine SET id = id + 1', 'approve'),
  query('SET statement_timeout = 12345'),
  query("UPDATE t SET v = 'x' WHERE id = 6", 'approve'),
  query('SHOW statement_timeout'),
  query('SHOW lock_timeout'),
  query('SHOW search_path'),
  prepared('UPDATE t SET v = $2 WHERE id = $1::int', ['7', 'bound'], 'approve'),
  prepared('UPDATE t SET v = $2 WHERE id = $1::int RETURNING v', ['7', 'again'], 'approve', 'kept'),
  prepared('UPDATE t SET v = $2 WHERE id = $1::int', ['7', 'never'], 'deny', 'other'),
  prepared('UPDATE t SET v = $2 WHERE id = $1::int', ['no number', 'x'], 'approve'),
  prepared('INSERT INTO t VALUES ($1::int, $2)', ['1', 'there already'], 'approve'),
  {
    send: [writeBind('', 'kept', ['8', 'kept'].map(text)), writeExecute(''), writeSync()],
    ready: 1,
    decide: ['approve'],
  },
  { send: [writeClose('statement', 'kept'), writeSync()], ready: 1 },
  {
    send: [
      writeParse('', "UPDATE t SET v = 'p' WHERE id = 1"),
      writeBind('a', '', []),
      writeExecute('a'),
      writeParse('', "UPDATE t SET v = 'q' WHERE id = 2"),
      writeBind('b', '', []),
      writeExecute('b'),
      writeSync(),
    ],
    ready: 1,
    decide: ['approve', 'approve'],
  },
  {
    send: [writeQuery('SELECT 1'), writeQuery("UPDATE t SET v = 'r' WHERE id = 3"), writeQuery('SELECT 2')],
    ready: 3,
    decide: ['approve'],
  },
  {
    send: [
      writeParse('', "UPDATE t SET v = 's' RETURNING id, v"),
      writeBind('rows', '', []),
      writeExecute('rows', 2),
      writeExecute('rows', 2),
      writeSync(),
    ],
    ready: 1,
    decide: ['approve'],
  },
  query('SELECT name, statement FROM pg_prepared_statements'),
  query('SELECT name FROM pg_cursors'),
  query('SELECT pg_current_xact_id_if_assigned()'),
  query('SELECT id, v FROM t ORDER BY id'),
  query('SELECT id, v FROM n ORDER BY id'),
];

async function play(sides: SideBySide, bases: string[]): Promise<string[]> {
  const client = await RawClient.connect(sides.gateway);
  const got: string[] = [];
  const known: string[] = [];
  for (const { send, ready, decide = [] } of STEPS) {
    const messages: Message[] = [];
    client.send(...send);
    const reading = (async () => {
      for (let left = ready; left > 0; ) {
        const message = await client.next();
        messages.push(message);
        if (message.type === 'Z') left--;
      }
    })();
    for (const decision of decide) {
      const held = await Promise.race([nextHeld(sides.control, known), reading.then(() => null)]);
      // The server refused it before anybody could be asked.
      if (held === null) break;
      known.push(held.id);
      const preview = await eventually('the preview', async () => {
        const { preview, state } = await sides.control.call('approval', { id: held.id });
        return state !== 'waiting' || preview?.state !== 'loading' ? (preview ?? 'no preview') : null;
      });
      bases.push(typeof preview === 'object' && preview.kind === 'rows' ? preview.basis : 'none');
      await sides.control
        .call('decide', {
          id: held.id,
          digest: held.operation.digest,
          decision,
          ...(decision === 'approve' ? { pin: TEST_PIN } : {}),
        })
        .catch(() => {});
    }
    await reading;
    got.push(messages.map(({ type, body }) => `${type} ${body.toString('latin1')}`).join('\n'));
  }
  client.end();
  return got;
}

describe('a client', () => {
  it('gets the same bytes with previews and without', async () => {
    const [seen, unseen]: [string[], string[]] = [[], []];
    const [on, off] = [await play(looked, seen), await play(plain, unseen)];
    expect(seen.filter((basis) => basis === 'exact').length).toBeGreaterThan(10);
    expect(unseen).not.toContain('exact');
    const comparable = (steps: string[]) => steps.map((step) => step.replace(/[0-9a-f]{12}\)/g, 'HASH)'));
    for (const [i, step] of comparable(on).entries()) {
      expect.soft(step, `step ${i}: ${Buffer.from(STEPS[i]!.send[0]!).toString('latin1')}`).toBe(comparable(off)[i]);
    }
    const rows = (database: string) => postgres.query('SELECT * FROM t ORDER BY id', database);
    expect(await rows('looked')).toEqual(await rows('plain'));
  });

  it('that cancels or is answered early does not wait for the preview', async () => {
    const blocker = await beside('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const client = await RawClient.connect(looked.gateway);
    client.send(writeQuery("UPDATE t SET v = 'late' WHERE id = 1"));
    const held = await nextHeld(looked.control);
    await looked.control.call('decide', { id: held.id, digest: held.operation.digest, decision: 'deny' });
    expect(await client.until('Z')).toEqual(['E ERROR 42501', 'Z I']);
    client.send(writeQuery('SELECT 1'));
    expect(await client.until('Z')).toEqual(['T', 'D 1', 'C SELECT 1', 'Z I']);
    client.end();
    await blocker.end();
  });

  it('of a row that another session has locked is told so, and nobody waits', async () => {
    const blocker = await beside("BEGIN; UPDATE n SET v = 'locked'");
    const client = await RawClient.connect(looked.gateway);
    client.send(writeQuery("UPDATE n SET v = 'mine'"));
    const held = await nextHeld(looked.control);
    const preview = await eventually('the preview', async () => {
      const found = (await looked.control.call('approval', { id: held.id })).preview;
      return found?.kind === 'rows' && found.state === 'done' ? found : null;
    });
    expect(preview).toMatchObject({ basis: 'none', why: expect.stringContaining('Another session holds locks') });
    await looked.control.call('decide', { id: held.id, digest: held.operation.digest, decision: 'deny' });
    expect(await client.until('Z')).toEqual(['E ERROR 42501', 'Z I']);
    await blocker.end();
    client.end();
  });
});
