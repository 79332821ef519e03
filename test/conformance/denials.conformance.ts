import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frontend } from '../../gateway/protocols/postgres/codec/messages.ts';
import { writeMessage } from '../../gateway/protocols/postgres/codec/write-backend.ts';
import {
  writeBind,
  writeClose,
  writeCopyDone,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RawClient } from '../support/raw-client.ts';
import { directEnv, type SideBySide, startSideBySide } from '../support/side-by-side.ts';

/**
 * What a denied statement leaves behind, beside what the server's own 42501 leaves behind: directly as
 * a role that lacks the right, through the gateway as a role that has it under a policy that denies.
 */
const POLICY = `
@id("all") permit (principal, action, resource);
@id("no-changes") @reason("Changes are denied here.")
forbid (principal, action == Action::"run", resource)
when { context.class == "write" || context.class == "destructive" };
`;

let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres({ hba: ['host all weak 127.0.0.1/32 trust', 'host all strong 127.0.0.1/32 trust'] });
  await postgres.query(`
    CREATE TABLE open (i int); INSERT INTO open SELECT generate_series(1, 10); GRANT SELECT ON open TO public;
    CREATE TABLE secret (i int); INSERT INTO secret SELECT generate_series(1, 10);
    CREATE ROLE weak LOGIN; CREATE ROLE strong LOGIN; GRANT ALL ON secret TO strong`);
  sides = await startSideBySide(
    { ...postgres, user: 'strong', password: '' },
    { policy: POLICY, connection: { id: 'weak' } },
  );
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

interface Step {
  send: Uint8Array[];
  /** ReadyForQuery messages to wait for; default 1. */
  ready?: number;
}

const query = (sql: string): Step => ({ send: [writeQuery(sql)] });
const batch = (...send: Uint8Array[]): Step => ({ send: [...send, writeSync()] });
const run = (sql: string, portal = '', rows = 0) => [
  writeParse('', sql),
  writeBind(portal, '', []),
  writeExecute(portal, rows),
];
const copyData = (text: string) => writeMessage(frontend.CopyData, new TextEncoder().encode(text));

const DENIED = 'DELETE FROM secret';
const COPY = 'COPY secret FROM STDIN';

/** After each case: the status, the names, and whether what was there before is still of use. */
const PROBES: readonly Step[] = [
  query('SELECT name, statement, from_sql FROM pg_prepared_statements ORDER BY name'),
  query('SELECT name, statement FROM pg_cursors ORDER BY name'),
  batch(writeExecute('kept', 1)),
  batch(writeDescribe('portal', 'kept')),
  batch(writeDescribe('statement', 'good')),
  batch(writeBind('', 'good', []), writeExecute('')),
  batch(writeBind('', '', []), writeExecute('')),
  query('FETCH 1 FROM c'),
  query('EXECUTE by_sql'),
  query('ROLLBACK'),
  query('SELECT name FROM pg_prepared_statements ORDER BY name'),
  query('SELECT name FROM pg_cursors ORDER BY name'),
  batch(writeBind('', 'good', []), writeExecute('')),
  batch(writeBind('', '', []), writeExecute('')),
  query('SELECT count(*) FROM open'),
];

const NAMES: readonly Step[] = [
  batch(writeParse('good', 'SELECT i FROM open ORDER BY i')),
  query('PREPARE by_sql AS SELECT 1'),
];
const TRANSACTION: readonly Step[] = [
  ...NAMES,
  query('BEGIN'),
  query('DECLARE c CURSOR FOR SELECT i FROM open ORDER BY i'),
  batch(writeBind('kept', 'good', []), writeExecute('kept', 2)),
];

const CASES: Readonly<Record<string, readonly Step[]>> = {
  'a simple query in autocommit': [...NAMES, query(DENIED)],
  'a simple query in a transaction': [...TRANSACTION, query(DENIED)],
  'a simple query in a transaction that has failed before': [...TRANSACTION, query('SELECT 1/0'), query('SELECT 1')],
  'a simple query after a savepoint, rolled back to': [
    ...TRANSACTION,
    query('SAVEPOINT s'),
    query(DENIED),
    query('ROLLBACK TO s'),
  ],
  'the first of several statements in one message': [...NAMES, query(`${DENIED}; SELECT 1; SELECT 2`)],
  'the first of several statements in one message in a transaction': [...TRANSACTION, query(`${DENIED}; SELECT 1`)],
  'the second of several, after a BEGIN in the same message': [...NAMES, query(`BEGIN; ${DENIED}; SELECT 1`)],
  'what ends its own block in the same message': [...NAMES, query(`BEGIN; ${DENIED}; COMMIT`)],
  'an unnamed statement in autocommit': [...NAMES, batch(...run(DENIED))],
  'an unnamed statement, described first': [
    ...NAMES,
    batch(writeParse('', DENIED), writeDescribe('statement', '')),
    batch(writeBind('', '', []), writeDescribe('portal', ''), writeExecute('')),
  ],
  'an unnamed statement in a transaction': [...TRANSACTION, batch(...run(DENIED))],
  'a named statement in autocommit': [
    ...NAMES,
    batch(writeParse('bad', DENIED)),
    batch(writeBind('', 'bad', []), writeExecute('')),
  ],
  'a named statement in a transaction, twice': [
    ...TRANSACTION,
    batch(writeParse('bad', DENIED)),
    batch(writeBind('p', 'bad', []), writeExecute('p')),
    batch(writeBind('p', 'bad', []), writeExecute('p')),
  ],
  'a named statement that is closed after it was denied': [
    ...NAMES,
    batch(writeParse('bad', DENIED), writeBind('', 'bad', []), writeExecute(''), writeClose('statement', 'bad')),
    batch(writeClose('statement', 'bad')),
  ],
  'a portal with a row limit': [...TRANSACTION, batch(...run(`${DENIED} RETURNING i`, 'p', 1))],
  'a pipeline of several statements up to one Sync': [
    ...NAMES,
    batch(...run('SELECT 1'), ...run(DENIED), ...run('SELECT 2')),
  ],
  'a pipeline of several Syncs': [
    ...NAMES,
    {
      send: [
        ...run('SELECT 1'),
        writeSync(),
        ...run(DENIED),
        ...run('SELECT 2'),
        writeSync(),
        ...run('SELECT 3'),
        writeSync(),
        writeQuery(DENIED),
        writeQuery('SELECT 4'),
      ],
      ready: 5,
    },
  ],
  'a pipeline of several Syncs in a transaction': [
    ...TRANSACTION,
    {
      send: [...run(DENIED), writeSync(), ...run('SELECT 2'), writeSync(), writeBind('', 'good', []), writeSync()],
      ready: 3,
    },
  ],
  'a COPY by a simple query': [...NAMES, query(COPY)],
  'a COPY whose data is on its way already': [
    ...NAMES,
    { send: [writeQuery(COPY), copyData('11\n'), writeCopyDone(), writeQuery('SELECT 1')], ready: 2 },
  ],
  'a COPY by the extended protocol with its data': [
    ...NAMES,
    batch(...run(COPY), copyData('11\n'), writeCopyDone()),
    query('SELECT 1'),
  ],
  'a COPY in a transaction': [...TRANSACTION, query(COPY)],
};

/** What a client sees of the case and of the probes. */
async function transcript(env: NodeJS.ProcessEnv, steps: readonly Step[]): Promise<string[]> {
  const client = await RawClient.connect(env);
  try {
    const lines: string[] = [];
    for (const { send, ready = 1 } of [...steps, ...PROBES]) {
      client.send(...send);
      lines.push(...(await client.until('Z', ready)), '--');
    }
    return lines;
  } finally {
    client.end();
  }
}

describe('after a denial everything is as after the server’s own 42501', () => {
  const weak = () => ({ ...directEnv(postgres), PGUSER: 'weak' });

  it.each(Object.keys(CASES))('%s', async (name) => {
    const steps = CASES[name]!;
    const direct = await transcript(weak(), steps);
    const gateway = await transcript(sides.gateway, steps);
    expect(gateway).toEqual(direct);
    if (!name.includes('failed before')) expect(direct.some((line) => line.includes('42501'))).toBe(true);
  });

  it('and SQL cannot prepare for later what is denied now', async () => {
    const client = await RawClient.connect(sides.gateway);
    client.send(writeQuery(`PREPARE bad AS ${DENIED}`), writeQuery('EXECUTE bad'));
    expect(await client.until('Z', 2)).toEqual(['E ERROR 42501', 'Z I', 'E ERROR 26000', 'Z I']);
    client.end();
  });

  it('but that no other statement of the message ran either, and only a block that stays open is opened', async () => {
    const client = await RawClient.connect(sides.gateway);
    client.send(writeQuery(`BEGIN; COMMIT; ${DENIED}`), writeQuery(`SELECT 1; ${DENIED}`));
    expect(await client.until('Z', 2)).toEqual(['E ERROR 42501', 'Z I', 'E ERROR 42501', 'Z I']);
    client.end();
  });

  it('and nothing of what was denied ran', async () => {
    expect(await postgres.query('SELECT count(*) FROM secret')).toEqual([{ count: '10' }]);
  });
});
