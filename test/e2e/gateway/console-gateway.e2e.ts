import { spawn } from 'node:child_process';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { component } from '../../components.ts';
import { COUNTERSIGN, type CommandRun, type RunningGateway, startGateway } from '../../support/gateway.ts';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';

const psql = component('psql');
const missing = noChromium || psql.missing;

/** The console over the real gateway, with psql as the agent: a held statement, and each way it can end. */
describe.skipIf(missing)(`console and gateway${missing ? ` (${missing})` : ''}`, () => {
  let browser: Browser;
  let gateway: RunningGateway;
  let opened: ConsolePage;
  let page: Page;

  /** An agent's psql through the gateway. */
  function agent(sql: string): Promise<CommandRun> {
    const [program, ...rest] = [
      ...COUNTERSIGN,
      'connect',
      'demo',
      '--exec',
      '--',
      psql.path as string,
      '-At',
      '-c',
      sql,
    ];
    return new Promise((done, fail) => {
      const child = spawn(program as string, rest, { env: gateway.env, stdio: ['ignore', 'pipe', 'pipe'] });
      const run: CommandRun = { code: null, out: '', err: '' };
      child.stdout.on('data', (chunk: Buffer) => {
        run.out += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        run.err += chunk.toString();
      });
      child.on('error', fail);
      child.on('close', (code) => done({ ...run, code }));
    });
  }
  const card = () => page.getByRole('alertdialog');
  const ready = (text: string) =>
    card().filter({ hasText: text }).locator('button[aria-disabled=false]').first().waitFor();

  beforeAll(async () => {
    browser = await launch();
    gateway = await startGateway(['--expire-after', '20']);
    opened = await openConsole(browser, new URL('/approvals', gateway.consoleUrl).href);
    page = opened.page;
    // An agent's psql comes through a program of its own, which takes its time on a busy machine.
    page.setDefaultTimeout(60_000);
    await page.getByLabel('One-time code').fill(gateway.loginCode);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Approvals', level: 1 }).waitFor();
  });
  afterAll(async () => {
    await opened?.close();
    await browser?.close();
    await gateway?.remove();
  });

  test('an approved statement runs, once', async () => {
    const run = agent(`UPDATE orders SET status = 'shipped' WHERE id = 7`);
    await ready('UPDATE orders');
    expect(await card().getByRole('heading').textContent()).toMatch(/psql \(pid \d+\).*UPDATE.*demo \/ shop/);
    await page.getByRole('button', { name: 'Approve once' }).click();
    expect(await run).toMatchObject({ code: 0, out: 'UPDATE 1\n' });
    await card().waitFor({ state: 'detached' });
  });

  test('a denial reaches the agent with the person’s sentence, and nothing ran', async () => {
    const run = agent(`UPDATE orders SET status = 'lost' WHERE id = 8`);
    await ready('UPDATE orders');
    await page.getByLabel('Reason').fill('Use staging, please.');
    await page.getByRole('button', { name: 'Deny' }).click();
    const { code, err } = await run;
    expect(code).not.toBe(0);
    expect(err).toContain('Use staging, please.');
    expect((await agent('SELECT status FROM orders WHERE id = 8')).out.trim()).not.toBe('lost');
  });

  test('what needs a PIN waits; nobody decides, so it expires and is denied', async () => {
    const run = agent('DELETE FROM order_items');
    await ready('Deletes every row of order_items');
    expect(await page.getByRole('button', { name: 'Approve once' }).isDisabled()).toBe(true);
    const { code, err } = await run;
    expect(code).not.toBe(0);
    expect(err).toContain('nobody approved it');
    expect(Number((await agent('SELECT count(*) FROM order_items')).out)).toBeGreaterThan(0);
  });

  test('the session replays with what the agent saw, masked, and verifies', async () => {
    const run = await agent(`SELECT name, ssn FROM customers ORDER BY id LIMIT 2`);
    expect(run.out).toContain('[US_SSN]');
    await page.getByRole('link', { name: 'Sessions' }).click();
    await page.getByText('psql').first().click();
    await page.getByText('SELECT name, ssn FROM customers').first().waitFor();
    await page.getByText('SELECT name, ssn FROM customers').first().click();
    await page.getByText('[US_SSN]').first().waitFor();
    await page.getByRole('columnheader', { name: 'ssn masked', exact: true }).waitFor();
    await page.getByRole('columnheader', { name: 'name', exact: true }).waitFor();
    await page.getByText('Verified', { exact: true }).waitFor();
  });

  test('the evidence page shows this device, and what to do so that it becomes evidence', async () => {
    await page.getByRole('link', { name: 'Evidence' }).click();
    const [entry = ''] = (await gateway.run(['device', 'log', '--json', '--from', '0'])).out.split('\n');
    await page.getByText((JSON.parse(entry) as { device: string }).device).waitFor();
    await page.getByText('none: this device vouches for itself alone').waitFor();
    await page.getByText('sync setup --help').waitFor();
  });

  test('nothing was wrong with the page', () => {
    expect(opened.complaints).toEqual([]);
  });
});
