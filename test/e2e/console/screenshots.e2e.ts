import { mkdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { axeFindings } from '../axe.ts';
import { callApproval, changeApproval, commandApproval } from './action-fixtures.ts';
import { launch, noChromium, openConsole } from './console-page.ts';
import { type ConsolePageOf, PAGES } from './pages.ts';
import { type StubGateway, startStubGateway } from './stub-gateway.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../.artifacts/console/', import.meta.url));
const WIDTHS = [1280, 360] as const;

/** What fits into a narrow window does so in either theme: only the popup is looked at in both. */
const isWanted = ({ widths }: ConsolePageOf, width: number, scheme: string): boolean =>
  widths === undefined ? width === 1280 || scheme === 'light' : widths.includes(width);

type Which = ConsolePageOf['gateway'];

async function startAll(): Promise<Record<Which, StubGateway>> {
  const all = {
    full: await startStubGateway(),
    empty: await startStubGateway({ empty: true }),
    'signed-out': await startStubGateway({ signedIn: false }),
    agent: await startStubGateway(),
    trouble: await startStubGateway(),
  };
  const now = Date.now();
  all.agent.state.approvals = [commandApproval(now), changeApproval(now), callApproval(now)];
  all.trouble.others.signOut();
  all.trouble.setStatus({
    halt: { kind: 'pause', since: new Date(now).toISOString(), until: null, by: 'alice', sentence: 'alice paused it.' },
    pauses: [{ sessionId: 'S0000', until: new Date(now + 3_600_000).toISOString() }],
    recorder: { ok: false, error: 'The disk is full.', bytes: 1 },
    policy: { ...all.trouble.state.status.policy, error: 'line 3: unexpected token', staged: '0'.repeat(64) },
  });
  return all;
}

/** The routes of a gateway's console, as the router has them. */
function routesOfGateway(): string[] {
  const text = readFileSync(`${ROOT}renderer/src/router.tsx`, 'utf8');
  return [...text.matchAll(/path: '([^']+)'|route\('([^']+)', 'gateway'/g)]
    .map((match) => match[1] ?? match[2] ?? '')
    .filter((path) => !path.startsWith('/audit/'));
}

test('every route is looked at', () => {
  const paths = PAGES.map(({ path }) => path.replace(/\?.*/, ''));
  const routes = routesOfGateway();
  expect(routes.length).toBeGreaterThan(12);
  const unseen = routes.filter(
    (route) => !paths.some((path) => new RegExp(`^${route.replaceAll(/\$\w+/g, '[^/]+')}$`).test(path)),
  );
  expect(unseen).toEqual([]);
});

/** In both themes, wide and narrow: a picture, nothing cut off, nothing that axe finds, no complaint of the page. */
describe.skipIf(noChromium)(`every page${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateways: Record<Which, StubGateway>;
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    browser = await launch();
    gateways = await startAll();
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all(Object.values(gateways ?? {}).map((gateway) => gateway.close()));
    process.stdout.write(`    pictures of every page: ${relative(ROOT, FOLDER)}\n`);
  });

  const page360 = { width: 360, height: 780 };
  const page1280 = { width: 1280, height: 900 };

  /** Nothing sticks out of the window, and axe finds nothing; a picture of it. */
  async function look(page: Page, one: ConsolePageOf, width: number, scheme: 'light' | 'dark'): Promise<string[]> {
    const { height } = width === 360 ? page360 : page1280;
    await page.setViewportSize({ width, height: one.height ?? height });
    await page.emulateMedia({ colorScheme: scheme });
    await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor({ state: 'attached' });
    // Colours change over a moment, and what inherits them after that.
    await page.waitForFunction(() => !document.getAnimations().some((one) => one instanceof CSSTransition));
    await page.screenshot({ path: `${FOLDER}${one.name}-${width}-${scheme}.png`, fullPage: one.whole ?? false });
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    // What a narrow window has is what a wide one has, but for the popup.
    const axe = width === 1280 || one.widths !== undefined ? await axeFindings(page) : [];
    const what = `${width} px, ${scheme}`;
    return [...(wider > 0 ? [`${what}: ${wider} px too wide`] : []), ...axe.map((finding) => `${what}: ${finding}`)];
  }

  for (const one of PAGES) {
    test(one.name, async () => {
      const start = one.widths === undefined ? page1280 : page360;
      const { page, complaints, close } = await openConsole(browser, gateways[one.gateway].url + one.path, start);
      await page.getByText(one.ready).first().waitFor({ state: 'attached' });
      const findings: string[] = [];
      for (const width of WIDTHS)
        for (const scheme of ['light', 'dark'] as const)
          if (isWanted(one, width, scheme)) findings.push(...(await look(page, one, width, scheme)));
      expect({ findings, complaints }).toEqual({ findings: [], complaints: [] });
      await close();
    });
  }

  for (const scheme of ['light', 'dark'] as const) {
    test(`${scheme}, what opens over a page`, async () => {
      const { page, complaints, close } = await openConsole(browser, `${gateways.full.url}/approvals`, { scheme });
      await page.locator('[role=alertdialog] button[aria-disabled=false]').first().waitFor();
      const opened: [string, () => Promise<void>, string][] = [
        ['palette', () => page.keyboard.press('Control+k'), 'Waits for you'],
        ['help', () => page.keyboard.press('?'), 'Plain Enter never approves'],
        ['scopes', () => page.getByRole('button', { name: 'Approve for longer' }).click(), 'The same shape'],
        ['menu', () => page.getByRole('banner').getByRole('button', { name: 'Menu' }).last().click(), 'Sign out'],
      ];
      for (const [name, open, ready] of opened) {
        await open();
        await page.getByText(ready).first().waitFor();
        await page.screenshot({ path: `${FOLDER}over-${name}-1280-${scheme}.png` });
        expect.soft({ name, axe: await axeFindings(page) }).toEqual({ name, axe: [] });
        await page.keyboard.press('Escape');
        await page.getByText(ready).first().waitFor({ state: 'detached' });
      }
      expect(complaints).toEqual([]);
      await close();
    });
  }
});
