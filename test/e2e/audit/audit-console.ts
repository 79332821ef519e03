import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import { COUNTERSIGN } from '../../support/gateway.ts';
import { axeFindings } from '../axe.ts';
import { type ConsolePage, openConsole } from '../console/console-page.ts';

export interface AuditConsole extends ConsolePage {
  url: string;
  stop(): Promise<void>;
}

/** `countersign audit serve` over a workspace, with a browser that is logged in. */
export async function serveWorkspace(
  browser: Browser,
  workspace: string,
  passphraseFile: string,
): Promise<AuditConsole> {
  const [program, ...rest] = [
    ...COUNTERSIGN,
    ...['audit', 'serve', '--workspace', workspace, '--port', '0', '--no-open', '--passphrase-file', passphraseFile],
  ];
  const child = spawn(program as string, rest, { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((done) => child.once('close', done));
  let said = '';
  await new Promise<void>((done, fail) => {
    const hear = (chunk: Buffer) => {
      said += chunk.toString('utf8');
      if (said.includes('^C stops it')) done();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', (code) => fail(new Error(`audit serve ended with ${code}:\n${said}`)));
  });
  const url = /Console +(\S+)/.exec(said)?.[1] ?? '';
  const opened = await openConsole(browser, url);
  const { page } = opened;
  page.setDefaultTimeout(60_000);
  await page.getByLabel('One-time code').fill(/One-time code +(\S+)/.exec(said)?.[1] ?? '');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Devices', exact: true }).waitFor();
  return {
    ...opened,
    url,
    async stop() {
      await opened.close();
      child.kill('SIGINT');
      expect({ code: await ended, said: said.includes('Error') ? said : '' }).toEqual({ code: 0, said: '' });
    },
  };
}

/** By the menu. */
export const goTo = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }).click();

export async function importFrom(page: Page, what: string): Promise<void> {
  await goTo(page, 'Imports');
  await page.getByLabel('What to import').fill(what);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await page.getByText('Import: Done').waitFor();
}

export async function verifyEverything(page: Page): Promise<void> {
  await goTo(page, 'Devices');
  await page.getByRole('button', { name: 'Verify everything' }).click();
  await page
    .getByRole('button', { name: /Show what was checked/ })
    .first()
    .waitFor();
}

export interface Shot {
  name: string;
  path: string;
  /** A text that is there once the screen is. */
  ready: string;
  /** What a person does before the picture is taken. */
  before?(page: Page): Promise<void>;
}

const FOLDER = fileURLToPath(new URL('../../.artifacts/audit/', import.meta.url));

/** Every screen in both themes, wide and narrow: nothing is cut off. */
export async function takeShots({ page, url }: AuditConsole, shots: readonly Shot[]): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [1280, 360]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: width === 360 ? 780 : 900 });
      for (const { name, path, ready, before } of shots) {
        await page.goto(url.replace(/\/$/, '') + path);
        await page.getByText(ready).first().waitFor({ state: 'attached' });
        await before?.(page);
        await page.screenshot({ path: `${FOLDER}${name}-${width}-${colorScheme}.png`, fullPage: true });
        const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        const axe = width === 1280 ? await axeFindings(page) : [];
        expect.soft({ name, width, wider: Math.max(0, wider), axe }).toEqual({ name, width, wider: 0, axe: [] });
      }
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
}
