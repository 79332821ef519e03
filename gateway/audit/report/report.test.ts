import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isCountersignError } from '../../contract/errors.ts';
import { decision, temporaryFolder } from '../../recording/test-support.ts';
import { verifySession } from '../../recording/verify.ts';
import { record } from '../redact/test-session.ts';
import { ReportData } from './data.ts';
import { gatherReport, type ReportInput } from './gather.ts';
import { reportHtml } from './html.ts';
import { reportPdf } from './pdf.ts';
import { reportData } from './test-data.ts';

const dir = temporaryFolder('report');
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

/** What a PDF of standard fonts shows, as far as its strings go. */
function pdfText(pdf: Uint8Array): string {
  const bytes = Buffer.from(pdf);
  let out = '';
  for (let at = bytes.indexOf('stream\n'); at !== -1; at = bytes.indexOf('stream\n', at + 7)) {
    if (bytes.subarray(at - 3, at).toString() === 'end') continue;
    const end = bytes.indexOf('endstream', at);
    try {
      const content = inflateSync(bytes.subarray(at + 7, end)).toString('latin1');
      for (const [array] of content.matchAll(/\[[^\]]*\] TJ/g)) {
        out += Buffer.from([...array.matchAll(/<([0-9a-f]*)>/g)].map((match) => match[1]).join(''), 'hex').toString(
          'latin1',
        );
        out += '\n';
      }
    } catch {
      // Not a content stream.
    }
  }
  return out;
}

describe('HTML', () => {
  const html = reportHtml(reportData());

  test('holds no script and nothing from elsewhere, and its policy allows its own style alone', () => {
    expect(html).not.toMatch(/<script|javascript:|\son\w+=|\sstyle=|<link|<img|<iframe|@import|url\(/i);
    expect(html).not.toMatch(/https?:\/\//);
    const style = /<style>([\s\S]*)<\/style>/.exec(html)?.[1] ?? '';
    expect(html).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`);
    expect(html).toContain("default-src 'none'");
  });

  test('hostile text is visible, other scripts are as they are', () => {
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&lt;001B&gt;[31m&lt;202E&gt;gnp.exe');
    for (const text of ['東京 ラップトップ 🚀', 'Müßig-Łukasz', 'Jörg Größl']) expect(html).toContain(text);
    expect(html).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u);
  });

  test('text from outside is nowhere markup, whatever field it came in', () => {
    const hostile = (value: unknown): unknown => {
      if (typeof value === 'string') return '<!--<b>';
      if (Array.isArray(value)) return value.map(hostile);
      if (typeof value !== 'object' || value === null) return value;
      const known = new Set(['status', 'severity', 'verdict', 'unit']);
      return Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [
          name,
          known.has(name) && typeof inner === 'string' ? inner : hostile(inner),
        ]),
      );
    };
    const page = reportHtml(hostile(reportData()) as ReportData);
    expect(page).toContain('&lt;!--&lt;b&gt;');
    expect(page).not.toMatch(/.<!|<!--|<b><|--<b>/);
  });

  test('every link leads to a place in the file, and every figure says where it comes from', () => {
    const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map((match) => match[1]));
    const links = [...html.matchAll(/href="#([^"]+)"/g)].map((match) => match[1]);
    expect(links.length).toBeGreaterThan(20);
    expect(links.filter((link) => !ids.has(link))).toEqual([]);
    for (const { id } of reportData().figures) expect(html).toMatch(new RegExp(`id="${id}"[\\s\\S]*?class="refs"`));
  });
});

describe('PDF', () => {
  test('has every section and figure, with a number on each page', async () => {
    const text = pdfText(await reportPdf(reportData()));
    for (const part of [
      'Scope',
      'Method',
      'Completeness',
      'Findings',
      'Statistics',
      'Statements of note',
      'Sessions',
      '98.7 GB',
      'not verified',
      '1 of 3',
      '3 of 3',
    ])
      expect(text).toContain(part);
  });

  test('umlauts are shown; what the fonts lack and what is hidden stands as code points, which is said', async () => {
    const text = pdfText(await reportPdf(reportData()));
    expect(text).toContain('Jörg Größl');
    expect(text).toContain('<4EAC>');
    expect(text).toContain('<1F680>');
    expect(text).toContain('<202E>');
    expect(text).toContain('they stand as their code points');
    const plain = {
      ...reportData(),
      sessions: [],
      statements: [],
      figures: [],
      findings: [],
      completeness: { status: 'complete' as const, sentence: 'All.', devices: [] },
    };
    expect(pdfText(await reportPdf(plain))).not.toContain('they stand as their code points');
  });

  test('a long report goes over pages, whatever is in it', async () => {
    const one = reportData();
    const long = 'word '.repeat(700);
    const statements = Array.from({ length: 120 }, (_, index) => ({
      ...one.statements[0]!,
      index,
      text: index % 40 === 0 ? long : 'SELECT 1',
    }));
    const pdf = await reportPdf({
      ...one,
      statements,
      findings: one.findings.map((finding) => ({ ...finding, sentence: long.slice(0, 2000) })),
    });
    expect(pdfText(pdf)).toMatch(/^\d+ of \d\d?$/m);
  });

  test('no text breaks either form', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 200 }), async (text) => {
        const one = reportData();
        const data = {
          ...one,
          title: text,
          statements: [{ ...one.statements[0]!, text, op: text }],
          sessions: [{ ...one.sessions[0]!, person: text }],
        };
        expect(pdfText(await reportPdf(data))).toContain('Sessions');
        expect(reportHtml(data)).not.toMatch(/(?!\n)[\p{Cc}\u202e\u2066]/u);
      }),
      { numRuns: 25 },
    );
  });
});

describe('what is gathered', () => {
  let folders: string[] = [];
  beforeAll(async () => {
    const denied = decision({ effect: 'deny' });
    const asked = decision({ approvalId: 'A1', decidedBy: 'grace', verdict: { ...decision().verdict, effect: 'ask' } });
    folders = [
      await record(join(dir, 'a'), (script) => {
        script.query({
          text: 'SELECT mail FROM people',
          columns: ['mail'],
          rows: [['x'], ['y']],
          facts: { masked: { EMAIL_ADDRESS: 2 } },
        });
        script.query({ text: 'DROP TABLE people', tag: 'DROP TABLE', facts: { own: true, class: 'destructive' } });
        script.query({
          text: 'DELETE FROM people',
          tag: 'DELETE 5',
          facts: { own: true, class: 'destructive', decision: asked, objects: ['public.people'] },
        });
        script.query({
          text: 'GRANT x TO y',
          error: 'denied',
          facts: { own: true, class: 'privilege', decision: denied },
        });
      }),
    ];
  });

  const input = (changes: Partial<ReportInput> = {}): ReportInput => ({
    title: 'T',
    madeBy: 'ada',
    version: '0.1.0',
    now: Date.UTC(2026, 3, 1),
    scope: { sentence: 'All.', since: null, until: null, devices: [] },
    completeness: { status: 'not-checked', sentence: 'No log was given.', devices: [] },
    texts: false,
    sessions: sessions(),
    ...changes,
  });
  async function* sessions() {
    for (const folder of folders) yield { folder, device: null, verification: await verifySession(folder) };
  }

  test('figures and findings lead to the events they were counted from', async () => {
    const data = ReportData.parse(await gatherReport(input()));
    const figure = (label: string) => data.figures.find((one) => one.label === label);
    expect(figure('Statements')).toMatchObject({ value: 4, evidence: { more: 0 } });
    expect(figure('EMAIL_ADDRESS')).toMatchObject({ value: 2, evidence: { first: [{ statement: 0 }] } });
    expect(figure('destructive')?.evidence.first.map(({ statement }) => statement)).toEqual([1, 2]);
    expect(figure('Statements that failed')?.evidence.first[0]?.seq).toBeTypeOf('number');
    expect(data.findings.map(({ id }) => id)).toEqual([
      'severe-unasked',
      'unprotected',
      'denied',
      'claimed',
      'severe-approved',
    ]);
    expect(data.statements.map(({ index, verdict }) => [index, verdict])).toEqual([
      [1, 'allowed'],
      [2, 'asked-approved'],
      [3, 'denied'],
    ]);
    expect(JSON.stringify(data)).not.toContain('DROP TABLE people');
    expect(JSON.stringify(await gatherReport(input({ texts: true, sessions: sessions() })))).toContain(
      'DROP TABLE people',
    );
  });

  test('a session that does not verify is a finding, and its failed checks are in the report', async () => {
    const copy = join(dir, 'broken', 'copy');
    fs.cpSync(folders[0]!, copy, { recursive: true });
    fs.appendFileSync(join(copy, 'units-000000.bin'), 'x');
    async function* broken() {
      yield { folder: copy, device: null, verification: await verifySession(copy) };
    }
    const data = await gatherReport(input({ sessions: broken() }));
    expect(data.findings[0]).toMatchObject({ id: 'unverified', severity: 'high' });
    expect(reportHtml(data)).toContain('not verified');
  });

  test('nothing to report is said', async () => {
    async function* none() {}
    const error = await gatherReport(input({ sessions: none() })).catch((thrown: unknown) => thrown);
    expect(isCountersignError(error, 'REPORT_EMPTY')).toBe(true);
  });
});
