import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RecordedEvent } from '../recording/recorded.ts';
import { StoreCore } from '../store/core.ts';
import type { Store } from '../store/store.ts';
import { APPROVED, DENIED, type FakeQuery, FakeRecordings, fakeSession } from '../store/test-recordings.ts';
import type { Cli } from './cli.ts';
import { runProgram } from './program.ts';
import { registerSessionCommands, type SessionDeps } from './sessions.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-sessions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HOSTILE = '\u001b]0;owned\u0007\u202e';
const QUERIES: FakeQuery[] = [
  {
    text: 'SELECT id, email FROM customers',
    columns: ['id', 'email'],
    rows: [
      ['1', `=cmd|' /C calc'!A0`],
      ['2', null],
      ['-3', HOSTILE],
    ],
    facts: { masked: { EMAIL_ADDRESS: 2 }, maskedColumns: [[0, [1]]] },
  },
  {
    text: 'UPDATE orders SET total = 1',
    tag: 'UPDATE 3',
    facts: { class: 'write', decision: APPROVED, heldMs: 1500, own: true },
  },
  {
    text: 'DROP DATABASE shop\n; SELECT 1',
    error: { sqlstate: '42501', message: `denied ${HOSTILE}` },
    facts: { class: 'destructive', decision: DENIED, own: true },
  },
];

class FolderRecordings extends FakeRecordings {
  eventList: RecordedEvent[] = [];

  override async *sessionFolders(): AsyncGenerator<string> {
    for await (const id of super.sessionFolders()) yield join(folder, 'recordings', id);
  }
  override readSession(path: string) {
    return super.readSession(basename(path));
  }
  override exchanges(path: string, range?: Parameters<FakeRecordings['exchanges']>[1]) {
    return super.exchanges(basename(path), range);
  }
  override pieces(path: string, range?: Parameters<FakeRecordings['pieces']>[1]) {
    return super.pieces(basename(path), range);
  }
  async *events(): AsyncGenerator<RecordedEvent> {
    yield* this.eventList;
  }
}

function world(
  recordings: FolderRecordings,
  changes: Partial<SessionDeps> = {},
  signal = new AbortController().signal,
) {
  const slept: number[] = [];
  const deps: SessionDeps = {
    recordingsDir: () => join(folder, 'recordings'),
    openStore: (mode) => {
      const core = new StoreCore({
        file: join(folder, 'index.db'),
        recordingsDir: folder,
        role: mode,
        source: recordings,
      });
      return {
        sessions: async (filter) => core.sessions(filter),
        search: async (text, page) => core.search(text, page),
        removeSession: async (id) => core.removeSession(id),
        rebuild: async ({ fresh = false, progress = () => {} } = {}) => core.rebuild({ fresh }, progress, signal),
        close: async () => core.close(),
      } as Store;
    },
    gateway: () => null,
    remover: () => null,
    recordings,
    verify: async () => ({
      sessionId: '01AAA',
      ok: true,
      state: 'closed',
      checks: [{ name: 'root', status: 'ok', sentence: 'it holds' }],
      brokenExchanges: [],
    }),
    exportBundle: async () => {},
    terminal: { columns: null, color: false },
    now: () => Date.UTC(2026, 5, 1),
    sleep: async (ms) => {
      slept.push(ms);
    },
    ...changes,
  };
  const run = async (...args: string[]) => {
    const out: string[] = [];
    const notes: string[] = [];
    let code = 0;
    const cli = {
      out: (line: string) => out.push(line),
      note: (line: string) => notes.push(line),
      env: {},
      home: () => folder,
      signal,
      exitWith: (exit: number) => {
        code = exit;
      },
    } as unknown as Cli;
    const program = new Command('countersign')
      .exitOverride()
      .configureOutput({ writeOut: cli.out, writeErr: cli.note });
    registerSessionCommands(program, cli, deps);
    const failed = await runProgram(program, ['sessions', ...args], cli);
    const all = [...out, ...notes].join('\n');
    expect(all).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
    return { code: code || failed, out: out.join('\n'), notes: notes.join('\n') };
  };
  return { run, slept };
}

const two = () =>
  new FolderRecordings(
    fakeSession('01AAA', QUERIES),
    fakeSession('01ABB', [{ text: 'SELECT 1', columns: ['a'], rows: [['1']] }], 'closed', '2026-05-31T00:00:00.000Z'),
  );

describe('list and search', () => {
  test('nothing recorded yet says what to do', async () => {
    const { run } = world(new FolderRecordings());
    expect((await run('list')).notes).toContain('there are no recorded sessions');
    expect((await run('show', 'last')).notes).toContain('there are no recorded sessions');
  });

  test('without an index it reads the folders, with one the index; text needs the index', async () => {
    const recordings = two();
    const { run } = world(recordings);
    const before = await run('list');
    expect(before.out.split('\n').map((line) => line.slice(0, 5))).toEqual(['01ABB', '01AAA']);
    expect((await run('list', '--text', 'customers')).notes).toContain('sessions reindex');
    expect((await run('search', 'customers')).notes).toContain('sessions reindex');
    expect((await run('reindex')).out).toBe('The index is up to date: 2 of 2 sessions, 4 statements added.');
    expect((await run('list', '--text', 'customers')).out).toMatch(
      /^01AAA .*3 statements {2}1 asked, 1 denied, 1 error$/,
    );
    expect((await run('list', '--verdict', 'denied', '--since', '2026-02-01')).notes).toBe('No session fits.');
    expect((await run('list', '--since', '2d')).out).toMatch(/^01ABB/);
    expect((await run('list', '--limit', '1')).notes).toBe('1 of 2; more with --offset 1');
    expect(JSON.parse((await run('list', '--json')).out)).toMatchObject({
      total: 2,
      items: [{ id: '01ABB' }, { id: '01AAA' }],
    });
    expect((await run('search', 'update', 'orders')).out).toContain('01AAA #1');
    expect((await run('list', '--state', 'dancing')).code).toBe(2);
  });
});

test('ids: a beginning that one has, "last", and clear words for the rest', async () => {
  const { run } = world(two());
  expect((await run('show', '01aaa')).out).toContain('Session 01AAA');
  expect((await run('show', 'last')).out).toContain('Session 01ABB');
  expect((await run('show', '01AB')).out).toContain('Session 01ABB');
  expect(await run('show', '01A')).toMatchObject({
    code: 1,
    notes: expect.stringContaining('2 sessions begin with 01A (01AAA, 01ABB)'),
  });
  expect(await run('show', `9${HOSTILE}`)).toMatchObject({
    code: 1,
    notes: expect.stringContaining('no session begins with 9<001B>'),
  });
});

test('show: head, statements with verdicts, and a result', async () => {
  const { run } = world(two());
  const { out } = await run('show', '01AAA', '--rows', '2');
  expect(out).toContain('Ann (not verified) → psql (pid 42), psql → demo/shop as app');
  expect(out).toContain('3 statements, 1 asked, 1 denied, 1 error, 6 rows');
  expect(out).toContain('#1  03:04:06.000  UPDATE  asked, approved by ann after 1.5 s (changes-ask)  UPDATE 3');
  expect(out).toContain('denied (no-drop)  ERROR 42501: denied <001B>]0;owned<0007><202E>');
  expect(out).toContain('(2 of 3 rows)');
  const page = await run('show', '01AAA', '--limit', '1', '--offset', '1');
  expect(page.out).not.toContain('customers');
  expect(page.notes).toBe('2 of 3 statements; more with --offset 2');
  expect((await run('show', '01AAA', '--statement', '9')).notes).toContain('has 3 statements');
  expect(JSON.parse((await run('show', '01AAA', '--json')).out)).toMatchObject({
    session: { id: '01AAA', statements: 3 },
    total: 3,
  });
});

describe('replay', () => {
  test('waits as it went, faster on request, idle cut', async () => {
    const recordings = two();
    const at = Date.UTC(2026, 0, 2, 3, 4, 6) * 1000;
    recordings.eventList = [
      { seq: 3, at: at + 1000, type: 'asked', detail: {} },
      { seq: 4, at: at + 2000, type: 'decided', detail: {} },
    ];
    const { run, slept } = world(recordings);
    const { out } = await run('replay', '01AAA');
    expect(out).toContain('shop=> SELECT id, email FROM customers');
    expect(out).toContain(' id | email (masked)\n');
    expect(out).toContain('▌ waits for a person\n▌ asked, approved by ann');
    expect(out).toContain('▌ denied (no-drop)\nERROR 42501');
    expect(out).toContain(
      'End of the session: 3 statements, 1 asked, 1 denied, 1 errors; the client closed its connection',
    );
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(2002.5, 0);
    slept.length = 0;
    await run('replay', '01AAA', '--speed', '10');
    expect(slept.reduce((sum, ms) => sum + ms, 0)).toBeCloseTo(200.25, 0);
    slept.length = 0;
    expect((await run('replay', '01AAA', '--idle', '0')).out).toContain('… 998 ms passed');
    slept.length = 0;
    await run('replay', '01AAA', '--no-wait');
    expect(slept).toEqual([]);
  });

  test('^C stops it cleanly', async () => {
    const abort = new AbortController();
    const { run } = world(two(), { sleep: async () => abort.abort() }, abort.signal);
    const { out, notes, code } = await run('replay', '01AAA');
    expect(notes).toContain('stopped after');
    expect(out).not.toContain('End of the session');
    expect(code).toBe(0);
  });
});

describe('export', () => {
  test('JSON lines hold statements and rows', async () => {
    const { run } = world(two());
    const lines = (await run('export', '01AAA')).out.split('\n').map((line) => JSON.parse(line));
    expect(lines.map((line) => line.type)).toEqual([
      'session',
      'columns',
      'rows',
      'statement',
      'statement',
      'statement',
    ]);
    expect(lines[1].columns.map(({ masked }: { masked: boolean }) => masked)).toEqual([false, true]);
    expect(lines[2]).toEqual({
      type: 'rows',
      statement: 0,
      rows: [
        ['1', `=cmd|' /C calc'!A0`],
        ['2', null],
        ['-3', HOSTILE],
      ],
    });
    expect(lines[5]).toMatchObject({ index: 2, verdict: 'denied', error: { sqlstate: '42501' } });
  });

  test('a script runs only what had run', async () => {
    const { run } = world(two());
    const { out } = await run('export', '01AAA', '--format', 'sql');
    const live = out.split('\n').filter((line) => line !== '' && !line.startsWith('--'));
    expect(live).toEqual(['SELECT id, email FROM customers', ';', 'UPDATE orders SET total = 1', ';']);
    expect(out).toContain('-- DROP DATABASE shop\n-- ; SELECT 1');
  });

  test('CSV has no formulas, and NULL is told from an empty text', async () => {
    const { run } = world(two());
    const out = join(folder, 'result.csv');
    expect(await run('export', '01AAA', '--format', 'csv', '--statement', '0', '--out', out)).toMatchObject({
      code: 0,
      notes: 'masked: email',
    });
    expect(readFileSync(out, 'utf8')).toBe(`id,email\n1,'=cmd|' /C calc'!A0\n2,\n-3,${HOSTILE}\n`);
    expect((await run('export', '01AAA', '--format', 'csv', '--statement', '0', '--out', out)).notes).toContain(
      'is there already',
    );
    expect((await run('export', '01AAA', '--format', 'csv')).code).toBe(2);
    expect((await run('export', '01AAA', '--format', 'csv', '--statement', '7')).notes).toContain('has 3 statements');
  });
});

test('a result that is exported to a terminal does nothing to it', async () => {
  const { run } = world(two(), { terminal: { columns: 80, color: false } });
  const { out } = await run('export', '01AAA', '--format', 'csv', '--statement', '0');
  expect(out).toContain('-3,<001B>]0;owned<0007><202E>');
});

test('verify: exit codes and a sentence for each check', async () => {
  const good = await world(two()).run('verify', '01AAA');
  expect(good).toMatchObject({ code: 0, out: 'ok           root: it holds\nVERIFIED: session 01AAA (closed)' });
  const broken = await world(two(), {
    verify: async () => ({
      sessionId: '01AAA',
      ok: false,
      state: 'closed',
      checks: [{ name: 'root', status: 'failed', sentence: 'it does not hold' }],
      brokenExchanges: [[2, 4]],
    }),
  }).run('verify', '01AAA');
  expect(broken).toMatchObject({ code: 1, out: expect.stringContaining('damaged: exchanges 2 to 4\nNOT VERIFIED') });
  expect((await world(two()).run('verify', 'ZZZ')).code).toBe(2);
  expect((await world(two()).run('verify', '01AAA', '--head', '/nowhere/head')).code).toBe(2);
});

test('retention: a dry run touches nothing, --yes is needed, and what went is not found', async () => {
  const recordings = two();
  const path = join(folder, 'recordings', '01AAA');
  mkdirSync(path, { recursive: true });
  const { run } = world(recordings);
  await run('reindex');
  const dry = await run('prune', '--older-than', '90d', '--dry-run');
  expect(dry.out).toMatch(/^would remove {2}01AAA/);
  expect(dry.notes).toBe('1 session would be removed; nothing was.');
  expect(await run('prune', '--older-than', '90d')).toMatchObject({ code: 2, notes: expect.stringContaining('--yes') });
  expect(existsSync(path)).toBe(true);
  expect((await run('prune', '--older-than', '90d', '--yes')).notes).toBe('1 session removed.');
  expect(existsSync(path)).toBe(false);
  expect((await run('search', 'customers')).notes).toContain('No statement fits');
  expect((await run('prune', '--older-than', '9000d', '--yes')).notes).toBe('No session is that old.');
});

test('a recording that cannot be read says so', async () => {
  const recordings = two();
  recordings.readSession = async () => {
    throw new Error('bad');
  };
  const { run } = world(recordings);
  expect(await run('show', '01AAA')).toMatchObject({ code: 1, notes: expect.stringContaining('sessions verify') });
  expect((await run('list')).notes).toContain('cannot be read and is left out');
});
