import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

describe.skipIf(noChromium)(`sessions${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;
  const start = async (options: Parameters<typeof startStubGateway>[0] = {}, path = '/sessions') => {
    gateway = await startStubGateway(options);
    opened = await openConsole(browser, gateway.url + path);
    page = opened.page;
  };
  const row = (position: number) => page.locator(`li[aria-posinset="${position}"]`);
  const scrollTo = (share: number) =>
    page
      .locator('li[aria-posinset]')
      .first()
      .evaluate((item, to) => {
        const box = item.closest('ul')!.parentElement!;
        box.scrollTop = to * (box.scrollHeight - box.clientHeight);
      }, share);

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });
  afterEach(async () => {
    expect(opened.complaints).toEqual([]);
    await opened.close();
    await gateway.close();
  });

  test('in a list of a million, any place is reached, and few rows are on the page', async () => {
    await start({ many: 1_000_000 });
    await page.getByText('1,000,000 sessions').waitFor();
    await row(1).getByRole('link').waitFor();
    await scrollTo(0.5);
    await row(500_000).getByRole('link').waitFor();
    await scrollTo(1);
    await row(1_000_000).getByRole('link').waitFor();
    expect(await row(1_000_000).evaluate((item) => item.getBoundingClientRect().bottom <= window.innerHeight)).toBe(
      true,
    );
    expect(await page.locator('li[aria-posinset]').count()).toBeLessThan(60);
    // Back by steps: the rows before are there, one after the other.
    await page.mouse.move(700, 500);
    for (let i = 0; i < 5; i++) await page.mouse.wheel(0, -640);
    await row(999_940).getByRole('link').waitFor();
    await scrollTo(0);
    await row(1).getByRole('link').waitFor();
  });

  test('keys go from row to row, to both ends, and look into one', async () => {
    await start({ many: 1_000_000 });
    await row(1).getByRole('link').focus();
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.activeElement?.closest('li')?.ariaPosInSet === '2');
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.activeElement?.closest('li')?.ariaPosInSet === '1000000');
    await page.keyboard.press('Home');
    await page.waitForFunction(() => document.activeElement?.closest('li')?.ariaPosInSet === '1');
    await page.keyboard.press('Space');
    const peek = page.getByRole('dialog');
    await peek.getByText('First 12 of 40 statements').waitFor();
    await peek.getByText('Denied by policy').first().waitFor();
    await page.keyboard.press('Escape');
    await peek.waitFor({ state: 'detached' });
    expect(page.url()).toMatch(/\/sessions$/);
  });

  test('filters that were used come back, and are forgotten when cleared', async () => {
    await start();
    await page.getByLabel('Search in statements').fill('pg_dump');
    await page.getByText('48 sessions').waitFor();
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.getByRole('link', { name: 'Sessions', exact: true }).click();
    await page.waitForURL(/text=pg_dump/);
    await page.getByText('48 sessions').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('240 sessions').waitFor();
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.getByRole('link', { name: 'Sessions', exact: true }).click();
    await page.getByText('240 sessions').waitFor();
    expect(new URL(page.url()).search).toBe('');
  });

  test('a change of a session is shown in its row, and its end does not move the others', async () => {
    await start();
    await row(1).getByText('Open', { exact: true }).waitFor();
    await gateway.streamOpen();
    const [first] = gateway.state.sessions;
    gateway.emit({
      type: 'session',
      session: { ...first!, state: 'closed', statements: 4321, closedAt: new Date().toISOString() },
    });
    await row(1).getByText('4,321 statements').waitFor();
    await row(1).getByText('Closed', { exact: true }).waitFor();
    expect(await page.getByText(/new session/).count()).toBe(0);
  });
});
