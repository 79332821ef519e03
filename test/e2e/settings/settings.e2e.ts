import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { axeFindings } from '../axe.ts';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { CODE, PIN } from '../console/fixtures.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

/** What a person can set, and what others decide. */
describe.skipIf(noChromium)(`settings${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;

  const start = async (
    path: string,
    options: Parameters<typeof startStubGateway>[0] = {},
    before: () => void = () => {},
  ) => {
    gateway = await startStubGateway(options);
    opened = await openConsole(browser, gateway.url + path, { before });
    page = opened.page;
    await gateway.streamOpen();
  };
  const region = (name: string) => page.getByRole('region', { name, exact: true });
  const called = (route: string) => gateway.calls.filter((call) => call.route === route).map((call) => call.input);

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

  test('each value is said with who decides it', async () => {
    await start('/settings');
    const elsewhere = region('Decided elsewhere');
    await elsewhere.getByText('Decided by who installed it (countersign protect)').waitFor();
    await elsewhere.getByText('Recording works').waitFor();
    await region('This gateway').getByText('/home/alice/.local/share/countersign/recordings').waitFor();
    await region('When you are asked').getByText('Decided by the policy, rule by rule').waitFor();
    expect(await region('Desktop app').count()).toBe(0);
    await elsewhere.getByRole('link', { name: '2 servers' }).click();
    await page.getByRole('heading', { name: 'MCP', level: 1 }).waitFor();
  });

  test('the PIN is changed with the one that is set', async () => {
    await start('/settings');
    await page.getByRole('button', { name: 'Change PIN' }).click();
    await page.getByLabel('Current PIN').fill(PIN);
    await page.getByLabel('New PIN', { exact: true }).fill('246813');
    await page.getByLabel('New PIN again').fill('246813');
    await page.getByRole('button', { name: 'Change PIN' }).click();
    await page.getByText('The PIN is set').waitFor();
    expect(called('setPin')).toEqual([{ pin: '246813', current: PIN }]);
    await page.getByRole('button', { name: 'Change PIN' }).waitFor();
    expect(await page.content()).not.toContain('246813');
    expect(CODE).not.toBe('');
  });

  test('the theme is chosen, and stays', async () => {
    await start('/settings');
    await region('Look').getByText('Dark', { exact: true }).click();
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor({ state: 'attached' });
    await page.reload();
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor({ state: 'attached' });
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await region('Who agents act for').waitFor();
    expect(await axeFindings(page)).toEqual([]);
  });

  test('who wants more time gets it by itself, and a longer guard', async () => {
    await start('/settings');
    await region('When you are asked').getByText('2 s', { exact: true }).click();
    await page.getByRole('switch', { name: 'Ask for more time by itself' }).click({ force: true });
    await page.goto(`${gateway.url}/approvals`);
    await page.getByRole('alertdialog').getByLabel('The clock stands while you decide').waitFor();
    expect(await page.locator('[role=alertdialog] button[aria-disabled=true]').count()).toBeGreaterThan(0);
    await expect.poll(() => called('extendApproval')).toContainEqual({ id: 'a-update' });
    await page.locator('[role=alertdialog] button[aria-disabled=false]').first().waitFor();
  });

  test('what only the app has is there in the app only', async () => {
    await start('/settings', {}, () => {
      let on = false;
      const bridge = {
        hidePopup: () => {},
        openConsole: () => {},
        setPopupHeight: () => {},
        autostart: async () => on,
        setAutostart: async (wanted: boolean) => {
          on = wanted;
          return on;
        },
      };
      Object.assign(globalThis, { countersignDesktop: bridge });
    });
    const box = region('Desktop app').getByRole('switch', { name: 'Start when I log in' });
    await box.click({ force: true });
    await expect.poll(() => box.isChecked()).toBe(true);
    await page.reload();
    await region('Desktop app').waitFor();
  });

  test('an expired sign-in is said where a person looks, with the way out', async () => {
    await start('/');
    gateway.others.signOut();
    await page.reload();
    const needs = region('What needs you');
    await needs.getByText('Nothing is forwarded until somebody signs in.').waitFor();
    await needs.getByText('since acme says no').waitFor();
    await needs.getByRole('link', { name: 'Sign in' }).click();
    const who = region('Who agents act for');
    await who.getByRole('alert').getByText('since acme says no').waitFor();
    await who.getByRole('button', { name: 'With a code on another device' }).click();
    await who.getByText('BDWP-HQPK').waitFor();
    expect(await axeFindings(page)).toEqual([]);
    gateway.others.finishSignIn();
    await who.getByText('Signed in as alice@acme.example.').waitFor();
    await who.getByText('in engineering, on-call').waitFor();
    await who.getByRole('button', { name: 'Sign this person out' }).click();
    await who.getByRole('alert').waitFor();
    expect(called('signIn')).toEqual([{ provider: 'acme', how: 'device' }]);
  });

  test('without a provider it says how one is set up', async () => {
    await start('/settings', { empty: true });
    await region('Who agents act for').getByText('Unverified account of this machine').waitFor();
    await region('Who agents act for').getByText('countersign identity add acme').waitFor();
  });
});
