import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { connections, PIN, session, updateApproval } from '../console/fixtures.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

/** The first page, the set-up, and going everywhere by name. */
describe.skipIf(noChromium)(`home${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;

  const start = async (path: string, options: Parameters<typeof startStubGateway>[0] = {}) => {
    gateway = await startStubGateway(options);
    opened = await openConsole(browser, gateway.url + path);
    page = opened.page;
    await gateway.streamOpen();
  };
  const region = (name: string) => page.getByRole('region', { name, exact: true });

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

  test('says what needs the person, and leads to it', async () => {
    await start('/');
    await region('What needs you').getByText('The store cannot be reached').waitFor();
    await region('What needs you').getByText('1 request was denied while you were away').waitFor();
    await region('Today').getByText('1,351').waitFor();
    await region('Today').getByText('approved by a person').waitFor();
    await region('Health').getByText('Unprotected').waitFor();
    await region('What needs you').getByRole('link', { name: 'Decide' }).nth(1).click();
    await page.getByRole('alertdialog').getByText('Deletes every row').waitFor();
  });

  test('says so when nothing needs anybody, and follows what happens', async () => {
    await start('/', { empty: true });
    gateway.setStatus({ pinSet: true });
    await region('What needs you').getByText('Nothing needs you').waitFor();
    await region('Connected now').getByText('No agent is connected').waitFor();
    gateway.ask(updateApproval(Date.now()));
    await region('What needs you').getByRole('link', { name: 'Decide' }).waitFor();
    const fresh = session(Date.now(), 0);
    gateway.state.sessions = [fresh];
    gateway.emit({ type: 'session', session: fresh });
    await region('Connected now').getByRole('link', { name: 'psql → demo' }).waitFor();
  });

  test('what a person stopped is on every page and goes on with the PIN only', async () => {
    await start('/connections');
    const halt = {
      kind: 'pause' as const,
      since: new Date().toISOString(),
      until: null,
      by: 'alice',
      sentence: 'alice paused it.',
    };
    gateway.setStatus({ halt });
    await region('Everything is stopped').getByText('alice paused it.').waitFor();
    await page.getByLabel('PIN, to go on').fill('111111');
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('The PIN is wrong').waitFor();
    await page.getByLabel('PIN, to go on').fill(PIN);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('alice paused it.').waitFor({ state: 'detached' });
  });

  test('the set-up ticks each step when it was seen to work', async () => {
    await start('/', { empty: true });
    await region('Set up in a minute').getByRole('link', { name: 'Begin' }).click();
    await page.getByText('No connection yet').waitFor();
    gateway.setConnections(connections().slice(0, 1));
    await page.reload();
    await page.getByRole('button', { name: 'Test demo' }).click();
    await page.getByRole('heading', { name: 'Reach a database – done' }).waitFor();
    await page.getByRole('button', { name: 'Make a token for demo' }).click();
    await page.getByText('PGPASSWORD=cs_').waitFor();
    await page.getByText('Waiting for the first session').waitFor();
    await page.getByRole('heading', { name: 'Connect an agent – not done yet' }).waitFor();
    const fresh = { ...session(Date.now(), 0), asked: 0 };
    gateway.state.sessions = [fresh];
    gateway.emit({ type: 'session', session: fresh });
    await page.getByRole('heading', { name: 'Connect an agent – done' }).waitFor();
    await page.getByText('Waiting for the first request').waitFor();
    gateway.ask(updateApproval(Date.now()));
    await page.getByRole('heading', { name: 'See the first approval – done' }).waitFor();
    // The card stays until it is decided, though the step is done.
    await page.locator('[role=alertdialog] button[aria-disabled=false]').first().waitFor();
    await page.getByRole('button', { name: 'Approve once' }).click();
    await page.getByText('A statement was held, decided and recorded').waitFor();
    await page.getByRole('link', { name: 'Home' }).last().click();
    await region('Today').waitFor();
    expect(await region('Set up in a minute').count()).toBe(0);
  });

  test('an agent is connected by a command that a person runs, and ticked when its hooks are heard of', async () => {
    await start('/welcome', { empty: true });
    await page.getByRole('button', { name: 'Show step: Connect an agent' }).click();
    const agents = page.getByRole('list', { name: 'Agents of this machine' });
    await agents.getByText('countersign agents install cursor').waitFor();
    expect(await agents.getByText('Claude Code').count()).toBe(0);
    gateway.others.state.hooks = true;
    await agents.getByText('Installed, not heard of yet').waitFor();
    const heard = { ...session(Date.now(), 0), connectionId: 'cursor' };
    gateway.state.sessions = [heard];
    gateway.emit({ type: 'session', session: heard });
    await agents.getByText('Works, heard of').waitFor();
    expect(gateway.calls).toEqual([]);
  });

  test('the set-up can be put away and comes back when it is asked for', async () => {
    await start('/', { empty: true });
    await page.getByRole('button', { name: 'Not now' }).click();
    await region('Set up in a minute').waitFor({ state: 'detached' });
    await page.reload();
    await region('Health').waitFor();
    expect(await region('Set up in a minute').count()).toBe(0);
    await page.getByRole('link', { name: 'Set-up' }).click();
    await page.getByRole('heading', { name: 'Reach a database' }).waitFor();
  });

  test('the palette goes anywhere by name, with the keyboard alone', async () => {
    await start('/');
    await region('Today').waitFor();
    await page.keyboard.press('Control+k');
    const field = page.getByRole('textbox', { name: 'Go to or do' });
    await field.fill('bill');
    await page.getByRole('option', { name: /^billing-staging/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Edit billing-staging' }).waitFor();
    await page.keyboard.press('Control+k');
    await field.fill('decide delete');
    await page.getByRole('option', { name: /^Decide: DELETE/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('alertdialog').getByText('Deletes every row').waitFor();
    await page.keyboard.press('Control+k');
    await field.fill('no such thing');
    await page.getByText('Nothing has this name').waitFor();
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'detached' });
  });
});
