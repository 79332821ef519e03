import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { PIN } from '../console/fixtures.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

describe.skipIf(noChromium)(`connections${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;
  const start = async (path: string) => {
    gateway = await startStubGateway();
    opened = await openConsole(browser, gateway.url + path);
    page = opened.page;
    await gateway.streamOpen();
  };
  const demo = () => page.getByRole('region', { name: 'demo', exact: true });
  const saved = () => gateway.calls.findLast(({ route }) => route === 'putConnection')?.input.connection;

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

  test('open sessions are listed with their connection, and one is cut after a question', async () => {
    await start('/connections');
    await demo().getByRole('button', { name: '1 open session' }).click();
    await demo().getByRole('link', { name: 'psql for alice' }).waitFor();
    await demo().getByRole('button', { name: 'Cut connection of psql for alice' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cut connection' }).click();
    await demo().getByRole('link', { name: 'psql for alice' }).waitFor({ state: 'detached' });
    expect(gateway.calls).toContainEqual({ route: 'killSession', input: { id: 'S0000' } });
  });

  test('one click makes a token and copies what was asked for', async () => {
    await start('/connections');
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await demo().getByRole('button', { name: 'How to connect' }).click();
    await page.getByRole('button', { name: 'Copy URL' }).click();
    await page.getByText('The URL is on the clipboard.').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
      'postgresql://demo:cs_9f8e7d6c5b4a39281706@127.0.0.1:54320/shop',
    );
    expect(gateway.calls.filter(({ route }) => route === 'mintToken')).toHaveLength(1);
    await page.getByRole('button', { name: 'Revoke this token' }).click();
    await page.getByText('Revoked. Connections that used it end now.').waitFor();
  });

  test('columns are pasted as a list; a line that is none is said, a column twice replaces itself', async () => {
    await start('/connections/demo');
    await page.getByRole('button', { name: 'Paste a list' }).click();
    const lines = page.getByRole('textbox', { name: 'Columns, one a line' });
    await lines.fill('customers.email email hash\nnonsense');
    await page.getByText('Not understood: line 2.').waitFor();
    expect(await page.getByRole('button', { name: 'Add 1 column' }).isDisabled()).toBe(true);
    await lines.fill('customers.email email hash\nhr.staff.salary');
    await page.getByRole('button', { name: 'Add 2 columns' }).click();
    await page.getByLabel('PIN').fill(PIN);
    await page.getByRole('button', { name: 'Save' }).click();
    await demo().getByText('4 columns tagged').waitFor();
    expect(saved()).toMatchObject({
      columns: [
        { table: 'customers', column: 'card' },
        { table: 'customers', column: 'ssn' },
        { schema: 'public', table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS', action: 'hash' },
        { schema: 'hr', table: 'staff', column: 'salary', entity: 'CUSTOM', action: 'redact' },
      ],
    });
    // What was saved is tried at once.
    await page.getByText('demo: The server asks for').or(page.getByText('demo: Connected and signed in')).waitFor();
  });

  test('detectors and where recordings go are part of a connection', async () => {
    await start('/connections/demo');
    await page.getByRole('combobox', { name: 'Phone number' }).click();
    await page.getByRole('option', { name: 'Redacted' }).click();
    await page.getByRole('combobox', { name: 'Recordings' }).click();
    await page.getByRole('option', { name: /^Never leave this machine/ }).click();
    await page.getByLabel('PIN').fill(PIN);
    await page.getByRole('button', { name: 'Save' }).click();
    await demo().waitFor();
    expect(saved()).toMatchObject({
      sync: 'local',
      detectors: { enabled: true, entities: { PHONE_NUMBER: 'redact', CREDIT_CARD: 'partial' } },
    });
  });
});
