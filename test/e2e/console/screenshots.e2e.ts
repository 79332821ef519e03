import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launch, noChromium, openConsole } from './console-page.ts';
import { type StubGateway, startStubGateway } from './stub-gateway.ts';

/** Every screen, in both themes, wide and narrow: nothing is cut off and the page has no complaint. */
const FOLDER = fileURLToPath(new URL('../../.artifacts/console/', import.meta.url));
const SCREENS = [
  { name: 'approvals', path: '/approvals', ready: 'UPDATE' },
  { name: 'approval-pin', path: '/approvals?id=a-delete', ready: 'Deletes every row' },
  { name: 'approval-hostile', path: '/approvals?id=a-hostile', ready: 'U+202E' },
  { name: 'grants', path: '/grants', ready: 'in this session' },
  { name: 'sessions', path: '/sessions', ready: '240 sessions' },
  { name: 'session', path: '/sessions/S0002?at=3', ready: 'UPDATE 1' },
  { name: 'session-result', path: '/sessions/S0000?at=2', ready: 'Ada Novak' },
  { name: 'conversation', path: '/sessions/A0001?at=3', ready: 'expected 30, got 10' },
  { name: 'connections', path: '/connections', ready: 'billing-staging' },
  { name: 'connection-form', path: '/connections/demo', ready: 'Sensitive columns', full: true },
  { name: 'policy', path: '/policy', ready: 'allow-reads' },
  { name: 'insights', path: '/insights', ready: 'Asked most', full: true },
  { name: 'evidence', path: '/evidence', ready: 'denied 5 destructive', full: true },
  { name: 'settings', path: '/settings', ready: 'Recording works', full: true },
] as const;

describe.skipIf(noChromium)(`every screen${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let signedOut: StubGateway;
  let empty: StubGateway;
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    browser = await launch();
    gateway = await startStubGateway();
    signedOut = await startStubGateway({ signedIn: false });
    empty = await startStubGateway({ empty: true });
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([gateway, signedOut, empty].map((stub) => stub?.close()));
  });

  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      test(`${scheme}, ${width} px`, async () => {
        const shots = [
          ...SCREENS.map((screen) => ({ ...screen, url: gateway.url })),
          { name: 'login', path: '/', ready: 'One-time code', url: signedOut.url },
          { name: 'empty-approvals', path: '/approvals', ready: 'Nothing is waiting', url: empty.url },
          { name: 'empty-evidence', path: '/evidence', ready: 'No SIEM gets', url: empty.url, full: true },
          { name: 'empty-sessions', path: '/sessions', ready: 'No sessions yet', url: empty.url },
        ];
        const height = width === 360 ? 780 : 900;
        const { page, complaints, close } = await openConsole(browser, signedOut.url, { width, height, scheme });
        for (const shot of shots) {
          await page.goto(shot.url + shot.path);
          await page.getByText(shot.ready).first().waitFor({ state: 'attached' });
          await page.screenshot({ path: `${FOLDER}${shot.name}-${width}-${scheme}.png`, fullPage: 'full' in shot });
          const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
          expect.soft({ screen: shot.name, wider: Math.max(0, wider), complaints }).toEqual({
            screen: shot.name,
            wider: 0,
            complaints: [],
          });
        }
        await close();
      });
    }
  }
});
