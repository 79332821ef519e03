import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { component } from '../../components.ts';
import { startOidcProvider, type TestOidcProvider } from '../../support/oidc-provider.ts';
import { freePort, startSamlProvider } from '../../support/saml-provider.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { setTestPin, TEST_PIN } from '../../support/side-by-side.ts';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';

const ADA_IN_SAML = { email: ['ada@acme.example'], groups: ['devs'] };
const ADA = { email: 'ada@acme.example', groups: ['devs'] };

/** Signing in from the console, with a real provider (oidc-provider) and the real gateway. */
describe.skipIf(noChromium)(`signing in${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let provider: TestOidcProvider;
  let gateway: TestService;
  let opened: ConsolePage;
  let page: Page;
  const home = mkdtempSync(join(tmpdir(), 'cs-sign-in-'));
  const who = () => page.getByRole('region', { name: 'Who agents act for', exact: true });

  beforeAll(async () => {
    browser = await launch();
    provider = await startOidcProvider();
    provider.accounts.set('ada', ADA);
    gateway = await startTestService({ connections: [], home, console: true });
    await setTestPin(gateway);
    await gateway.control.call('putProvider', {
      provider: { id: 'acme', issuer: provider.issuer, clientId: provider.clientId },
      pin: TEST_PIN,
    });
    opened = await openConsole(browser, new URL('/settings', gateway.service.control.url).href);
    page = opened.page;
    page.setDefaultTimeout(60_000);
    await page.getByLabel('One-time code').fill(gateway.service.loginCode);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
  });
  afterAll(async () => {
    await opened?.close();
    await browser?.close();
    await gateway?.stop();
    await provider?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  test('in the browser: the provider’s page is opened, and its word counts', async () => {
    await who().getByRole('alert').getByText('nobody is signed in').waitFor();
    await who().getByRole('button', { name: 'Sign in', exact: true }).click();
    const link = who().getByRole('link', { name: 'Open the provider’s page' });
    expect(await link.getAttribute('rel')).toContain('noopener');
    const url = (await link.getAttribute('href'))!;
    expect(new URL(url).origin).toBe(provider.issuer);
    const back = await provider.signIn(url, 'ada');
    expect((await fetch(back)).status).toBe(200);
    await who().getByText('ada@acme.example').first().waitFor();
    await who().getByText('in devs').waitFor();
    await who().getByText('Signed in', { exact: true }).waitFor();
  });

  test('signing out ends it, and a device’s code signs in again', async () => {
    await who().getByRole('button', { name: 'Close' }).click();
    await who().getByRole('button', { name: 'Sign this person out' }).click();
    await who().getByRole('alert').getByText('nobody is signed in').waitFor();
    await who().getByRole('button', { name: 'With a code on another device' }).click();
    await who().getByText('confirm the code').waitFor();
    const address = await who().getByRole('link', { name: 'Open the provider’s page' }).getAttribute('href');
    await provider.confirmDevice(address!, 'ada');
    await who().getByText('Signed in', { exact: true }).waitFor();
  });

  const simplesaml = component('simplesamlphp');
  test.skipIf(simplesaml.missing)(`by SAML${simplesaml.missing ? ` (${simplesaml.missing})` : ''}`, async () => {
    const saml = await startSamlProvider();
    try {
      saml.accounts.set('ada', ADA_IN_SAML);
      const acs = `http://127.0.0.1:${await freePort()}/saml/acs`;
      saml.register({ entityId: 'urn:countersign:gateway', acs });
      await gateway.control.call('signOut', {});
      await gateway.control.call('deleteProvider', { id: 'acme', pin: TEST_PIN });
      await gateway.control.call('putProvider', {
        provider: {
          id: 'idp',
          issuer: saml.entityId,
          clientId: 'urn:countersign:gateway',
          saml: { metadataUrl: saml.metadataUrl, acs },
        },
        pin: TEST_PIN,
      });
      await page.reload();
      await who().getByText('SAML ·').waitFor();
      expect(await who().getByRole('button', { name: 'With a code on another device' }).count()).toBe(0);
      await who().getByRole('button', { name: 'Sign in', exact: true }).click();
      const link = who().getByRole('link', { name: 'Open the provider’s page' });
      // A person's own browser, whose page posts the answer to the gateway by itself.
      const [other] = await Promise.all([page.context().waitForEvent('page'), link.click()]);
      other.setDefaultTimeout(60_000);
      await other.locator('input[name=username]').fill('ada');
      await other.locator('input[name=password]').fill('secret');
      await other.keyboard.press('Enter');
      await other.getByText('You can close this page').waitFor();
      await other.close();
      await who().getByText('ada@acme.example').first().waitFor();
      await who().getByText('then you sign in again').waitFor();
    } finally {
      await gateway.control.call('deleteProvider', { id: 'idp', pin: TEST_PIN });
      await gateway.control.call('putProvider', {
        provider: { id: 'acme', issuer: provider.issuer, clientId: provider.clientId },
        pin: TEST_PIN,
      });
      await saml.stop();
    }
  });

  test('who may not sign in is told so', async () => {
    await gateway.control.call('signOut', {});
    provider.accounts.delete('ada');
    await page.reload();
    await who().getByRole('button', { name: 'Sign in', exact: true }).click();
    const url = await who().getByRole('link', { name: 'Open the provider’s page' }).getAttribute('href');
    await provider.signIn(url!, 'ada').catch(() => {});
    await who().getByRole('button', { name: 'Cancel' }).click();
    await who().getByRole('alert').getByText('nobody is signed in').waitFor();
    expect((await gateway.control.call('identity', {})).state).toBe('signed-out');
    expect(opened.complaints).toEqual([]);
  });
});
