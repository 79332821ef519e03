import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeStore } from '../../../gateway/audit/test-organisation.ts';
import { runCountersign } from '../../support/gateway.ts';
import { launch, noChromium } from '../console/console-page.ts';
import { type AuditConsole, goTo, importFrom, serveWorkspace, takeShots, verifyEverything } from './audit-console.ts';

const vectors = JSON.parse(readFileSync(new URL('../../vectors/evidence/stores.json', import.meta.url), 'utf8')) as {
  root: string;
  device: string;
  store: Record<string, string>;
  attacks: { name: string; imports: Record<string, string | null>[] }[];
};

/** What an auditor is shown of evidence that somebody tampered with: stores of the vectors, through the console. */
describe.skipIf(noChromium)(`broken evidence in the auditor’s console${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let work: string;
  let opened: AuditConsole;
  let page: Page;
  const at = (name: string) => join(work, name);

  function storeAfter(...attacks: string[]): string {
    const objects = new Map(Object.entries(vectors.store));
    for (const attack of attacks) {
      const changes = vectors.attacks.find(({ name }) => name === attack)?.imports[0];
      for (const [name, text] of Object.entries(changes!)) {
        if (text === null) objects.delete(name);
        else objects.set(name, text);
      }
    }
    const folder = at('store');
    writeStore(new Map([...objects].map(([name, text]) => [name, Buffer.from(text, 'base64')])), folder);
    return folder;
  }

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'cs-broken-'));
    writeFileSync(at('passphrase'), 'a passphrase for tests\n', { mode: 0o600 });
    const init = ['audit', 'init', '--workspace', at('auditor'), '--root', vectors.root, '--name', 'eve'];
    expect((await runCountersign(at('home'), [...init, '--passphrase-file', at('passphrase')])).code).toBe(0);
    browser = await launch();
    opened = await serveWorkspace(browser, at('auditor'), at('passphrase'));
    page = opened.page;
  });
  afterAll(async () => {
    await opened?.stop();
    await browser?.close();
    rmSync(work, { recursive: true, force: true });
  });

  test('an empty workspace says what to do first', async () => {
    await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
    await takeShots(opened, [
      { name: 'empty-devices', path: '/devices', ready: 'No devices yet' },
      { name: 'empty-imports', path: '/imports', ready: 'Nothing was imported yet' },
      { name: 'empty-sessions', path: '/audit/sessions', ready: 'No sessions yet' },
    ]);
    await page.goto(`${opened.url}approvals`);
    await page.getByText('There is no such page').waitFor();
  });

  test('its pages are reached by keys, which a list shows', async () => {
    await page.goto(`${opened.url}devices`);
    await page.getByRole('heading', { name: 'No devices yet' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await page.getByRole('heading', { name: 'Imports', level: 1 }).waitFor();
    await page.keyboard.press('?');
    const help = page.getByRole('dialog');
    await help.getByText('Go to Devices').waitFor();
    expect(await help.getByText('A waiting request').count()).toBe(0);
    await page.keyboard.press('Escape');
    await help.waitFor({ state: 'detached' });
  });

  test('what is no source is said in words', async () => {
    await goTo(page, 'Imports');
    await page.getByLabel('What to import').fill(at('nowhere'));
    await page.keyboard.press('Enter');
    await page.getByRole('alert').getByText('there is no').waitFor();
  });

  test('a session whose objects are gone is missing by number, and says why on a click', async () => {
    await importFrom(page, storeAfter('a whole session is deleted'));
    await verifyEverything(page);
    await page.getByText('Sessions 1 to 2 of the device are present, but 1 is missing its objects.').first().waitFor();
    await page.getByRole('link', { name: 'laptop', exact: true }).click();
    await page.getByText('What is missing').click();
    await page
      .getByRole('button', { name: /Does not hold/ })
      .nth(1)
      .click();
    await page
      .getByRole('dialog')
      .getByText(/is missing its objects/)
      .waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('All', { exact: true }).click();
    await page.getByRole('link', { name: /Replay 01J/ }).waitFor();
  });

  test('a session that was changed is marked and stays viewable, with each check that failed', async () => {
    rmSync(at('store'), { recursive: true });
    // Another workspace: what was imported before would rightly be kept over what a store says later.
    await opened.stop();
    rmSync(at('auditor'), { recursive: true });
    const init = ['audit', 'init', '--workspace', at('auditor'), '--root', vectors.root, '--name', 'eve'];
    await runCountersign(at('home'), [...init, '--passphrase-file', at('passphrase')]);
    opened = await serveWorkspace(browser, at('auditor'), at('passphrase'));
    page = opened.page;
    await importFrom(page, storeAfter('an event is edited'));
    await verifyEverything(page);
    await page.getByText('1 does not hold').first().waitFor();
    await goTo(page, 'Sessions');
    await page.getByLabel('Only what does not hold').check();
    await page.getByText('1 session', { exact: true }).waitFor();
    await page.getByRole('list', { name: 'Sessions' }).getByRole('link').first().click();
    await page.getByRole('button', { name: /Verification failed/ }).click();
    await page.getByRole('dialog').getByText('does not match them').waitFor();
    await page.keyboard.press('Escape');
    const id = /sessions\/(\w+)/.exec(page.url())![1];
    await takeShots(opened, [
      { name: 'broken-devices', path: '/devices', ready: 'laptop' },
      { name: 'broken-device', path: `/devices/${vectors.device}`, ready: 'Does not hold' },
      { name: 'broken-session', path: `/sessions/${id}`, ready: 'Verification failed' },
      {
        name: 'broken-checks',
        path: `/sessions/${id}`,
        ready: 'Verification failed',
        before: async () => {
          await page.getByRole('button', { name: /Verification failed/ }).click();
          await page.getByRole('dialog').getByText('does not match them').waitFor();
        },
      },
    ]);
  });

  test('nothing was wrong with the page', () => {
    expect(opened.complaints).toEqual([]);
  });
});
