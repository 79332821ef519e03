import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  writeBind,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RawClient } from '../support/raw-client.ts';
import { RUN_ALL } from '../support/service.ts';
import { type SideBySide, startSideBySide } from '../support/side-by-side.ts';

/** What a session makes of tagged columns is masked before anybody else can see that it is there. */
const SECRET = 'tuesday-4711';
let postgres: TestPostgres;
let sides: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  await postgres.query(
    `CREATE TABLE people (id int, word text, note text); INSERT INTO people VALUES (1, '${SECRET}', 'plain')`,
  );
  sides = await startSideBySide(postgres, {
    policy: RUN_ALL,
    connection: {
      columns: [{ schema: 'public', table: 'people', column: 'word', entity: 'CUSTOM', action: 'redact' }],
    },
  });
});
afterAll(async () => {
  await sides?.stop();
  await postgres?.stop();
});

/** Everything that comes back for messages that are sent at once. */
async function sent(...pieces: readonly Uint8Array[]): Promise<string> {
  const client = await RawClient.connect(sides.gateway);
  client.send(...pieces);
  client.endWriting();
  const seen = (await client.rest()).join('\n');
  client.end();
  expect(seen).not.toMatch(/^E /m);
  return seen;
}

const execute = (text: string) => [writeParse('', text), writeBind('', '', []), writeExecute('')];

describe('what a session makes of tagged columns is masked', () => {
  it.each([
    ['a view', 'CREATE VIEW v AS SELECT upper(word) AS shown FROM people', 'SELECT shown FROM v'],
    ['a view, through COPY', 'CREATE VIEW v AS SELECT upper(word) AS shown FROM people', 'COPY (TABLE v) TO STDOUT'],
    ['a table', 'CREATE TABLE v AS SELECT word || 1 AS shown FROM people', 'SELECT lower(shown) FROM v'],
    ['a new name of the table', 'ALTER TABLE people RENAME TO v', 'SELECT reverse(reverse(word)) FROM v'],
    ['a new name of the column', 'ALTER TABLE people RENAME word TO shown', 'SELECT lower(shown) FROM people'],
  ])('%s', async (_, make, read) => {
    const secret = new RegExp(SECRET, 'i');
    const end = writeQuery('ROLLBACK');
    const one = await sent(writeQuery('BEGIN'), writeQuery(make), writeQuery(read), end);
    expect(one).not.toMatch(secret);
    expect(one).toContain('C ROLLBACK');
    expect(await sent(writeQuery(`BEGIN; ${make}; ${read}; ROLLBACK`))).not.toMatch(secret);
    expect(
      await sent(...execute('BEGIN'), ...execute(make), ...execute(read), ...execute('ROLLBACK'), writeSync()),
    ).not.toMatch(secret);
    const late = await RawClient.connect(sides.gateway);
    for (const text of ['BEGIN', make, read, 'ROLLBACK']) {
      late.send(writeQuery(text));
      expect((await late.until('Z')).join('\n')).not.toMatch(secret);
    }
    late.send(writeQuery('SELECT note, length(note) FROM people'));
    expect(await late.until('Z')).toContain('D plain|5');
    late.end();
  });

  it('when it is read before the answer to its making came', async () => {
    const make = writeQuery('CREATE VIEW soon AS SELECT upper(word) AS shown FROM people');
    const seen = await sent(make, writeQuery('SELECT shown FROM soon'), writeQuery('DROP VIEW soon'));
    expect(seen).not.toMatch(new RegExp(SECRET, 'i'));
    expect(seen).toContain('C SELECT 1');
  });
});
