import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { AT_LOGIN, createAutostart } from './autostart.ts';

const noApp = { getLoginItemSettings: () => ({ openAtLogin: false }), setLoginItemSettings: () => {} } as never;

it('is a file of the desktop on Linux, which comes and goes', () => {
  const home = mkdtempSync(join(tmpdir(), 'cs-autostart-'));
  const executable = '/opt/My "App" $1 100%/countersign\\x';
  const autostart = createAutostart({
    platform: 'linux',
    app: noApp,
    env: { XDG_CONFIG_HOME: 'relative' },
    home,
    executable,
  });
  expect(autostart.on).toBe(false);
  autostart.set(true);
  expect(autostart.on).toBe(true);
  const file = join(home, '.config', 'autostart', 'countersign.desktop');
  expect(readFileSync(file, 'utf8')).toContain(
    'Exec="/opt/My \\\\"App\\\\" \\\\$1 100%%/countersign\\\\\\\\x" --at-login\n',
  );
  autostart.set(false);
  autostart.set(false);
  expect(autostart.on).toBe(false);
  rmSync(home, { recursive: true });
});

it.each(['darwin', 'win32'] as const)('is a login item on %s', (platform) => {
  const told: object[] = [];
  const app = {
    getLoginItemSettings: () => ({ openAtLogin: told.length > 0 }),
    setLoginItemSettings: (settings: object) => told.push(settings),
  } as never;
  const autostart = createAutostart({ platform, app, env: {}, home: '/', executable: 'C:\\x.exe' });
  expect(autostart.on).toBe(false);
  autostart.set(true);
  expect(told).toEqual([
    { openAtLogin: true, ...(platform === 'win32' ? { path: 'C:\\x.exe', args: [AT_LOGIN] } : {}) },
  ]);
  expect(autostart.on).toBe(true);
});
