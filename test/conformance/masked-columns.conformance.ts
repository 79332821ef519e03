import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Statement } from '../../gateway/contract/session.ts';
import { exchanges } from '../../gateway/recording/reader.ts';
import { verifySession } from '../../gateway/recording/verify.ts';
import { component } from '../components.ts';
import { runCountersign } from '../support/gateway.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { closedSessions } from '../support/recordings.ts';
import { RUN_ALL } from '../support/service.ts';
import { eventually, runClient, type SideBySide, startSideBySide } from '../support/side-by-side.ts';

const psql = component('psql');

/** Which columns of a result were masked is in the recording, the index and what the commands show: those, and no others. */
let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(`
    CREATE TABLE people (id int PRIMARY KEY, name text, ssn text, note text, born date);
    INSERT INTO people VALUES (1, 'Ana', '123-45-6789', 'none', '1990-01-02'),
      (2, 'Bo', NULL, 'mail bo@example.org', NULL), (3, 'Cy', '321-54-9876', NULL, '1991-02-03');
    CREATE TABLE visits (person int);
    CREATE RULE shown AS ON INSERT TO visits DO ALSO SELECT id, ssn FROM people`);
  const tag = { schema: 'public', table: 'people', entity: 'US_SSN', action: 'redact' } as const;
  sides = await startSideBySide(postgres, {
    policy: RUN_ALL,
    connection: {
      columns: [
        { ...tag, column: 'ssn' },
        { ...tag, column: 'born' },
      ],
    },
  });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

async function asAgent(application: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = sides.gateway;
  const client = new pg.Client({
    host: PGHOST,
    port: Number(PGPORT),
    user: PGUSER,
    password: PGPASSWORD,
    database: PGDATABASE,
    application_name: application,
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

const shown = ({ columns }: Pick<Statement, 'columns'>) =>
  columns.map(({ name, masked }) => (masked ? `[${name}]` : name)).join(' ');

/** The index’s statements of one application’s session, once all of it is there. */
async function indexed(application: string): Promise<Statement[]> {
  const [session] = await closedSessions(sides.service.home, application);
  return eventually('the index', async () => {
    const { items: sessions } = await sides.control.call('sessions', { limit: 500 });
    if (!sessions.some(({ id, state }) => id === session!.id && state === 'closed')) return null;
    // Ended, and perhaps not read into the index yet.
    const { items } = await sides.control.call('statements', { id: session!.id, limit: 500 });
    return items.length > 0 ? items : null;
  });
}

/** Each statement with its columns, those with a masked value in brackets. */
async function marks(application: string): Promise<string[][]> {
  return (await indexed(application)).map((statement) => [statement.text, shown(statement)]);
}

/** As recorded, by exchange. */
async function recorded(application: string): Promise<unknown[]> {
  const [session] = await closedSessions(sides.service.home, application);
  const all: unknown[] = [];
  for await (const { statements } of exchanges(session!.folder)) {
    all.push(...statements.map(({ maskedColumns }) => maskedColumns));
  }
  expect((await verifySession(session!.folder)).ok).toBe(true);
  return all;
}

describe('the recording names the masked columns', () => {
  it('by tag and by detector, of expressions and whole rows, and none where nothing was masked', async () => {
    const statements: [text: string, columns: string][] = [
      ['SELECT * FROM people', 'id name [ssn] [note] [born]'],
      ['SELECT id, note FROM people WHERE id = 1', 'id note'],
      ['SELECT note, id FROM people WHERE id = 2', '[note] id'],
      ['SELECT ssn FROM people WHERE id = 2', 'ssn'],
      ['SELECT upper(ssn) AS u, length(name) AS n FROM people', '[u] n'],
      ['SELECT ssn FROM people WHERE false', 'ssn'],
      ['SELECT p, p.id FROM people p', '[p] id'],
      ["UPDATE people SET name = 'Ada' WHERE id = 1 RETURNING name, ssn", 'name [ssn]'],
    ];
    await asAgent('masked simple', async (client) => {
      for (const [text] of statements) await client.query(text);
    });
    expect(await marks('masked simple')).toEqual(statements);
    await asAgent('masked binary', async (client) => {
      for (const [text] of statements) await client.query({ text, values: [], binary: true } as pg.QueryConfig);
    });
    expect(await marks('masked binary')).toEqual(statements);
    expect(await recorded('masked binary')).toEqual([
      [[0, [2, 3, 4]]],
      null,
      [[0, [0]]],
      null,
      [[0, [0]]],
      null,
      [[0, [0]]],
      [[0, [1]]],
    ]);
  });

  it('of each result of one Query, up to the one that failed', async () => {
    await asAgent('masked results', async (client) => {
      await client.query('SELECT id FROM people; CREATE TEMP TABLE z (i int); SELECT ssn, id FROM people');
      await client
        .query('SELECT ssn FROM people; SELECT id AS part FROM people WHERE 1 / (id - id) = 1')
        .catch(() => {});
      await client.query('INSERT INTO visits VALUES (1); SELECT 1 AS one');
    });
    expect(await recorded('masked results')).toEqual([[[2, [0]]], [[0, [0]]], [[0, [1]]]]);
    expect((await marks('masked results')).map(([, columns]) => columns)).toEqual([
      'id',
      '',
      '[ssn] id',
      '[ssn]',
      'part',
      'id [ssn]',
      'one',
    ]);
  });

  it('of cursors, of prepared statements, and of portals that are read in parts', async () => {
    await asAgent('masked cursor', async (client) => {
      await client.query('BEGIN');
      await client.query('DECLARE c CURSOR FOR SELECT id, ssn FROM people ORDER BY id');
      await client.query('FETCH 1 FROM c');
      await client.query('FETCH 1 FROM c');
      await client.query('FETCH 1 FROM c');
      await client.query('COMMIT');
      await client.query('PREPARE p AS SELECT ssn, id FROM people');
      await client.query('EXECUTE p');
      const named = { name: 'n', text: 'SELECT id, ssn FROM people WHERE id = $1' };
      await client.query({ ...named, values: [1] });
      await client.query({ ...named, values: [2] });
      await client.query({ ...named, values: [3] });
      await client.query({ text: 'SELECT ssn AS s FROM people ORDER BY id', values: [], rows: 1 } as pg.QueryConfig);
    });
    const all = await marks('masked cursor');
    expect(all.filter(([text]) => text!.startsWith('FETCH'))).toEqual([
      ['FETCH 1 FROM c', 'id [ssn]'],
      // The second person’s is NULL in the database too.
      ['FETCH 1 FROM c', 'id ssn'],
      ['FETCH 1 FROM c', 'id [ssn]'],
    ]);
    expect(all.filter(([text]) => text === 'EXECUTE p')).toEqual([['EXECUTE p', '[ssn] id']]);
    expect(all.filter(([text]) => text!.includes('$1')).map(([, columns]) => columns)).toEqual([
      'id [ssn]',
      'id ssn',
      'id [ssn]',
    ]);
    expect(all.filter(([text]) => text!.includes('AS s')).map(([, columns]) => columns)).toEqual([
      '[s]',
      's',
      '[s]',
      's',
    ]);
  });
});

describe.skipIf(psql.missing)(`psql${psql.missing ? ` (${psql.missing})` : ''}`, () => {
  const agent = (application: string, ...args: string[]) =>
    runClient(psql.path as string, ['-X', '-q', ...args], { ...sides.gateway, PGAPPNAME: application });

  it('COPY in each format: the recording names its columns, and its lines are shown as masked', async () => {
    await agent(
      'masked copy',
      ...['-c', 'COPY people TO STDOUT'],
      ...['-c', 'COPY (SELECT id, ssn FROM people) TO STDOUT WITH (FORMAT csv, HEADER)'],
      ...['-c', 'COPY people (name, id) TO STDOUT'],
      ...['-c', 'COPY people (ssn, id) TO STDOUT WITH (FORMAT binary)'],
    );
    expect(await recorded('masked copy')).toEqual([[[0, [2, 3, 4]]], [[0, [1]]], null, [[0, [0]]]]);
    expect((await marks('masked copy')).map(([, columns]) => columns)).toEqual(['[COPY]', '[COPY]', 'COPY', '[COPY]']);
  });

  it('is in the index’s result pages, the replay, and exports', async () => {
    await agent('masked shown', '-c', 'SELECT id, ssn FROM people ORDER BY id');
    const [statement] = await indexed('masked shown');
    const id = statement!.sessionId;
    const page = await sides.control.call('result', { id, index: statement!.index, offset: 0, limit: 10 });
    expect(shown(page)).toBe('id [ssn]');
    expect(page.rows).toEqual([
      ['1', '[US_SSN]'],
      ['2', null],
      ['3', '[US_SSN]'],
    ]);
    const { home } = sides.service;
    expect((await runCountersign(home, ['sessions', 'show', id, '--rows', '5'])).out).toContain(' id | ssn (masked)');
    expect((await runCountersign(home, ['sessions', 'replay', id, '--no-wait'])).out).toContain('ssn (masked)');
    const lines = (await runCountersign(home, ['sessions', 'export', id])).out.split('\n');
    expect(lines.find((line) => line.startsWith('{"type":"columns"'))).toContain(
      '{"name":"ssn","typeOid":25,"masked":true}',
    );
    const csv = await runCountersign(home, ['sessions', 'export', id, '--format', 'csv', '--statement', '0']);
    expect(csv.out.split('\n')[0]).toBe('id,ssn');
    expect(csv.err).toContain('masked: ssn');
  });
});
