import * as fs from 'node:fs';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { record } from '../audit/redact/test-session.ts';
import { createWorkspace, openWorkspace } from '../audit/workspace.ts';
import { formatVkey, makeVkey } from '../evidence/format/vkey.ts';
import { createSessionKey, nodePrimitives as p } from '../recording/primitives.ts';
import { decision, sessionId, temporaryFolder } from '../recording/test-support.ts';
import { runCommand } from './test-cli.ts';

const dir = temporaryFolder('audit-search');
const folder = join(dir, 'workspace');
const SID = sessionId(1);
const DEVICE = '01ARZ3NDEKTSV4RRFFQ69G5FAV';
let server: TestPostgres;
let database: string;

beforeAll(async () => {
  server = await startPostgres();
  database = `postgres://postgres@127.0.0.1:${server.port}/postgres`;
  const root = formatVkey(makeVkey(p.sha256, 'countersign/org/acme', createSessionKey().publicKey));
  const workspace = await createWorkspace(folder, { root, name: 'eve', passphrase: 'correct horse' });
  const recorded = await record(workspace.recordingsDir, (script) => {
    script.query({ text: 'SELECT mail FROM people', columns: ['mail'], rows: [['x']], facts: { objects: ['people'] } });
    script.query({
      text: "DELETE FROM people WHERE hidden = '\u001b]0;owned\u0007\u202e'",
      tag: 'DELETE 1',
      facts: {
        own: true,
        objects: ['people'],
        decision: decision({
          approvalId: 'A1',
          decidedBy: 'grace',
          verdict: { ...decision().verdict, effect: 'ask', policyIds: ['writes-ask'] },
        }),
      },
    });
  });
  const books = workspace.books('write');
  books.putSession({ sid: SID, org: 'acme', device: DEVICE, folder: relative(workspace.recordingsDir, recorded) });
  books.putPart(SID, { n: 0, sha256: Buffer.alloc(32, 1), prev: '', last: true, name: 'x' }, []);
  books.close();
});
afterAll(async () => {
  await server.stop();
  fs.rmSync(dir, { recursive: true, force: true });
});

const audit = (...args: string[]) =>
  runCommand(['audit', '--workspace', folder, ...args], { env: { PGPASSWORD: server.password } });
const logged = () =>
  [...openWorkspace(folder).log.entries()].map(
    (bytes) => JSON.parse(Buffer.from(bytes).toString()) as { type: string },
  );

test('there is no index before one is made, and the sentence says how', async () => {
  const { code, notes } = await audit('search', 'people');
  expect(code).toBe(1);
  expect(notes).toContain('countersign audit index');
  expect((await audit('search', 'people', '--database', database)).notes).toContain(
    'countersign audit index --database',
  );
  expect((await audit('index', '--holds')).notes).toContain('give --database');
  expect((await audit('index')).out).toContain('1 session, 2 new statements');
  const first = await audit('index', '--database', database);
  expect(first.out).toContain('1 session, 1 new or changed, 2 statements');
  expect((await audit('index', '--database', database)).out).toContain('0 new or changed, 0 statements');
});

describe.each([
  ['the workspace', (): string[] => []],
  ["the team's database", () => ['--database', database]],
])('in %s', (_where, where) => {
  test('filters narrow, what is shown is harmless, and each search is in the log', async () => {
    const found = await audit(
      'search',
      'people',
      '--approver',
      'GRACE',
      '--table',
      'people',
      '--device',
      DEVICE,
      ...where(),
    );
    expect(found.out).toContain(`${SID} #1`);
    expect(found.out).not.toContain('#0');
    for (const hostile of ['\u0007', '\u202e', '\u001b']) expect(found.out).not.toContain(hostile);
    expect(found.out).toContain('by grace');
    expect(logged().at(-1)).toMatchObject({ type: 'searched', found: 1 });
    expect(JSON.stringify(logged().at(-1))).toContain('approver=GRACE');
    const json = JSON.parse((await audit('search', '--verdict', 'allowed', '--json', ...where())).out);
    expect(json).toMatchObject({ total: 1, items: [{ sessionId: SID, index: 0, text: 'SELECT mail FROM people' }] });
    expect((await audit('search', '--since', '2100-01-01', ...where())).notes).toContain('No statement fits');
    expect((await audit('search', '--verdict', 'perhaps', ...where())).code).toBeGreaterThan(0);
  });
});

test('searches are kept by name, narrowed, listed and deleted', async () => {
  expect((await audit('search', 'people', '--save', 'deletes', '--verdict', 'asked')).out).toContain('#1');
  const again = await audit('search', 'deletes');
  expect(again.out).toContain('#1');
  expect(again.notes).toContain('people verdict=asked');
  expect((await audit('search', 'deletes', '--database', database)).out).toContain('#1');
  expect((await audit('search', 'deletes', '--person', 'nobody')).notes).toContain('No statement fits');
  expect((await audit('search', '"deletes"')).notes).toContain('No statement fits');
  expect((await audit('search', '--saved')).out).toBe('deletes  people verdict=asked');
  expect((await audit('search', 'x', '--save', '../x')).notes).toContain('letters, digits');
  expect(fs.statSync(join(folder, 'searches.json')).mode & 0o077).toBe(0);
  await audit('search', '--delete', 'deletes');
  expect((await audit('search', '--delete', 'deletes')).notes).toContain('no saved search deletes');
  expect((await audit('search', '--saved')).notes).toContain('No search is saved');
});

test("a team's index forgets what no hold keeps, and the log says why", async () => {
  const index = (...args: string[]) => audit('index', '--database', database, ...args);
  expect((await index('--forget-before', '2100-01-01')).notes).toContain('say why');
  expect((await index('--hold', SID, '--why', 'case 7')).out).toContain('is held');
  expect((await index('--holds')).out).toContain('eve: case 7');
  expect((await index('--forget-before', '2100-01-01', '--why', 'old')).out).toContain(
    '0 sessions with 0 statements were forgotten',
  );
  await index('--lift', SID, '--why', 'case 7 is over');
  expect((await index('--forget-before', '2100-01-01', '--dry-run')).out).toContain(
    '1 session with 2 statements would be',
  );
  expect((await index('--forget-before', '2100-01-01', '--why', 'old')).out).toContain(
    '1 session with 2 statements were',
  );
  expect((await index()).out).toContain('0 new or changed');
  expect(logged().filter(({ type }) => type === 'retention')).toMatchObject([
    { what: expect.stringContaining(`hold ${SID}`), why: 'case 7' },
    { what: expect.stringContaining('forget what ended before 2100-01-01'), why: 'old' },
    { what: expect.stringContaining(`lift ${SID}`), why: 'case 7 is over' },
    { what: expect.stringContaining('forget'), why: 'old' },
  ]);
});
