import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReportData } from '../../../gateway/audit/report/data.ts';
import { reportHtml } from '../../../gateway/audit/report/html.ts';
import { reportData } from '../../../gateway/audit/report/test-data.ts';
import { launch, noChromium } from '../console/console-page.ts';

const PAYLOADS = [
  '<script>top.ran = 1</script>',
  '<img src=x onerror="top.ran=1">',
  '"><svg onload=top.ran=1>',
  '</style><script>top.ran=1</script>',
  '<!--',
  '<meta http-equiv=refresh content="0;url=http://127.0.0.1:9/">',
  'javascript:top.ran=1',
  "'-top.ran=1-'",
];
const KNOWN = new Set(['status', 'severity', 'verdict', 'unit']);

/** A report in which every text from outside is hostile. */
function hostile(value: unknown, payload: string, name = ''): unknown {
  if (typeof value === 'string') return KNOWN.has(name) ? value : payload;
  if (Array.isArray(value)) return value.map((one) => hostile(one, payload, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hostile(inner, payload, key)]));
}

/** The report of a session whose every name tries something, in the browser in which a person opens it. */
describe.skipIf(noChromium)(`a hostile report${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'cs-report-'));
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the browser does with a page. */
  async function opened(html: string) {
    const file = join(folder, 'report.html');
    writeFileSync(file, html);
    const page = await browser.newPage();
    const requests: Request[] = [];
    const blocked: string[] = [];
    page.on('request', (request) => requests.push(request));
    page.on('console', (message) => blocked.push(message.text()));
    const url = pathToFileURL(file).href;
    await page.goto(url);
    const seen = {
      ran: await page.evaluate('globalThis.ran === undefined ? "no" : "yes"'),
      scripts: await page.locator('script, img, iframe, meta[http-equiv=refresh]').count(),
      sections: await page.locator('main > section').count(),
      // What the policy keeps the browser from asking is no request.
      elsewhere: requests
        .filter((one) => one.url() !== url && one.failure()?.errorText !== 'csp')
        .map((one) => one.url()),
      blocked: blocked.length,
    };
    await page.close();
    return seen;
  }

  test.each(PAYLOADS)('runs nothing, asks nobody and hides nothing: %s', async (payload) => {
    const html = reportHtml(hostile(reportData(), payload) as ReportData);
    expect(await opened(html)).toEqual({ ran: 'no', scripts: 0, sections: 8, elsewhere: [], blocked: 0 });
  });

  test('would run nothing either if a text were markup: its policy holds', async () => {
    const markup = PAYLOADS.filter((one) => /script|onerror|onload/.test(one)).join('');
    const html = reportHtml(reportData()).replace('<main>', `<main>${markup}`);
    const { ran, elsewhere, blocked } = await opened(html);
    expect([ran, elsewhere]).toEqual(['no', []]);
    expect(blocked).toBeGreaterThan(0);
  });
});
