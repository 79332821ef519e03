import { type Browser, chromium, type Page } from 'playwright-core';
import { component } from '../../components.ts';

/** What the page said that a clean page does not say: policy violations, errors, failed loads. */
export interface ConsolePage {
  page: Page;
  complaints: string[];
  close(): Promise<void>;
}

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Why Chromium is not there, for a named skip; false where it is. */
export const noChromium = component('chromium').missing;

export async function launch(): Promise<Browser> {
  return await chromium.launch({ executablePath: component('chromium').path, args: ARGS });
}

export async function openConsole(
  browser: Browser,
  url: string,
  options: { width?: number; height?: number; scheme?: 'light' | 'dark'; before?: () => void } = {},
): Promise<ConsolePage> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 900 },
    colorScheme: options.scheme ?? 'light',
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    const text = message.text();
    // A refused call is said by the browser too; the console shows it to the person.
    if (message.type() === 'error' && !/status of 40[139]/.test(text)) complaints.push(`${message.type()}: ${text}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
    });
  });
  if (options.before !== undefined) await page.addInitScript(options.before);
  await page.goto(url);
  return { page, complaints, close: () => context.close() };
}
