import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowsPreview } from '../../../gateway/contract/preview.ts';
import {
  writeBind,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
} from '../../../gateway/protocols/postgres/codec/write-frontend.ts';
import { RawClient } from '../../support/raw-client.ts';
import { nextHeld } from '../../support/side-by-side.ts';
import { type Stage, startStage } from './stage.ts';

let stage: Stage;

beforeAll(async () => {
  stage = await startStage(
    `
    CREATE TABLE people (id int PRIMARY KEY, name text, ssn text);
    INSERT INTO people VALUES (1, 'Ana', '123-45-6789'), (2, 'Bo', '321-54-9876'), (3, 'Cy', NULL);
    CREATE TABLE visits (id int PRIMARY KEY, person int REFERENCES people ON DELETE CASCADE);
    INSERT INTO visits VALUES (1, 1), (2, 1), (3, 2);
    CREATE TABLE numbered (id serial PRIMARY KEY, v text);
    CREATE SCHEMA other`,
    { columns: [{ schema: 'public', table: 'people', column: 'ssn', entity: 'US_SSN', action: 'redact' }] },
  );
});
afterAll(() => stage?.stop());

/** Runs a statement as an agent, gives what the person saw, and denies it. */
async function shown(sql: string, values: unknown[] = []): Promise<RowsPreview> {
  const client = await stage.client();
  try {
    const answer = client.query(sql, values).then(
      () => null,
      (error: Error) => error,
    );
    const approval = await stage.previewed();
    await stage.decide(approval, 'deny');
    expect((await answer)?.message).toContain('Countersign denied');
    return approval.preview as RowsPreview;
  } finally {
    await client.end();
  }
}

describe('a held change of rows', () => {
  it('is shown with its rows before and after, and nothing has happened', async () => {
    const preview = await shown('UPDATE people SET name = upper(name) WHERE id < 3');
    expect(preview).toMatchObject({
      basis: 'exact',
      rows: 2,
      table: 'public.people',
      why: null,
      columns: ['id', 'name', 'ssn'],
      key: [0],
    });
    expect(preview.sample.map(({ before, after }) => [before?.[1], after?.[1]])).toEqual([
      ['Ana', 'ANA'],
      ['Bo', 'BO'],
    ]);
    expect(await stage.postgres.query('SELECT name FROM people ORDER BY id')).toEqual([
      { name: 'Ana' },
      { name: 'Bo' },
      { name: 'Cy' },
    ]);
  });

  it('shows masked columns as the agent would see them', async () => {
    const preview = await shown('DELETE FROM people WHERE id = 1');
    expect(preview.sample).toHaveLength(1);
    expect(JSON.stringify(preview)).not.toContain('123-45-6789');
    expect(preview.sample[0]!.before?.[1]).toBe('Ana');
    expect(preview.sample[0]!.before?.[2]).not.toBe(null);
    expect(preview.also).toEqual(['It also deletes 2 rows of public.visits, by a foreign key.']);
  });

  it('is shown with the parameters that it is bound to', async () => {
    const preview = await shown('UPDATE people SET name = $2 WHERE id = $1', [2, 'Bob']);
    expect(preview).toMatchObject({ basis: 'exact', rows: 1 });
    expect(preview.sample[0]).toMatchObject({
      before: ['2', 'Bo', expect.anything()],
      after: ['2', 'Bob', expect.anything()],
    });
  });

  it('takes no value of a sequence', async () => {
    const preview = await shown("INSERT INTO numbered (v) VALUES ('a'), ('b')");
    expect(preview).toMatchObject({ basis: 'statement', rows: 2, columns: ['v'] });
    expect(preview.why).toContain('sequence');
    expect(preview.sample.map(({ after }) => after)).toEqual([['a'], ['b']]);
    expect(await stage.postgres.query('SELECT last_value, is_called FROM numbered_id_seq')).toEqual([
      { last_value: '1', is_called: 'f' },
    ]);
  });

  it('is not run by what its own transaction has defined', async () => {
    const client = await stage.client();
    const define = client.query(`BEGIN; CREATE FUNCTION public.lower(t text) RETURNS text LANGUAGE plpgsql AS
      $$ BEGIN PERFORM nextval('numbered_id_seq'); RETURN t; END $$; SET search_path = public, pg_catalog`);
    const defining = await nextHeld(stage.sides.control);
    await stage.decide(defining, 'approve');
    await define;
    const answer = client.query('UPDATE people SET name = lower(name)').catch((error: Error) => error.message);
    const held = await stage.previewed();
    expect(held.preview).toMatchObject({ basis: 'estimate', why: expect.stringContaining('lower()') });
    await stage.decide(held, 'deny');
    expect(await answer).toContain('Countersign denied');
    await client.end();
    expect(await stage.postgres.query('SELECT is_called FROM numbered_id_seq')).toEqual([{ is_called: 'f' }]);
  });

  it('runs once when it is approved, by both protocols', async () => {
    const client = await RawClient.connect(stage.sides.gateway);
    client.send(writeQuery("UPDATE people SET name = 'Cyd' WHERE id = 3"));
    await stage.decide(await stage.previewed(), 'approve');
    expect(await client.until('Z')).toEqual(['C UPDATE 1', 'Z I']);
    const value = [new TextEncoder().encode('Cy')];
    client.send(
      writeParse('', 'UPDATE people SET name = $1 WHERE id = 3 RETURNING name'),
      writeBind('', '', value),
      writeDescribe('portal', ''),
      writeExecute(''),
      writeSync(),
    );
    const held = await stage.previewed();
    expect(held.preview).toMatchObject({ basis: 'exact', rows: 1, columns: ['id', 'name', 'ssn'] });
    await stage.decide(held, 'approve');
    expect(await client.until('Z')).toEqual(['1', '2', 'T', 'D Cy', 'C UPDATE 1', 'Z I']);
    client.end();
  });
});
