import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { frontend } from '../../gateway/protocols/postgres/codec/messages.ts';
import { writeMessage } from '../../gateway/protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeClose,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { DENIED_PORTAL } from '../../gateway/protocols/postgres/relay/denial.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { FORBIDDING } from './support/policy.ts';
import { shown, type Target, WireClient } from './support/wire-client.ts';

/**
 * Ways to make the server run under a name what the gateway decided on under another one. Each was
 * found by reading the relay or by the model; each leaves the table `forbidden` empty.
 */
let postgres: TestPostgres;
let gateway: TestService;
let target: Target;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query('CREATE TABLE forbidden (a int); CREATE TABLE allowed (a int)');
  gateway = await startTestService({
    connections: [superuserConnection(postgres, { masking: 'off' })],
    policy: FORBIDDING,
  });
  const { env } = await gateway.connect();
  target = {
    host: String(env.PGHOST),
    port: Number(env.PGPORT),
    user: String(env.PGUSER),
    database: String(env.PGDATABASE),
    password: String(env.PGPASSWORD),
  };
});
afterAll(async () => {
  await gateway?.stop();
  await postgres?.stop();
});
beforeEach(() => postgres.query('TRUNCATE forbidden, allowed'));

const INSERT = 'INSERT INTO forbidden VALUES (1) RETURNING 1';
const run = (portal: string, statement: string) =>
  Buffer.concat([writeBind(portal, statement, []), writeExecute(portal), writeSync()]);
const parse = (name: string, sql: string) => Buffer.concat([writeParse(name, sql), writeSync()]);
const copyData = (text: string) => writeMessage(frontend.CopyData, new TextEncoder().encode(text));

/** Each step is sent whole when the step before it was answered (`readies` ReadyForQuery, or the end). */
async function play(steps: readonly (readonly [readies: number, ...bytes: Uint8Array[]])[]): Promise<string> {
  const client = await WireClient.open(target);
  try {
    for (const [readies, ...bytes] of steps) await client.ask(Buffer.concat(bytes), readies);
    // The session may have been ended; where it was not, all that was sent has been carried out by now.
    if (!client.ended) await client.ask(writeQuery('ROLLBACK; SELECT 1'), 1);
    return shown(client.frames);
  } finally {
    await client.close();
  }
}

async function forbidden(): Promise<string | null | undefined> {
  return (await postgres.query('SELECT count(*) AS n FROM forbidden'))[0]?.n;
}

it('the policy of this file denies what it should and nothing else', async () => {
  expect(await play([[1, writeQuery('INSERT INTO allowed VALUES (1)')]])).toContain('C(INSERT 0 1)');
  expect(await play([[1, writeQuery(INSERT)]])).toContain('E(42501)');
  expect(await forbidden()).toBe('0');
  expect(await postgres.query('SELECT count(*) AS n FROM allowed')).toEqual([{ n: '1' }]);
});

const LONG = 'n'.repeat(63);
const flood = (count: number) =>
  Buffer.concat([...Array.from({ length: count }, (_, i) => writeParse(`flood${i}`, 'SELECT 1')), writeSync()]);

const attacks: Record<string, readonly (readonly [number, ...Uint8Array[]])[]> = {
  'FETCH of a portal that was bound and never executed': [
    [2, parse('s', INSERT), writeBind('p', 's', []), writeQuery('FETCH ALL FROM p')],
  ],
  'MOVE in such a portal': [[2, parse('s', INSERT), writeBind('p', 's', []), writeQuery('MOVE ALL IN p')]],
  'the FETCH as a statement of the protocol, parsed before the portal was there': [
    [1, parse('f', 'FETCH ALL FROM p')],
    [1, parse('s', INSERT)],
    [2, writeQuery('BEGIN'), writeBind('p', 's', []), run('', 'f')],
    [1, writeQuery('COMMIT')],
  ],
  'FETCH of a portal under the name of a cursor that was declared in vain': [
    [1, writeQuery('DECLARE c CURSOR FOR SELECT 1')],
    [2, parse('s', INSERT), writeBind('c', 's', []), writeQuery('FETCH ALL FROM c')],
  ],
  'EXECUTE of a prepared FETCH': [
    [1, parse('f', 'FETCH ALL FROM p')],
    [2, parse('s', INSERT), writeBind('p', 's', []), writeQuery('EXECUTE f')],
  ],
  'EXECUTE by the protocol of a name that has got another meaning since it was parsed': [
    [1, parse('x', 'SELECT 1')],
    [1, parse('e', 'EXECUTE x')],
    [1, writeClose('statement', 'x'), parse('x', INSERT)],
    [1, run('', 'e')],
  ],
  'the same through a second EXECUTE': [
    [1, parse('x', 'SELECT 1')],
    [1, parse('e', 'EXECUTE x')],
    [1, writeClose('statement', 'x'), parse('x', INSERT)],
    [1, writeQuery('EXECUTE e')],
  ],
  'the same with a long text, which is classified elsewhere': [
    [1, parse('x', 'SELECT 1')],
    [1, parse('e', `EXECUTE x /*${'-'.repeat(20_000)}*/`)],
    [1, writeClose('statement', 'x'), parse('x', INSERT)],
    [1, run('', 'e')],
  ],
  'a DEALLOCATE that is confirmed after the name was given again': [
    [1, parse('x', 'SELECT 1')],
    [2, writeQuery('DEALLOCATE x'), parse('x', INSERT)],
    [2, parse('x', 'SELECT 1'), run('', 'x')],
  ],
  'a statement whose name was forgotten under a flood of others': [
    [1, parse('x', INSERT)],
    [1, flood(10_001)],
    [2, parse('x', 'SELECT 1'), run('', 'x')],
  ],
  'names that the server takes for the same, since it cuts them at 63 bytes': [
    [1, parse(`${LONG}A`, INSERT)],
    [2, parse(`${LONG}B`, 'SELECT 1'), run('', `${LONG}B`)],
  ],
  'a Sync after a row that ends the COPY, uncounted while the COPY seems to go on': [
    [1, parse('x', INSERT)],
    [
      0,
      writeParse('', 'COPY allowed FROM STDIN'),
      writeBind('', '', []),
      writeExecute(''),
      writeMessage(frontend.Flush, new Uint8Array()),
    ],
    [3, copyData('no number\n'), writeSync(), parse('x', 'SELECT 1'), run('', 'x')],
  ],
  'statements that are skipped only as the gateway sees it': [
    [
      0,
      writeParse('', 'COPY allowed FROM STDIN'),
      writeBind('', '', []),
      writeExecute(''),
      writeMessage(frontend.Flush, new Uint8Array()),
    ],
    [1, copyData('no number\n'), writeSync(), writeQuery(INSERT), writeQuery(INSERT)],
  ],
  'a Close that an error skips': [
    [1, parse('x', INSERT)],
    [2, writeParse('', 'SELECT )'), writeClose('statement', 'x'), writeSync(), parse('x', 'SELECT 1')],
    [1, run('', 'x')],
  ],
  'the unnamed statement after a simple query': [[1, writeParse('', INSERT), writeQuery('SELECT 1'), run('', '')]],
  'a PREPARE in a transaction that failed': [
    [1, parse('x', INSERT)],
    [3, writeQuery('BEGIN'), writeQuery('SELECT 1/0'), writeQuery('PREPARE x AS SELECT 1')],
    [2, writeQuery('ROLLBACK'), run('', 'x')],
  ],
  'a cursor under the name of the portal that stands for what is denied': [
    [2, writeQuery('BEGIN'), writeQuery(`DECLARE "${DENIED_PORTAL}" CURSOR FOR SELECT 1`)],
    [1, writeParse('', INSERT), run('', '')],
  ],
  'a portal that outlives its Sync in a transaction': [
    [2, writeQuery('BEGIN'), parse('x', INSERT)],
    [1, writeBind('p', 'x', []), writeDescribe('portal', 'p'), writeSync()],
    [2, writeQuery('CLOSE p'), writeQuery('DECLARE p CURSOR FOR SELECT 1')],
    [2, writeClose('portal', 'p'), writeBind('p', 'x', []), writeSync(), writeQuery('FETCH ALL FROM p')],
    [1, writeQuery('COMMIT')],
  ],
  'EXPLAIN ANALYZE of an EXECUTE': [
    [1, parse('x', INSERT)],
    [1, writeQuery('EXPLAIN ANALYZE EXECUTE x')],
  ],
  'CREATE TABLE AS EXECUTE': [
    [1, parse('x', INSERT)],
    [1, writeQuery('CREATE TEMP TABLE made AS EXECUTE x')],
  ],
};

describe('nothing that is denied runs by', () => {
  it.each(Object.entries(attacks))('%s', async (_name, steps) => {
    const answer = await play(steps);
    expect(await forbidden(), answer).toBe('0');
  });
});

it('a changed standard_conforming_strings never reaches a statement that was read with the old one', async () => {
  await play([
    [
      1,
      writeQuery('SET standard_conforming_strings = off'),
      // A string to the end for the parser that was started with `on`; two statements with `off`.
      writeQuery(`SELECT '\\''; ${INSERT}; --'`),
    ],
  ]);
  expect(await forbidden()).toBe('0');
});
