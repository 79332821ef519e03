import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CountersignError } from '../contract/errors.ts';
import type { SessionFilter } from '../contract/routes/sessions.ts';
import type { ControlClient } from '../control/client.ts';
import { StoreCore } from '../store/core.ts';
import { APPROVED, type FakeQuery, FakeRecordings, fakeSession } from '../store/test-recordings.ts';
import type { Cli } from './cli.ts';
import { runProgram } from './program.ts';
import { registerSessionCommands, type SessionDeps } from './sessions.ts';
import { gatewaySessions } from './sessions-gateway.ts';

/** Where recordings are not this user's to read: what the commands show comes from the gateway. */
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-sessions-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HOME = '/var/lib/countersign';
const FIRST = '01JAAAAAAAAAAAAAAAAAAAAAAA';
const SECOND = '01JBBBBBBBBBBBBBBBBBBBBBBB';
const QUERIES: FakeQuery[] = [
  {
    text: 'SELECT id, email FROM customers',
    columns: ['id', 'email'],
    rows: [
      ['1', '[EMAIL_ADDRESS]'],
      ['2', null],
    ],
    facts: { masked: { EMAIL_ADDRESS: 1 }, maskedColumns: [[0, [1]]] },
  },
  {
    text: 'UPDATE orders SET total = 1',
    tag: 'UPDATE 3',
    facts: { class: 'write', decision: APPROVED, heldMs: 1500, own: true },
  },
];
const MANY: FakeQuery[] = [{ text: 'SELECT n', columns: ['n'], rows: Array.from({ length: 700 }, (_, i) => [`${i}`]) }];

interface Page {
  id: string;
  index: number;
  q: string;
  offset: number;
  limit: number;
}

async function world(recordings: FakeRecordings) {
  const core = new StoreCore({ file: join(folder, 'i.db'), recordingsDir: folder, role: 'write', source: recordings });
  await core.rebuild({ fresh: false }, () => {}, new AbortController().signal);
  const called: string[] = [];
  const answers: Record<string, (input: SessionFilter & Page) => unknown> = {
    sessions: (filter) => core.sessions(filter),
    search: ({ q, offset, limit }) => core.search({ text: q! }, { offset, limit }),
    session: ({ id }) => {
      const found = core.session(id);
      if (!found) throw new CountersignError('SESSION_UNKNOWN', `there is no session ${id}`);
      return found;
    },
    statements: ({ id, ...page }) => core.statements(id, page),
    result: ({ id, index, ...page }) => core.result(id, index, page),
  };
  const control = {
    call: async (name: string, input: SessionFilter & Page) => {
      called.push(name);
      return answers[name]!(input);
    },
  } as unknown as ControlClient;
  return { control, called, close: () => core.close() };
}

async function run(control: ControlClient, ...args: string[]) {
  const out: string[] = [];
  const notes: string[] = [];
  const cli = {
    out: (line: string) => out.push(line),
    note: (line: string) => notes.push(line),
    env: {},
    home: () => HOME,
    signal: new AbortController().signal,
    exitWith: () => {},
  } as unknown as Cli;
  const deps = {
    remover: () => null,
    recordingsDir: () => {
      throw new CountersignError('HOME_NOT_OURS', `${HOME} belongs to the protected gateway`);
    },
    gateway: () => gatewaySessions(control, HOME),
    recordings: new FakeRecordings(),
    terminal: { columns: null, color: false },
    now: () => Date.UTC(2026, 5, 1),
    sleep: async () => {},
  } as unknown as SessionDeps;
  const program = new Command('countersign').exitOverride().configureOutput({ writeOut: cli.out, writeErr: cli.note });
  registerSessionCommands(program, cli, deps);
  const code = await runProgram(program, ['sessions', ...args], cli);
  return { code, out: out.join('\n'), notes: notes.join('\n') };
}

const two = () =>
  new FakeRecordings(fakeSession(FIRST, QUERIES), fakeSession(SECOND, MANY, 'closed', '2026-05-31T00:00:00.000Z'));

describe('the gateway shows', () => {
  test('lists and searches', async () => {
    const { control, close } = await world(two());
    expect((await run(control, 'list')).out.split('\n').map((line) => line.slice(0, 26))).toEqual([SECOND, FIRST]);
    expect((await run(control, 'list', '--text', 'customers')).out).toContain('2 statements  1 asked');
    expect((await run(control, 'search', 'update', 'orders')).out).toContain(`${FIRST} #1`);
    close();
  });

  test('a session with its statements, results and masked columns; ids as ever', async () => {
    const { control, called, close } = await world(two());
    const { out, code } = await run(control, 'show', '01JA', '--rows', '5');
    expect(code).toBe(0);
    expect(out).toContain(`Session ${FIRST}`);
    expect(out).toContain('2 statements, 1 asked');
    expect(out).toContain(' id | email (masked)\n');
    expect(out).toContain('asked, approved by ann after 1.5 s');
    expect(called.filter((name) => name === 'result')).toHaveLength(1);
    expect((await run(control, 'show', FIRST.toLowerCase())).out).toContain(`Session ${FIRST}`);
    const last = await run(control, 'show', 'last', '--statement', '0', '--json');
    const { statements } = JSON.parse(last.out);
    expect(statements[0].result).toEqual(MANY[0]!.rows);
    expect(await run(control, 'show', '01J')).toMatchObject({
      notes: expect.stringContaining('2 sessions begin with'),
    });
    expect(await run(control, 'show', '01X')).toMatchObject({ notes: expect.stringContaining('no session begins') });
    expect((await run(control, 'show', `${FIRST.slice(0, 25)}X`)).notes).toContain('there is no session');
    close();
  });

  test('a replay', async () => {
    const { control, close } = await world(two());
    const { out } = await run(control, 'replay', FIRST, '--no-wait');
    expect(out).toContain('shop=> SELECT id, email FROM customers');
    expect(out).toContain(' id | email (masked)');
    expect(out).toContain('End of the session: 2 statements, 1 asked, 0 denied, 0 errors; closed');
    close();
  });

  test('nothing, where nothing is recorded yet', async () => {
    const { control, close } = await world(new FakeRecordings());
    for (const command of [['list'], ['show', 'last'], ['replay', '01']]) {
      expect((await run(control, ...command)).notes).toContain('no recorded sessions at the gateway yet');
    }
    close();
  });
});

test('what needs the recordings themselves says so, and so does everything when no gateway answers', async () => {
  const { control, close } = await world(two());
  expect((await run(control, 'export', FIRST)).notes).toContain('belongs to the protected gateway');
  close();
  const gone = {
    call: async () => {
      throw new CountersignError('CONTROL_UNREACHABLE', 'no gateway');
    },
  } as unknown as ControlClient;
  for (const command of [['list'], ['show', 'last'], ['replay', FIRST], ['search', 'x']]) {
    expect(await run(gone, ...command)).toMatchObject({
      code: 1,
      notes: expect.stringMatching(/does not answer you either.*sudo$/),
    });
  }
});
