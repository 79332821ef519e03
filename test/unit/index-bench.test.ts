import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IndexResult, postgresPart, SEARCHES, sqlitePart } from '../bench/support/index-parts.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

/** The short form of `npm run bench:index`: what it measures has to be right before it is fast. */

const STATEMENTS = 10_000;
let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test('both indexes hold all statements and find as many', async () => {
  const here = await sqlitePart(STATEMENTS);
  const before = process.env.PGPASSWORD;
  process.env.PGPASSWORD = server.password;
  let there: IndexResult;
  try {
    there = await postgresPart(STATEMENTS, `postgres://postgres@127.0.0.1:${server.port}/postgres`);
  } finally {
    if (before === undefined) delete process.env.PGPASSWORD;
    else process.env.PGPASSWORD = before;
  }
  expect([here.statements, there.statements]).toEqual([STATEMENTS, STATEMENTS]);
  const counts = ({ searches }: IndexResult) => searches.map(({ what, total, found }) => [what, total, found]);
  expect(counts(there)).toEqual(counts(here));
  expect(here.searches).toHaveLength(Object.keys(SEARCHES).length);
  expect(here.searches.filter(({ total }) => total > 0).length).toBeGreaterThan(6);
}, 120_000);
