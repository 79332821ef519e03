import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

describe.skipIf(noChromium)(`insights${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;
  const start = async (path = '/insights', options: Parameters<typeof startStubGateway>[0] = {}) => {
    gateway = await startStubGateway(options);
    opened = await openConsole(browser, gateway.url + path);
    page = opened.page;
  };
  const bars = () => page.getByRole('img', { name: /operations by/ }).locator('rect[fill]');

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

  test('operations are drawn by day, and the choice is kept in the address', async () => {
    await start();
    await page.getByRole('img', { name: /by verdict in 30 days/ }).waitFor();
    const before = await bars().count();
    expect(before).toBeGreaterThan(60);
    await page.getByText('7 days').click();
    await page.getByRole('img', { name: /by verdict in 7 days/ }).waitFor();
    expect(await bars().count()).toBeLessThan(before);
    await page.getByText('Table', { exact: true }).click();
    await page.getByRole('button', { name: /public\.customers/ }).waitFor();
    // A name that turns text around is shown by name.
    await page.getByRole('button', { name: /audit\.log.*U\+202E/ }).waitFor();
    await page.getByRole('button', { name: /3 others/ }).waitFor();
    expect(new URL(page.url()).search).toMatch(/days=7/);
    await page.reload();
    await page.getByRole('img', { name: /by table in 7 days/ }).waitFor();
  });

  test('a legend’s entry brings out its part, and the figures are there as a table', async () => {
    await start();
    const entry = page.getByRole('button', { name: /^Allowed/ });
    await entry.focus();
    await page.keyboard.press('Enter');
    expect(await entry.getAttribute('aria-pressed')).toBe('true');
    expect(await page.locator('rect[fill][opacity="0.22"]').count()).toBeGreaterThan(20);
    await page.getByText('Figures by day').click();
    const first = page.getByRole('table').getByRole('row').nth(1);
    expect(await first.getByRole('rowheader').textContent()).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  test('what is asked most leads to where it was run, and other orders to other figures', async () => {
    await start();
    const card = page.getByRole('region', { name: 'Statements' });
    await card.getByText('300 of 320 approved').waitFor();
    expect(await card.getByRole('listitem').count()).toBe(10);
    await card.getByRole('button', { name: 'Show more' }).click();
    await card.getByText('archive_24').waitFor();
    await card.getByText('Slowest', { exact: true }).first().click();
    await card.getByText('8.2 s').waitFor();
    await card.getByRole('link', { name: 'Show the slowest' }).nth(2).click();
    await page.waitForURL(/\/sessions\/S0000\?at=2/);
  });

  test('where nothing happened it says what to do', async () => {
    await start('/insights?days=7', { empty: true });
    await page.getByText('Nothing happened in this time').waitFor();
  });
});
