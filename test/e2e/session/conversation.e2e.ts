import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

describe.skipIf(noChromium)(`conversations${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;
  const start = async (path: string) => {
    gateway = await startStubGateway();
    opened = await openConsole(browser, gateway.url + path);
    page = opened.page;
  };
  const conversation = () => page.getByRole('list', { name: 'Conversation' });

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

  test('an agent’s conversation is read as it went, with the sessions it opened', async () => {
    await start('/sessions/A0001');
    await page.getByRole('heading', { name: /cursor.*for alice → cursor/ }).waitFor();
    await conversation().getByText('The order totals are wrong.').waitFor();
    await conversation().getByText('The sum left out the quantity').waitFor();
    const blocks = await conversation().getByRole('listitem').allTextContents();
    expect(blocks).toHaveLength(8);
    // The database session stands where it began: two minutes in.
    expect(blocks.findIndex((text) => text.includes('psql → demo'))).toBe(3);
    expect(blocks.find((text) => text.includes('src/total.ts') && text.startsWith('Write'))).toBeDefined();
  });

  test('a command shows its output, a change its lines, and a denial its reason', async () => {
    await start('/sessions/A0001?at=3');
    const detail = page.getByRole('article');
    await detail.getByText('1 failed: expected 30, got 10').waitFor();
    await detail.getByText('Failed · took 2.4 s').waitFor();
    await conversation()
      .getByRole('button', { name: /^Write/ })
      .click();
    await detail.getByText('+  // Prices are in cents.').waitFor();
    await conversation()
      .getByRole('button', { name: /rm -rf/ })
      .click();
    await detail.getByText('It destroys files.').waitFor();
    await detail.getByText('text (2.0 KB): kept on the device, as the team wants it.').waitFor();
    // The content of a file is hostile like anything else.
    await conversation().getByRole('button', { name: /^Read/ }).click();
    await detail.getByText('U+202E').waitFor();
  });

  test('the same is there as a list, the keys of the replay go through it', async () => {
    await start('/sessions/A0001');
    await page.getByText('List', { exact: true }).click();
    await page.getByRole('list', { name: 'Statements' }).getByText('npm test -- total').waitFor();
    await page.keyboard.press('0');
    await page.getByRole('heading', { name: '1. Prompt' }).waitFor();
    await page.keyboard.press(']');
    await page.getByRole('heading', { name: '4. Shell' }).waitFor();
    expect(gateway.calls).toEqual([]);
  });

  test('idle time is skipped unless somebody wants it, and the place stays', async () => {
    await start('/sessions/A0001?at=3');
    await page.getByRole('heading', { name: '4. Shell' }).waitFor();
    await page.getByRole('switch', { name: 'Skip idle' }).focus();
    await page.keyboard.press('Space');
    await page.getByText('3:00 of 6:00').waitFor();
    await page.getByRole('heading', { name: '4. Shell' }).waitFor();
    await page.keyboard.press('Space');
    await page.getByText(/of 0:1\d$/).waitFor();
  });

  test('a database session names the conversation that it belongs to', async () => {
    await start('/sessions/A0001');
    await page.getByRole('navigation', { name: 'Also in this conversation' }).getByRole('link').click();
    await page.waitForURL(/\/sessions\/S0000/);
  });
});
