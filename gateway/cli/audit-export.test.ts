import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NewAuditLogEntry } from '../audit/audit-log.ts';
import { record } from '../audit/redact/test-session.ts';
import type { ReportSource } from '../audit/report/workspace-source.ts';
import { decision, temporaryFolder } from '../recording/test-support.ts';
import { registerAuditExport } from './audit-export.ts';
import { registerAuditRedact } from './audit-redact.ts';
import { registerAuditReport } from './audit-report.ts';
import type { Cli } from './cli.ts';
import { runProgram } from './program.ts';
import { sessionDeps } from './sessions-deps.ts';

const home = temporaryFolder('audit-cli');
afterAll(() => rmSync(home, { recursive: true, force: true }));

const MAIL = 'zoe.quux@example.com';
const HOSTILE = '\u001b]0;owned\u0007\u202e';
const asked = decision({
  approvalId: 'A1',
  decidedBy: 'grace',
  channel: 'console',
  verdict: { ...decision().verdict, effect: 'ask', policyIds: ['writes-ask'] },
});

beforeAll(async () => {
  await record(join(home, 'recordings'), (script) => {
    script.query({
      text: 'SELECT id, mail FROM people',
      columns: ['id', 'mail'],
      rows: [
        ['1', MAIL],
        ['2', HOSTILE],
      ],
      facts: { masked: { EMAIL_ADDRESS: 1 } },
    });
    script.session.event('asked', {
      exchange: 1,
      approvalId: 'A1',
      digest: 'd1'.repeat(32),
      policyIds: ['writes-ask'],
    });
    script.session.event('decided', {
      approvalId: 'A1',
      digest: 'd1'.repeat(32),
      effect: 'allow',
      decidedBy: 'grace',
      channel: 'console',
      grantId: null,
      heldMs: 12,
    });
    script.query({
      text: `UPDATE people SET mail = '${MAIL}'`,
      tag: 'UPDATE 2',
      facts: { own: true, class: 'write', decision: asked, objects: ['public.people'], digest: 'd1'.repeat(32) },
    });
    script.query({
      text: 'DROP TABLE people',
      error: `denied ${HOSTILE}`,
      facts: { own: true, class: 'destructive', decision: decision({ effect: 'deny' }) },
    });
  });
});

async function run(...args: string[]) {
  const out: string[] = [];
  const notes: string[] = [];
  const cli: Cli = {
    out: (line) => out.push(line),
    note: (line) => notes.push(line),
    env: {},
    home: () => home,
    control: () => {
      throw new Error('no gateway is needed');
    },
    prompt: {
      line: () => Promise.reject(new Error('nobody answers')),
      secret: () => Promise.reject(new Error('nobody answers')),
    },
    signal: new AbortController().signal,
    exitWith: () => {},
  };
  const program = new Command('countersign').exitOverride();
  program.configureOutput({ writeErr: (text) => notes.push(text) });
  const audit = program.command('audit');
  const deps = sessionDeps(cli);
  const trail: NewAuditLogEntry[] = [];
  const told = (entry: NewAuditLogEntry) => trail.push(entry);
  registerAuditRedact(audit, cli, deps, told);
  registerAuditExport(audit, cli, deps, told);
  const source: ReportSource = {
    async *sessions({ since }) {
      for await (const folder of deps.recordings.sessionFolders(deps.recordingsDir())) {
        const { info } = await deps.recordings.readSession(folder);
        if (since === null || info.openedAt >= since)
          yield { folder, device: null, verification: await deps.verify(folder, {}) };
      }
    },
    completeness: async () => ({ status: 'not-checked', sentence: 'No log.', devices: [] }),
  };
  registerAuditReport(audit, cli, deps, source, told);
  const code = await runProgram(program, ['audit', ...args], cli);
  return { code, lines: out, out: out.join('\n'), notes: notes.join('\n'), trail };
}

interface Ocsf {
  class_uid: number;
  activity_name: string;
  message: string;
  status: string;
  status_code?: string;
  metadata: { event_code: string; original_event_uid?: string };
  unmapped: { countersign: { seq?: number; leaf_hash?: string; statement?: number } };
}

describe('export', () => {
  test('OCSF: one record for each thing that happened, in order, each with its place in the evidence and no value', async () => {
    const { lines, out, code, trail } = await run('export', 'last', '--format', 'ocsf');
    expect(trail).toMatchObject([{ type: 'exported', format: 'ocsf', to: 'standard output' }]);
    expect(code).toBe(0);
    const records = lines.map((line) => JSON.parse(line) as Ocsf);
    expect(records.map(({ metadata }) => metadata.event_code)).toEqual([
      'sign-in',
      'statement',
      'asked',
      'decided',
      'statement',
      'statement',
      'session-closed',
    ]);
    expect(records.map(({ class_uid }) => class_uid)).toEqual([3002, 6005, 6005, 6005, 6005, 6005, 3002]);
    for (const { unmapped } of records) {
      expect(unmapped.countersign.seq).toBeTypeOf('number');
      expect(Buffer.from(unmapped.countersign.leaf_hash ?? '', 'base64')).toHaveLength(32);
    }
    expect(records[5]).toMatchObject({
      activity_name: 'Delete',
      status_code: '23505',
      unmapped: { countersign: { statement: 2 } },
    });
    expect(out).not.toContain('quux');
    expect((await run('export', 'last', '--format', 'ocsf', '--with-text')).out).toContain('quux');
  });

  test('CEF: the same, a line each', async () => {
    const { lines } = await run('export', 'last', '--format', 'cef');
    expect(lines).toHaveLength(7);
    for (const line of lines) expect(line).toMatch(/^CEF:0\|Countersign\|Countersign\|/);
    expect(lines[4]).toContain('act=asked-approved');
  });

  test.each([
    ['asciicast', 3],
    ['asciicast-v2', 2],
  ])('%s is the replay, and nothing in it acts on the terminal but our own colours', async (format, version) => {
    const { lines } = await run('export', 'last', '--format', format);
    const [head, ...events] = lines.map((line) => JSON.parse(line) as unknown);
    expect(head).toMatchObject(
      version === 3 ? { version, term: { cols: 120, rows: 40 } } : { version, width: 120, height: 40 },
    );
    const written = events as [number, string, string][];
    let last = 0;
    for (const [at, code] of written) {
      expect(['o', 'x']).toContain(code);
      expect(at).toBeGreaterThanOrEqual(version === 3 ? 0 : last);
      last = at;
    }
    const screen = written.map(([, , text]) => text).join('');
    expect(screen).toContain('UPDATE people SET mail');
    expect(screen).toContain('asked, approved by grace');
    const [first = '', ...coloured] = screen.replaceAll('\r\n', '').split('\u001b');
    for (const part of coloured) expect(part).toMatch(/^\[\d+m/);
    expect(first + coloured.join('')).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(written.at(-1)?.[1] === 'x').toBe(version === 3);
  });

  test('several sessions in one file, where the format allows it', async () => {
    const out = join(home, 'two.jsonl');
    expect(await run('export', 'last', 'last', '--out', out)).toMatchObject({ code: 0 });
    const types = readFileSync(out, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types.filter((type) => type === 'session')).toHaveLength(2);
    expect((await run('export', 'last', '--out', out)).notes).toContain('is there already');
    expect((await run('export', 'last', 'last', '--format', 'asciicast')).notes).toContain('holds one session');
  });

  test('CSV has no formulas, HAR says why not', async () => {
    expect((await run('export', 'last', '--format', 'csv', '--statement', '0')).out).toContain(`1,${MAIL}`);
    const none = join(home, 'none.csv');
    expect((await run('export', 'last', '--format', 'csv', '--out', none)).notes).toContain('say whose result');
    expect(existsSync(none)).toBe(false);
    expect((await run('export', 'last', '--format', 'har')).notes).toContain('HAR holds HTTP requests');
  });
});

describe('redact', () => {
  test('says what is gone by type, what went with it and what stays, never the value', async () => {
    const bundle = join(home, 'redacted.tar');
    const { code, out, notes, trail } = await run(
      'redact',
      'last',
      '--value',
      MAIL,
      '--out',
      bundle,
      '--why',
      'case 7',
    );
    expect(trail).toMatchObject([{ type: 'redacted', what: '1 value', why: 'case 7' }]);
    expect(code).toBe(0);
    expect(out).toContain('of requests');
    expect(out).toContain('of results');
    expect(out).toContain('Of these 2 statements something is gone');
    expect(out).toContain('#0 to #1');
    expect(out).toContain('1 signed digest of these requests stays');
    expect(notes).toContain('countersign sessions verify');
    expect(out + notes).not.toContain('quux');
    const again = await run('export', bundle, '--format', 'jsonl');
    expect(again.out).not.toContain('quux');
    expect(again.out).toContain('DROP TABLE people');
    const records = (await run('export', bundle, '--format', 'ocsf')).lines.map((line) => JSON.parse(line) as Ocsf);
    expect(records[4]).toMatchObject({ status: 'Success', unmapped: { countersign: { rows: 1, statement: 1 } } });
  });

  test('by entity, column and place; values from a file', async () => {
    expect((await run('redact', 'last', '--entity', 'email', '--out', join(home, 'e.tar'))).out).toContain(
      'of EMAIL_ADDRESS',
    );
    expect((await run('redact', 'last', '--column', 'people.mail', '--out', join(home, 'c.tar'))).out).toContain(
      'found by its name',
    );
    expect((await run('redact', 'last', '--result', '0', '--out', join(home, 'r.tar'))).out).toContain(
      '--value takes them out everywhere',
    );
    expect((await run('redact', 'last', '--entity', 'person', '--out', join(home, 'p.tar'))).notes).toContain(
      'one of CREDIT_CARD',
    );
    expect(
      (await run('redact', 'last', '--value-file', join(home, 'nowhere'), '--out', join(home, 'v.tar'))).code,
    ).toBe(2);
    expect((await run('redact', 'last', '--out', join(home, 'n.tar'))).notes).toContain('say what to take out');
  });
});

describe('report', () => {
  test.each([
    ['html', '<!doctype html>'],
    ['pdf', '%PDF-'],
    ['json', '{'],
  ])('as %s, with the findings on the terminal', async (form, begins) => {
    const file = join(home, `report.${form}`);
    const { code, out } = await run('report', '--out', file, '--since', '2020-01-01');
    expect(code).toBe(0);
    expect(out).toContain('1 session, ');
    expect(out).toContain('Statements that policy denied (1)');
    expect(readFileSync(file).subarray(0, begins.length).toString()).toBe(begins);
    expect((await run('report', '--out', file)).notes).toContain('is there already');
  });

  test('of chosen sessions, and nothing where there is nothing', async () => {
    expect((await run('report', '--out', join(home, 'chosen.html'), '--sessions', 'last')).code).toBe(0);
    expect(readFileSync(join(home, 'chosen.html'), 'utf8')).toContain('chosen by name');
    const none = join(home, 'later.html');
    expect((await run('report', '--out', none, '--since', '2030-01-01')).notes).toContain('no session in this range');
    expect(existsSync(none)).toBe(false);
    expect((await run('report', '--out', join(home, 'report.doc'))).notes).toContain(
      'report.html, report.pdf or report.json',
    );
  });
});
