import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from './console-page.ts';
import { alert, syncing } from './evidence-fixtures.ts';
import { PIN } from './fixtures.ts';
import { type StubGateway, startStubGateway } from './stub-gateway.ts';

/** The page on device, sync, alerts and SIEM, over a double of the gateway. */
describe.skipIf(noChromium)(`the console’s evidence${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;

  const start = async (options: Parameters<typeof startStubGateway>[0] = {}) => {
    gateway = await startStubGateway(options);
    opened = await openConsole(browser, `${gateway.url}/evidence`);
    page = opened.page;
    await gateway.streamOpen();
  };
  const card = (name: string) => page.getByRole('region', { name, exact: true });

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

  test('it says who vouches for this device, and shows what is hidden in a gap’s words', async () => {
    await start();
    await card('Device').getByText('countersign/authority/berlin').waitFor();
    await card('Device').getByText('1,482 signed entries').waitFor();
    await card('Device').getByText('U+202E').waitFor();
    await card('Device').getByText('and 2 before').waitFor();
    await card('Device').getByRole('alert').getByText('saw another log before').waitFor();
  });

  test('what is not set up says which command does it', async () => {
    await start({ empty: true });
    for (const command of ['device enrol --root', 'sync setup', 'siem setup', 'alerts list']) {
      await page.getByText(`countersign ${command}`).waitFor();
    }
  });

  test('sync is told as it changes, and by its last error in words', async () => {
    await start();
    await card('Sync').getByText('The store did not answer within 30 seconds').waitFor();
    await card('Sync').getByText('46 MB of 9 sessions').waitFor();
    const queue = { objects: 1, bytes: 2048, sessions: 1 };
    gateway.emit({ type: 'sync', sync: { ...syncing(Date.now()), state: 'sending', queue, lastError: null } });
    await card('Sync').getByText('2.0 KB of 1 session, 1 object prepared').waitFor();
    await card('Sync').getByText('Sending').waitFor();
  });

  test('a pause takes the PIN, a resume does not', async () => {
    await start();
    await card('Sync').getByRole('button', { name: 'Pause' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('PIN').fill('111111');
    await page.keyboard.press('Enter');
    await dialog.getByText('The PIN is wrong').waitFor();
    await dialog.getByLabel('PIN').fill(PIN);
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    await card('Sync').getByText('Paused').waitFor();
    await card('Sync').getByRole('button', { name: 'Resume' }).click();
    await card('Sync').getByText('Sending').waitFor();
    expect(gateway.calls.map(({ route }) => route)).toEqual(['pauseSync', 'pauseSync', 'resumeSync']);
  });

  test('a new alert comes by itself, before the others, once', async () => {
    await start();
    await page.getByRole('list', { name: 'Alerts' }).getByText('denied 5 destructive').waitFor();
    const fresh = { ...alert(Date.now(), 0), id: 'S0001/99/new', sentence: 'The first touch of salaries by psql.' };
    gateway.emit({ type: 'alert', alert: fresh });
    gateway.emit({ type: 'alert', alert: fresh });
    await page.getByRole('listitem').first().waitFor();
    await page.getByText('The first touch of salaries').waitFor();
    const first = page.getByRole('list', { name: 'Alerts' }).getByRole('listitem').first();
    expect(await first.textContent()).toContain('The first touch of salaries');
    expect(await first.getAttribute('aria-setsize')).toBe('41');
    await first.getByRole('link', { name: 'Show where' }).click();
    await page.waitForURL(/sessions\/S0000/);
  });

  test('a SIEM that does not deliver says so, and a test event tells how it went', async () => {
    await start();
    await card('SIEM').getByText('status 503; it is tried again').waitFor();
    await card('SIEM').getByRole('button', { name: 'Send a test event' }).first().click();
    await card('SIEM').getByText('The server took a test event.').waitFor();
  });
});
