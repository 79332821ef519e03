import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { axeFindings } from '../axe.ts';
import { changeApproval, commandApproval } from '../console/action-fixtures.ts';
import { type ConsolePage, launch, noChromium, openConsole } from '../console/console-page.ts';
import { PIN, updateApproval } from '../console/fixtures.ts';
import { type StubGateway, startStubGateway } from '../console/stub-gateway.ts';

/** The window at the tray, as a page of 360 px. */
describe.skipIf(noChromium)(`popup${noChromium ? ` (${noChromium})` : ''}`, () => {
  let browser: Browser;
  let gateway: StubGateway;
  let opened: ConsolePage;
  let page: Page;

  const start = async (
    path = '/popup',
    options: Parameters<typeof startStubGateway>[0] = {},
    before: () => void = () => {},
    prepare: () => void = () => {},
  ) => {
    gateway = await startStubGateway(options);
    prepare();
    opened = await openConsole(browser, gateway.url + path, { width: 360, height: 600, before });
    page = opened.page;
    await gateway.streamOpen();
  };
  const card = () => page.getByRole('alertdialog');
  const guardOver = () => page.locator('[role=alertdialog] button[aria-disabled=false]').first().waitFor();
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

  test('shows one card and nothing of the console, within its width', async () => {
    await start();
    await guardOver();
    await page.getByRole('heading', { name: '1 of 3' }).waitFor();
    expect(await page.getByRole('navigation').count()).toBe(0);
    expect(await card().count()).toBe(1);
    await card().getByText('Policy ask-writes').waitFor();
    await card().getByText('1 approved, 1 denied').click();
    await card().getByText('Use the staging database for this, please.').waitFor();
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
    for (const name of ['Deny', 'Approve once', 'More time']) {
      const box = await page.getByRole('button', { name }).boundingBox();
      expect(box && box.y + box.height <= 600 && box.x + box.width <= 360).toBe(true);
    }
  });

  test('decides with keys, and comes to the next', async () => {
    await start();
    await guardOver();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('alertdialog');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Control+Enter');
    await card().getByText('Deletes every row').waitFor();
    await guardOver();
    await page.getByLabel('Your PIN').fill(PIN);
    await page.keyboard.press('Control+Enter');
    await card().getByText('Could not be understood').waitFor();
    expect(called('decide')).toMatchObject([
      { id: 'a-update', decision: 'approve', scope: { kind: 'once' } },
      { id: 'a-delete', decision: 'approve', pin: PIN },
    ]);
  });

  test('Esc leaves it waiting, and the next request shows it again', async () => {
    await start();
    await guardOver();
    await page.keyboard.press('Escape');
    await page.getByText('3 requests still wait for you.').waitFor();
    expect(await card().count()).toBe(0);
    gateway.ask(commandApproval(Date.now()));
    await page.getByRole('heading', { name: '1 of 4' }).waitFor();
    expect(called('decide')).toEqual([]);
  });

  test('a sign of a person stops the clock and asks for more time, until the limit of its own', async () => {
    await start();
    await guardOver();
    await card().getByRole('timer').waitFor();
    expect(called('extendApproval')).toEqual([]);
    await card().getByText('Why you are asked').click();
    await card().getByLabel('The clock stands while you decide').waitFor();
    await expect.poll(() => called('extendApproval')).toEqual([{ id: 'a-update' }]);
    await page.keyboard.press('Tab');
    expect(called('extendApproval')).toHaveLength(1);
    await page.getByRole('button', { name: 'More time' }).click();
    await expect.poll(() => called('extendApproval')).toHaveLength(2);
    const shown = gateway.state.approvals.find(({ id }) => id === 'a-update')!;
    // Again and again, since the answer to the last extension may come after the first event.
    const atItsLimit = () => {
      gateway.emit({ type: 'approval', approval: { ...shown, latestAt: shown.expiresAt } });
      return card().getByRole('timer').count();
    };
    await expect.poll(atItsLimit, { timeout: 20_000 }).toBe(1);
    expect(await page.getByRole('button', { name: 'More time' }).isDisabled()).toBe(true);
  });

  test('wider scopes are offered narrow to wide, and never for what destroys', async () => {
    await start();
    await guardOver();
    await page.getByRole('button', { name: 'Approve for longer' }).click();
    const offered = await page
      .getByRole('menuitemradio')
      .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? one.textContent));
    expect(offered).toEqual([
      expect.stringMatching(/^Approve onceExactly this statement/),
      expect.stringMatching(/^until this session ends, 8 hours at most: This now, and exactly this statement/),
      expect.stringMatching(/^for 15 min: .*same values by alice’s agents on demo \/ shop as app without asking/),
      expect.stringMatching(/^for 8 hours: /),
      expect.stringMatching(/^for 7 days, also while you are away; takes your PIN: /),
      expect.stringMatching(
        /^for 30 days, also while you are away; takes your PIN: This now, and exactly this statement/,
      ),
      expect.stringMatching(/^Like this, with limits…/),
      expect.stringMatching(/^until this session ends.*: This now, and statements of this shape with any values/),
      expect.stringMatching(/^for 15 min: This now, and statements of this shape/),
      expect.stringMatching(/^for 1 hour: This now, and statements of this shape/),
    ]);
    const menu = await page.getByRole('menu').boundingBox();
    expect(menu && menu.x >= 0 && menu.x + menu.width <= 360 && menu.y >= 0).toBe(true);
    expect(await axeFindings(page)).toEqual([]);
    await page.keyboard.press('Escape');
    const { verdict, ...rest } = gateway.state.approvals.find(({ id }) => id === 'a-delete')!;
    gateway.emit({ type: 'approval', approval: { ...rest, verdict: { ...verdict, grantable: true, level: 'click' } } });
    await page.keyboard.press('j');
    await card().getByText('Deletes every row').waitFor();
    expect(await page.getByRole('button', { name: 'Approve for longer' }).count()).toBe(0);
  });

  test('30 days are for exactly this, and take the PIN', async () => {
    await start();
    await guardOver();
    await page.getByRole('button', { name: 'Approve for longer' }).click();
    await page.getByRole('menuitemradio', { name: /^for 30 days/ }).click();
    const approve = page.getByRole('button', { name: 'Approve this for 30 days' });
    expect(await approve.isDisabled()).toBe(true);
    await card().getByText('without asking for 30 days, also while you are away').waitFor();
    expect(called('decide')).toEqual([]);
    await page.getByLabel('Your PIN').fill(PIN);
    await approve.click();
    await card().getByText('Deletes every row').waitFor();
    expect(called('decide')).toMatchObject([
      { decision: 'approve', pin: PIN, scope: { kind: 'minutes', minutes: 30 * 24 * 60, reach: 'exact' } },
    ]);
  });

  test('in the app its window is as high as its card, and grows with it', async () => {
    const inTheApp = () => {
      const heights: number[] = [];
      const bridge = {
        hidePopup: () => {},
        openConsole: () => {},
        setPopupHeight: (pixels: number) => heights.push(pixels),
      };
      Object.assign(globalThis, { heights, countersignDesktop: bridge });
    };
    // With its preview and a long statement it would be as high as the window may be.
    const shorten = () => {
      const { preview: _, ...plain } = gateway.state.approvals.find(({ id }) => id === 'a-update')!;
      const operation = { ...plain.operation, text: 'DELETE FROM t WHERE id = 1' };
      gateway.state.approvals[0] = { ...plain, operation } as typeof plain;
    };
    await start('/popup', {}, inTheApp, shorten);
    await guardOver();
    const heights = () => page.evaluate(() => (globalThis as unknown as { heights: number[] }).heights);
    await expect.poll(async () => (await heights()).at(-1)).toBeGreaterThan(200);
    await expect.poll(async () => (await heights()).at(-1)).toBeLessThan(760);
    const before = (await heights()).at(-1)!;
    await card().getByText('Details').click();
    await expect.poll(async () => (await heights()).at(-1)).toBeGreaterThan(before);
    await page.setViewportSize({ width: 360, height: (await heights()).at(-1)! });
    expect(Math.max(...(await heights()))).toBeLessThanOrEqual(760);
    await page.keyboard.press('Escape');
    expect(called('decide')).toEqual([]);
  });

  test('what nobody decided is told afterwards, once', async () => {
    await start('/popup', { empty: true });
    await page.getByText('Nothing is waiting for you').waitFor();
    gateway.ask(updateApproval(Date.now()));
    await guardOver();
    gateway.expire('a-update');
    await card().getByText('nobody decided in time').waitFor();
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { name: 'Missed while you were away' }).waitFor();
    await page.getByRole('button', { name: 'I have seen these' }).click();
    await page.getByText('Nothing is waiting for you').waitFor();
    await page.reload();
    await page.getByText('Nothing is waiting for you').waitFor();
  });

  test('a paused session says so, and a click lets it ask again', async () => {
    await start();
    await guardOver();
    const until = new Date(Date.now() + 240_000).toISOString();
    gateway.setStatus({ pauses: [{ sessionId: 'S0000', until }] });
    await page.getByText('its last two requests went unanswered').waitFor();
    await page.getByRole('button', { name: 'Let it ask again' }).click();
    await page.getByText('its last two requests went unanswered').waitFor({ state: 'detached' });
    expect(called('endPause')).toEqual([{ id: 'S0000' }]);
  });

  test('a command and a change of a file are shown as such', async () => {
    await start('/popup', { empty: true });
    gateway.ask(commandApproval(Date.now()));
    await card().getByRole('region', { name: 'Command' }).getByText('./scripts/backfill.sh').waitFor();
    gateway.ask(changeApproval(Date.now()));
    await page.getByRole('heading', { name: '1 of 2' }).waitFor();
    await page.keyboard.press('j');
    await card().getByRole('region', { name: 'Change of a file: 2 lines added, 1 line removed' }).waitFor();
  });

  test('it can be seen soon after it was held; how soon is printed', async () => {
    await start('/popup', { empty: true });
    await page.getByText('Nothing is waiting for you').waitFor();
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      const id = `a-${round}`;
      // In the page: when the card is in the document and a frame with it was painted.
      const shown = page.evaluate(
        (wanted) =>
          new Promise<number>((done) => {
            const look = () => {
              if (document.querySelector(`[data-approval="${wanted}"]`) === null) requestAnimationFrame(look);
              else requestAnimationFrame(() => done(Date.now()));
            };
            look();
          }),
        id,
      );
      await page.evaluate(() => new Promise(requestAnimationFrame));
      const held = Date.now();
      gateway.ask(updateApproval(held, id));
      times.push((await shown) - held);
      gateway.expire(id);
      await page.getByRole('button', { name: 'Done' }).click();
      await card().waitFor({ state: 'detached' });
    }
    expect(times).toHaveLength(5);
    process.stdout.write(`    visible after the hold: ${times.join(', ')} ms\n`);
  });
});
