import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { axeFindings } from '../axe.ts';
import { launch, noChromium, openConsole } from './console-page.ts';
import { type StubGateway, startStubGateway } from './stub-gateway.ts';

const FOLDER = fileURLToPath(new URL('../../.artifacts/console/', import.meta.url));

describe.skipIf(noChromium)(`emergency access${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    browser = await launch();
    gateway = await startStubGateway();
    const now = Date.now();
    gateway.setStatus({
      emergency: {
        id: 'E1',
        reason: 'the shop takes no orders',
        by: 'ada@acme.example',
        since: new Date(now).toISOString(),
        until: new Date(now + 25 * 60_000).toISOString(),
      },
    });
  });
  afterAll(async () => {
    await browser?.close();
    await gateway?.close();
  });

  for (const scheme of ['light', 'dark'] as const)
    test(`counts down on each page, in ${scheme}`, async () => {
      for (const path of ['/sessions', '/settings']) {
        const { page, complaints, close } = await openConsole(browser, gateway.url + path, { scheme });
        const banner = page.getByRole('region', { name: 'Emergency access is under way' });
        await banner.getByText(/Emergency access, 2\d:\d\d left/).waitFor();
        expect(await banner.textContent()).toContain('the shop takes no orders');
        if (path === '/settings') await page.getByText('has every role on this machine').waitFor();
        await page.screenshot({ path: `${FOLDER}emergency${path.replace('/', '-')}-${scheme}.png`, fullPage: true });
        expect({ findings: await axeFindings(page), complaints }).toEqual({ findings: [], complaints: [] });
        await close();
      }
    });
});
