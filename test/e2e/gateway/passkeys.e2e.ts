import { join } from 'node:path';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { passkeyCheck } from '../../../gateway/audit/verify/passkey-facts.ts';
import { events, readSession, sessionFolders } from '../../../gateway/recording/reader.ts';
import { component } from '../../components.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../../support/service.ts';
import { eventually, runClient, setTestPin, TEST_PIN } from '../../support/side-by-side.ts';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';

const psql = component('psql');
const missing = noChromium || psql.missing;
const POLICY = `@id("all") permit (principal, action, resource);
@id("by-passkey") @require("passkey") @reason("Changes need a passkey.")
forbid (principal, action == Action::"run", resource) when { context.class == "write" };`;

/** The console over the real gateway, with Chromium's virtual authenticator and psql as the agent. */
describe.skipIf(missing)(`passkeys${missing ? ` (${missing})` : ''}`, () => {
  let browser: Browser;
  let postgres: TestPostgres;
  let gateway: TestService;
  let opened: ConsolePage;
  let page: Page;
  let cdp: CDPSession;
  let authenticatorId: string;

  beforeAll(async () => {
    [browser, postgres] = await Promise.all([launch(), startPostgres()]);
    await postgres.query('CREATE TABLE orders (id int, status text); INSERT INTO orders VALUES (1, $$new$$)');
    gateway = await startTestService({
      connections: [superuserConnection(postgres)],
      policy: POLICY,
      console: true,
    });
    await setTestPin(gateway);
    opened = await openConsole(browser, new URL('/settings', gateway.service.control.url).href);
    page = opened.page;
    page.setDefaultTimeout(30_000);
    cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    ({ authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    }));
    await page.getByLabel('One-time code').fill(gateway.service.loginCode);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Passkeys' }).waitFor();
  });
  afterAll(async () => {
    await opened?.close();
    await browser?.close();
    await gateway?.stop();
    await postgres?.stop();
  });

  const update = async (status: string) => {
    const { env } = await gateway.connect();
    const sql = `UPDATE orders SET status = '${status}' WHERE id = 1`;
    return await runClient(psql.path as string, ['-X', '-At', '-v', 'ON_ERROR_STOP=1', '-c', sql], env);
  };
  const waiting = async () =>
    (await gateway.control.call('approvals', { state: 'waiting' })).items.map(({ operation }) => operation.text);
  const card = () => page.getByRole('alertdialog');
  const approve = () => card().getByRole('button', { name: 'Approve with passkey' });
  const status = async () => (await postgres.query('SELECT status FROM orders'))[0]?.status;

  test('nothing is asked for while nobody has one: the agent is told what is missing', async () => {
    expect(new URL(page.url()).hostname).toBe('localhost');
    const { code, out } = await update('lost');
    expect(code).not.toBe(0);
    expect(out).toMatch(/Changes need a passkey\..*has no passkey; add one in the console/s);
  });

  test('one is added with the PIN', async () => {
    await page.getByLabel('Name').fill('Laptop');
    const form = page.getByRole('form', { name: 'Add a passkey' });
    await form.getByLabel('PIN', { exact: true }).fill('000000');
    await form.getByRole('button', { name: 'Add a passkey' }).click();
    await form.getByText(/PIN is wrong|wrong PIN/i).waitFor();
    await form.getByLabel('PIN', { exact: true }).fill(TEST_PIN);
    await form.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByText('On this machine', { exact: true }).waitFor();
    expect((await gateway.control.call('passkeys', {})).items).toMatchObject([{ name: 'Laptop', standing: 'local' }]);
  });

  test('it approves what policy asks one for, and the auditor verifies it again', async () => {
    const run = update('shipped');
    await eventually('the request', async () => ((await waiting()).length > 0 ? true : null));
    await page.goto(new URL('/approvals', gateway.service.control.url).href);
    await card().getByText('Needs a passkey').waitFor();
    await approve().click();
    expect(await run).toMatchObject({ code: 0, out: 'UPDATE 1\n' });
    expect(await status()).toBe('shipped');

    const [key] = (await gateway.control.call('passkeys', {})).items;
    const found = await eventually('the recording', async () => {
      for await (const folder of sessionFolders(join(gateway.service.home, 'recordings'))) {
        for await (const { type, detail } of events(folder))
          if (type === 'decided' && detail.proof !== undefined)
            return { detail, info: (await readSession(folder)).info };
      }
      return null;
    });
    const { detail } = found;
    const approval = { id: 'a', digest: String(detail.digest), names: [String(detail.decidedBy)], proof: detail.proof };
    const entry = {
      ...key!,
      from: '2020-01-01T00:00:00.000Z',
      until: '2999-01-01T00:00:00.000Z',
      revoked: null,
    };
    const trust = { note: { passkeys: [entry] }, now: new Date().toISOString() } as never;
    expect(await passkeyCheck([approval], trust, null)).toMatchObject({ status: 'ok' });
    const other = { ...approval, digest: 'f'.repeat(64) };
    expect(await passkeyCheck([other], trust, null)).toMatchObject({ status: 'failed' });
  });

  test('it does not approve when its user is not verified', async () => {
    await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
    const run = update('stolen');
    await card().getByText("'stolen'", { exact: true }).waitFor();
    await approve().and(page.locator('[aria-disabled=false]')).click();
    await card().getByText('The browser asked for your passkey and got none').waitFor();
    await card().getByRole('button', { name: 'Deny' }).click();
    expect((await run).code).not.toBe(0);
    expect(await status()).toBe('shipped');
  });

  test('a page at the address says where passkeys are used', async () => {
    const at = new URL(gateway.service.control.url);
    const second = await openConsole(browser, `http://127.0.0.1:${at.port}/settings`);
    await second.page.getByLabel('One-time code').fill(gateway.service.loginCode);
    await second.page.keyboard.press('Enter');
    await second.page.getByText('Browsers take passkeys at this address only').waitFor();
    expect(await second.page.getByRole('link', { name: `http://localhost:${at.port}` }).count()).toBe(1);
    await second.close();
  });

  test('it is removed with the PIN', async () => {
    await page.goto(new URL('/settings', gateway.service.control.url).href);
    await page.getByRole('button', { name: 'Remove' }).click();
    const form = page.getByRole('form', { name: 'Remove the passkey Laptop?' });
    await form.getByLabel('PIN', { exact: true }).fill(TEST_PIN);
    await form.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('You have none yet.').waitFor();
    expect(opened.complaints).toEqual([]);
  });
});
