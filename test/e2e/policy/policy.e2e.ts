import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { PIN } from '../console/fixtures.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

describe.skipIf(noChromium)(`policy${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;
  const start = async (options: { width?: number } = {}) => {
    gateway = await startStubGateway();
    opened = await openConsole(browser, `${gateway.url}/policy`, options);
    page = opened.page;
    await editor().waitFor();
  };
  const editor = () => page.getByRole('textbox', { name: 'Policy text' });
  const says = () => page.getByRole('region', { name: 'What it says' });
  const append = async (text: string) => {
    await editor().click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type(text);
  };

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

  test('Cedar is coloured, and the policies of the text lead to their lines', async () => {
    await start();
    const keyword = page.locator('.cm-line span', { hasText: /^permit$/ }).first();
    expect(await keyword.evaluate((node) => getComputedStyle(node).fontWeight)).toBe('600');
    await says().getByText('Valid: 3 policies').waitFor();
    await says().getByRole('button', { name: 'deny-drop-database' }).click();
    await page.keyboard.type('//x');
    expect(await page.locator('.cm-line', { hasText: '//x@id("deny-drop-database")' }).count()).toBe(1);
  });

  test('what is wrong is said as somebody types, before anything is staged', async () => {
    await start();
    await append('permitt');
    await says().getByText('1 error').waitFor();
    await page.locator('.cm-lintRange-error').waitFor();
    await says()
      .getByRole('button', { name: /^Line 12/ })
      .click();
    expect(gateway.calls.every(({ route }) => route === 'checkPolicy')).toBe(true);
    await page.keyboard.press('Control+Delete');
    await says().getByText('Valid: 3 policies').waitFor();
    await page.locator('.cm-lintRange-error').waitFor({ state: 'detached' });
  });

  test('a staged text is shown beside the one in force, in two columns or one', async () => {
    await start();
    await append('// reviewed by two');
    await page.getByRole('button', { name: 'Stage this text' }).click();
    const difference = page.getByRole('region', { name: 'What would change' });
    await difference.locator('.cm-merge-b').getByText('// reviewed by two').waitFor();
    expect(await difference.locator('.cm-merge-a').getByText('// reviewed by two').count()).toBe(0);
    await difference.getByText('One column').click();
    await difference.locator('.cm-insertedLine, .cm-changedLine').getByText('// reviewed by two').waitFor();
    await page.getByLabel('PIN').fill(PIN);
    await page.getByRole('button', { name: 'Accept' }).click();
    await page.getByText('The new policy is in force').waitFor();
  });

  test('a statement is tried on both texts, by keys alone, and a command too', async () => {
    await start();
    await append('// stricter');
    const panel = page.getByRole('region', { name: 'Try it' });
    await panel.getByRole('textbox', { name: 'Statement' }).fill('DELETE FROM orders');
    await page.keyboard.press('Control+Enter');
    await panel.getByText('The new text never lets this through.').waitFor();
    await panel.getByText('Changes to data need a person.').waitFor();
    const tried = gateway.calls.filter(({ route }) => route === 'tryPolicy').map(({ input }) => input);
    expect(tried).toHaveLength(2);
    expect(tried).toContainEqual({ what: { kind: 'statement', text: 'DELETE FROM orders' } });
    expect(tried).toContainEqual(expect.objectContaining({ policy: expect.stringContaining('// stricter') }));
    await panel.getByText('Command', { exact: true }).click();
    expect(await panel.getByText('Changes to data need a person.').count()).toBe(0);
    await panel.getByRole('textbox', { name: 'Command' }).fill('git push');
    await panel.getByRole('button', { name: 'Try' }).click();
    await panel.getByText('network').or(panel.getByText('Reaches')).first().waitFor();
  });

  test('an old text is compared with the one in force, and taken into the editor', async () => {
    await start();
    await page.getByRole('button', { name: 'Compare No. 2' }).click();
    await page.locator('.cm-merge-a').getByText('// 2').waitFor();
    await page.getByRole('button', { name: 'Take this text into the editor' }).click();
    await editor().getByText('// 2').waitFor();
    expect(await page.getByRole('button', { name: 'Stage this text' }).isEnabled()).toBe(true);
    expect(await page.getByRole('button', { name: 'Compare No. 3' }).count()).toBe(0);
  });

  test('what was typed stays while another page is looked at', async () => {
    await start();
    await append('// half a thought');
    await says().getByText('Valid').waitFor();
    await page.getByRole('link', { name: 'Connections' }).click();
    await page.getByRole('link', { name: 'Policy' }).click();
    await editor().getByText('// half a thought').waitFor();
  });
});
