import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type ConsolePage, launch, noChromium, openConsole } from './console-page.ts';
import { CODE, deleteApproval, hostileApproval, PIN, session, updateApproval } from './fixtures.ts';
import { type StubGateway, startStubGateway } from './stub-gateway.ts';

const PICTURES = fileURLToPath(new URL('../../.artifacts/console/', import.meta.url));

/** The console alone, over a double of the gateway. */
describe.skipIf(noChromium)(`console${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;

  const start = async (path: string, options: Parameters<typeof startStubGateway>[0] = {}) => {
    gateway = await startStubGateway(options);
    opened = await openConsole(browser, gateway.url + path);
    page = opened.page;
    if (options.signedIn ?? true) await gateway.streamOpen();
  };
  const card = () => page.getByRole('alertdialog');
  /** A card takes no decision in its first half second. */
  const guardOver = () => page.locator('[role=alertdialog] button[aria-disabled=false]').first().waitFor();
  const decisions = () => gateway.calls.filter((call) => call.route === 'decide').map((call) => call.input);

  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(async () => {
    await browser?.close();
  });
  beforeEach(() => {
    opened = undefined as never;
  });
  afterEach(async () => {
    expect(opened.complaints).toEqual([]);
    await opened.close();
    await gateway.close();
  });

  test('the one-time code opens the console, and a wrong one says so', async () => {
    await start('/', { signedIn: false });
    await page.getByLabel('One-time code').fill('NOPE-0000');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('alert').getByText('wrong or was already used').waitFor();
    await page.getByLabel('One-time code').fill(CODE);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'What needs you' }).waitFor();
    expect(page.url()).not.toContain(CODE);
  });

  test('a card says who, what and where, and a click approves exactly it', async () => {
    await start('/approvals');
    await guardOver();
    expect(await card().getByRole('heading').textContent()).toBe(
      'psql (pid 4242), started by cursor-agent, for aliceUPDATEdemo / shop as app',
    );
    await card().getByText('2026-01-24').waitFor();
    await page.getByRole('button', { name: 'Approve once' }).click();
    await card().getByText('2 of 2').waitFor({ state: 'detached' });
    await card().getByText('Deletes every row').waitFor();
    expect(decisions()).toEqual([
      {
        id: 'a-update',
        digest: updateApproval(0).operation.digest,
        decision: 'approve',
        scope: { kind: 'once' },
      },
    ]);
  });

  test('focus starts on nothing that lets something through, and plain Enter never approves', async () => {
    await start('/approvals');
    await guardOver();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('alertdialog');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Approve once' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Reason').focus();
    await page.keyboard.press('Enter');
    await page.getByText('1 of 3').waitFor();
    expect(decisions()).toEqual([]);
  });

  test('keys decide, and are ignored in the first half second of a card', async () => {
    await start('/approvals');
    await guardOver();
    // The same keys again as soon as the next card is there: its timer is later in line than these.
    await page.evaluate(() => {
      const again = () =>
        document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Backspace', ctrlKey: true, bubbles: true }));
      new MutationObserver((_, observer) => {
        if (document.querySelector('[data-approval=a-delete]') === null) return;
        observer.disconnect();
        again();
        setTimeout(again, 50);
      }).observe(document.body, { childList: true, subtree: true });
    });
    await page.keyboard.press('Control+Backspace');
    await card().getByText('Deletes every row').waitFor();
    await guardOver();
    expect(decisions().map(({ id, decision }) => [id, decision])).toEqual([['a-update', 'deny']]);
  });

  test('what needs a PIN is not approved without it, and a wrong one is asked again', async () => {
    await start('/approvals?id=a-delete');
    await guardOver();
    const approve = page.getByRole('button', { name: 'Approve once' });
    expect(await approve.isDisabled()).toBe(true);
    await page.keyboard.press('Control+Enter');
    await page.getByLabel('Your PIN').fill('111111');
    await page.keyboard.press('Control+Enter');
    await page.getByText('The PIN is wrong').waitFor();
    expect(await page.getByLabel('Your PIN').inputValue()).toBe('');
    await page.getByLabel('Your PIN').fill(PIN);
    await page.keyboard.press('Control+Enter');
    await page.getByText('1 of 2').waitFor();
    expect(decisions().map(({ pin }) => pin)).toEqual(['111111', PIN]);
    expect(await page.content()).not.toContain(PIN);
  });

  test('a reason goes with a denial only', async () => {
    await start('/approvals');
    await guardOver();
    await page.getByLabel('Reason').fill('Use staging, please.');
    await page.getByRole('button', { name: 'Deny' }).click();
    await card().getByText('Deletes every row').waitFor();
    expect(decisions()).toMatchObject([{ decision: 'deny', message: 'Use staging, please.' }]);
    expect(await page.getByLabel('Reason').inputValue()).toBe('');
  });

  test('limits begin with the narrowest, are said as a sentence, and are what is approved', async () => {
    await start('/approvals');
    await guardOver();
    await page.getByRole('button', { name: 'Approve for longer' }).click();
    await page.getByRole('menuitemradio', { name: /^Like this, with limits/ }).click();
    await page.getByText('at most 1 row each, 20 rows in all, 20 times at most, in this session').waitFor();
    await page
      .getByLabel(/ may be$/)
      .last()
      .selectOption('any');
    await page.getByLabel('Rows in all').fill('200');
    await page.getByLabel('For how long').selectOption('30');
    await page.getByText('200 rows in all, 20 times at most, in this conversation').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${PICTURES}limits-${colorScheme}.png` });
    }
    expect(decisions()).toEqual([]);
    await page.getByRole('button', { name: 'Approve with limits' }).click();
    await card().getByText('Deletes every row').waitFor();
    expect(decisions()).toMatchObject([
      {
        scope: {
          kind: 'conversation',
          minutes: 30,
          reach: 'pattern',
          budget: { rowsEach: 1, rows: 200, uses: 20 },
        },
      },
    ]);
  });

  test('a wider scope is chosen as a sentence and then approved', async () => {
    await start('/approvals');
    await guardOver();
    await page.getByRole('button', { name: 'Approve for longer' }).click();
    await page.getByRole('menuitemradio', { name: /^for 15 min: .*of this shape/ }).click();
    expect(decisions()).toEqual([]);
    await page.getByText('without asking for 15 min').waitFor();
    await page.getByRole('button', { name: 'Approve shape for 15 min' }).click();
    await card().getByText('Deletes every row').waitFor();
    expect(decisions()).toMatchObject([{ scope: { kind: 'minutes', minutes: 15, reach: 'shape' } }]);
    expect(await page.getByRole('button', { name: 'Approve for longer' }).count()).toBe(0);
  });

  test('new requests come to the end and move nothing; each is announced once', async () => {
    await start('/approvals');
    await guardOver();
    const before = await card().boundingBox();
    gateway.ask(deleteApproval(Date.now(), 'a-new'));
    await page.getByText('1 of 4').waitFor();
    await page.getByText('New request: psql').waitFor({ state: 'attached' });
    expect(await card().boundingBox()).toEqual(before);
    expect(await card().getAttribute('data-approval')).toBe('a-update');
  });

  test('an expired card stays and says so; what was missed is listed', async () => {
    await start('/approvals');
    await guardOver();
    gateway.expire('a-update');
    await card().getByText('nobody decided in time').waitFor();
    expect(await page.getByRole('button', { name: 'Approve once' }).count()).toBe(0);
    expect(await page.getByRole('region', { name: 'Missed while you were away' }).getByRole('listitem').count()).toBe(
      2,
    );
    await page.getByRole('button', { name: 'Show the next request' }).click();
    await card().getByText('Deletes every row').waitFor();
  });

  test('hostile text is shown by name and nothing of it takes effect', async () => {
    await start('/approvals?id=a-hostile');
    await guardOver();
    const shown = await card().innerText();
    for (const character of ['\u202e', '\u200b', '\u001b']) expect(shown).not.toContain(character);
    expect(shown).toContain('U+202E');
    expect(shown).toContain('U+200B');
    expect(hostileApproval(0).operation.text).toContain('\u202e');
  });

  test('after a lost connection the list is asked again', async () => {
    await start('/approvals');
    await page.getByText('1 of 3').waitFor();
    gateway.state.approvals = [...gateway.state.approvals, updateApproval(Date.now(), 'a-meanwhile')];
    gateway.cutStreams();
    await page.getByText('1 of 4').waitFor();
    opened.complaints.length = 0;
  });

  test('a grant is revoked', async () => {
    await start('/grants');
    await page.getByRole('button', { name: 'Revoke' }).first().click();
    await page.getByRole('region', { name: 'Ended' }).getByText('Revoked just now').waitFor();
    expect(gateway.calls).toEqual([{ route: 'revokeGrant', input: { id: 'g-1' } }]);
  });

  test('filters are in the address, and a session that opens appears', async () => {
    await start('/sessions?verdict=denied');
    await page.getByText('48 sessions').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('240 sessions').waitFor();
    await page.getByLabel('Search in statements').fill('pg_dump');
    await page.waitForURL(/text=pg_dump/);
    await page.getByText('48 sessions').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    const fresh = { ...session(Date.now(), 0), id: 'S9999', agent: { pid: 9, name: 'fresh-client', parents: [] } };
    gateway.state.sessions = [fresh, ...gateway.state.sessions];
    gateway.emit({ type: 'session', session: fresh });
    await page
      .getByText(/fresh-client|1 new session/)
      .first()
      .waitFor();
  });

  test('a session replays with the keyboard, its list and its details in step', async () => {
    await start('/sessions/S0003');
    await page.getByText('1. SELECT').waitFor();
    await page.keyboard.press('.');
    await page.getByText('2. SELECT').waitFor();
    await page.keyboard.press(']');
    await page.getByText('4. UPDATE').waitFor();
    await page.keyboard.press('9');
    // Nine tenths of what has come so far; pages of statements come one after the other.
    await page.getByRole('heading', { name: /^\d{3,4}\. / }).waitFor();
    await page.keyboard.press('0');
    await page.getByText('1. SELECT').waitFor();
    await page.getByText('8×').click();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('heading', { name: /^[6-9]\. / }).waitFor();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Play' }).waitFor();
    await page.waitForURL(/at=\d+/);
  });

  test('a result is paged and says which columns are masked', async () => {
    await start('/sessions/S0002?at=0');
    await page.getByText('Rows 1–100 of 250').waitFor();
    await page.getByRole('columnheader', { name: 'email masked' }).waitFor();
    await page.getByRole('button', { name: 'Next page' }).click();
    await page.getByText('Rows 101–200 of 250').waitFor();
  });

  test('the badge shows what was verified, damage included', async () => {
    await start('/sessions/S0002?at=9');
    await page.getByRole('button', { name: /^Verification failed/ }).click();
    await page.getByText('Exchanges 9 to 11 are damaged.').waitFor();
    await page.getByText('Not checked: Organisation').waitFor();
    await page.keyboard.press('Escape');
    await page.getByText('This part of the recording is damaged').waitFor();
  });

  test('an open session is cut after a question', async () => {
    await start('/sessions/S0000');
    await page.getByRole('button', { name: 'Cut connection' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cut connection' }).click();
    await page.getByText('Closed').waitFor();
  });

  test('a connection is tested, and a token is shown once', async () => {
    await start('/connections');
    const billing = page.getByRole('region', { name: 'billing-staging' });
    await billing.getByRole('button', { name: 'Test' }).click();
    await billing.getByText('none is stored').waitFor();
    await billing.getByText('Masking is off').waitFor();
    const demo = page.getByRole('region', { name: 'demo', exact: true });
    await demo.getByRole('button', { name: 'How to connect' }).click();
    await page.getByRole('button', { name: 'Make a token' }).click();
    await page.getByText('export PGHOST=127.0.0.1').waitFor();
    await page.getByText('postgresql://demo:cs_9f8e7d6c5b4a39281706@127.0.0.1:54320/shop').waitFor();
    await page.keyboard.press('Escape');
    await demo.getByRole('button', { name: 'How to connect' }).click();
    await page.getByRole('button', { name: 'Make a token' }).waitFor();
    expect(await page.content()).not.toContain('cs_9f8e7d6c5b4a39281706');
  });

  test('a connection is added with a tagged column, fields that are wrong are marked', async () => {
    await start('/connections/new');
    await page.getByLabel('PIN').fill(PIN);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Please check the marked fields').waitFor();
    await page.getByLabel('Name', { exact: true }).fill('shop-prod');
    await page.getByLabel('Host', { exact: true }).fill('db.internal');
    await page.getByLabel('Database', { exact: true }).fill('shop');
    await page.getByLabel('Role', { exact: true }).fill('app');
    await page.getByLabel('Password', { exact: true }).fill('s3cret');
    await page.getByRole('button', { name: 'Add a column' }).click();
    await page.getByLabel('Table').fill('customers');
    await page.getByLabel('Column', { exact: true }).fill('email');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('region', { name: 'shop-prod' }).getByText('1 column tagged').waitFor();
    expect(gateway.calls.findLast(({ route }) => route === 'putConnection')?.input).toMatchObject({
      secret: 's3cret',
      connection: { columns: [{ schema: 'public', table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS' }] },
    });
  });

  test('a policy is staged, its errors lead to their line, and it is accepted with the PIN', async () => {
    await start('/policy');
    const editor = page.getByRole('textbox', { name: 'Policy text' });
    await editor.click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('permitt ');
    await page.getByRole('button', { name: 'Stage this text' }).click();
    await page.getByRole('alert').getByText('unexpected token').waitFor();
    await page.getByRole('button', { name: 'Go to line 3' }).click();
    expect(await page.getByRole('button', { name: 'Accept' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Back to the text in force' }).click();
    await editor.click();
    await page.keyboard.press('Control+End');
    await page.keyboard.type('// reviewed');
    await page.getByRole('button', { name: 'Stage this text' }).click();
    await page.getByRole('region', { name: 'What would change' }).getByText('// reviewed').first().waitFor();
    await page.getByLabel('PIN').fill(PIN);
    await page.getByRole('button', { name: 'Accept' }).click();
    await page.getByText('The new policy is in force').waitFor();
  });

  test('the first PIN is set with a one-time code', async () => {
    await start('/settings', { empty: true });
    await page.getByLabel('One-time code').fill(CODE);
    await page.getByLabel('New PIN', { exact: true }).fill(PIN);
    await page.getByLabel('New PIN again').fill(PIN);
    await page.getByRole('button', { name: 'Set PIN' }).click();
    await page.getByText('A PIN is set.').waitFor();
    expect(gateway.calls.at(-1)).toEqual({ route: 'setPin', input: { pin: PIN, code: CODE } });
  });

  test('the header says when the gateway cannot record', async () => {
    await start('/settings');
    gateway.setStatus({ recorder: { ok: false, error: 'The disk is full.', bytes: 1 } });
    await page.getByRole('banner').getByText('Cannot record').waitFor();
    await page.getByText('The disk is full.').waitFor();
  });

  test('pages are reached with keys, and help lists them', async () => {
    await start('/approvals');
    await guardOver();
    await page.keyboard.press('g');
    await page.keyboard.press('c');
    await page.getByRole('heading', { name: 'Connections', level: 1 }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Plain Enter never approves').waitFor();
  });
});
