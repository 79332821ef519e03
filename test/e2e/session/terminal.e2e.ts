import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningGateway, startGateway } from '../../support/gateway.ts';
import { lastTerminal, playTerminal, recorded } from '../../support/terminal.ts';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';

/** A command in a recorded terminal of the real gateway, replayed in the console under its strict CSP. */
describe.skipIf(noChromium)(`a terminal in the console${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: RunningGateway;
  let opened: ConsolePage;
  let page: Page;

  beforeAll(async () => {
    browser = await launch();
    gateway = await startGateway(['--no-demo']);
    opened = await openConsole(browser, new URL('/sessions', gateway.consoleUrl).href);
    page = opened.page;
    await page.getByLabel('One-time code').fill(gateway.loginCode);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
  });
  afterAll(async () => {
    await opened?.close();
    await browser?.close();
    await gateway?.remove();
  });

  test('is painted as it was, at any moment of it', async () => {
    const command = 'printf "\\033[31mfirst\\033[0m\\n"; sleep 1; printf "second\\n"; sleep 1; echo third';
    const play = await playTerminal(recorded(['sh', '-c', command]), { env: gateway.env, cwd: '/' });
    expect(play.code).toBe(0);
    const id = (await lastTerminal(gateway.home)).split('/').at(-1);
    await page.goto(new URL(`/sessions/${id}?at=0`, gateway.consoleUrl).href);
    const replay = page.getByRole('region', { name: 'What the terminal showed' });
    const rows = replay.locator('.xterm-rows');
    await rows.getByText('third').waitFor();
    expect(await rows.textContent()).toMatch(/first.*second.*third/s);
    const red = await rows.getByText('first').evaluate((element) => getComputedStyle(element).color);
    expect(red).not.toBe(await rows.getByText('second').evaluate((element) => getComputedStyle(element).color));

    await replay.getByLabel('Position in the recording').focus();
    await page.keyboard.press('Home');
    await expect.poll(() => rows.textContent()).not.toContain('second');
    await replay.getByRole('button', { name: 'Play' }).click();
    await rows.getByText('second').waitFor();
    await rows.getByText('third').waitFor();
    await replay.getByRole('button', { name: 'Play' }).waitFor();
    expect(opened.complaints).toEqual([]);
  });
});
