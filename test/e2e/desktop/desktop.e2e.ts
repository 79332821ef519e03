import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ElectronApplication, _electron as electron } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleApp, ROOT } from '../../../build/bundle.ts';
import { component } from '../../components.ts';
import { freshHome, removeHome } from '../../support/gateway.ts';

/** On a real Electron, where its runtime is: Playwright's driver needs --inspect, which the packaged app refuses. */
const runtime = component('electron');
const home = freshHome();
let app: ElectronApplication;
let profile: string;

beforeAll(async () => {
  if (runtime.missing) return;
  profile = mkdtempSync(join(tmpdir(), 'cs-desktop-'));
  const folder = join(ROOT, 'dist', 'app');
  mkdirSync(folder, { recursive: true });
  await bundleApp(folder);
  writeFileSync(join(folder, 'package.json'), '{"name":"countersign","type":"module","main":"index.js"}\n');
  app = await electron.launch({
    executablePath: runtime.path,
    args: [folder, `--user-data-dir=${profile}`, ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],
    env: { ...(process.env as Record<string, string>), COUNTERSIGN_HOME: home },
    timeout: 60_000,
  });
});
afterAll(async () => {
  await app?.close();
  removeHome(home);
  if (profile !== undefined) rmSync(profile, { recursive: true, force: true });
});

describe.skipIf(runtime.missing)('the app on a real Electron (needs its runtime)', () => {
  it('starts the gateway, signs itself in and shows the console', async () => {
    await expect
      .poll(
        () =>
          app
            .windows()
            .map((page) => new URL(page.url()).pathname)
            .sort(),
        { timeout: 60_000 },
      )
      .toEqual(['/', '/popup']);
    const console = app.windows().find((page) => new URL(page.url()).pathname === '/')!;
    await console.getByRole('navigation').waitFor({ timeout: 60_000 });
    expect(await console.evaluate(() => 'require' in globalThis || 'process' in globalThis)).toBe(false);
    expect(await console.evaluate(() => Object.keys((globalThis as never)['countersignDesktop']).sort())).toEqual([
      'autostart',
      'hidePopup',
      'openConsole',
      'setAutostart',
      'setPopupHeight',
    ]);
  });
});
