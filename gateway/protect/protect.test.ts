import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { assertProtected } from './assert-protected.ts';
import { protectedLayout } from './layout.ts';
import { unitText } from './service-process.ts';
import { waysAround } from './steps.ts';
import { openAbove, openBelow } from './untouchable.ts';

describe('the layout', () => {
  it('keeps the home to the gateway, and codes for root in it', () => {
    const layout = protectedLayout();
    expect(layout.rootSocket.startsWith(`${layout.home}/`)).toBe(true);
    expect(layout.socket.startsWith(`${layout.home}/`)).toBe(false);
  });

  it.each(['', 'Upper', '../etc', 'a b', '-x', 'x;reboot', 'a'.repeat(24)])('refuses the name %j', (name) => {
    expect(() => protectedLayout(name)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });
});

describe('the unit', () => {
  const unit = unitText(protectedLayout('gate'), { port: 7001, consolePort: 7002 });

  it('has every place filled in', () => {
    expect(unit).not.toMatch(/@[A-Z_]+@/);
    expect(unit).toContain('start --protected gate --no-demo --no-open --port 7001 --console-port 7002');
  });

  it.each(['User=gate', 'StateDirectoryMode=0700', 'RuntimeDirectoryMode=0750', 'NoNewPrivileges=yes'])(
    'has %s',
    (line) => {
      expect(unit.split('\n')).toContain(line);
    },
  );
});

it.skipIf(process.platform === 'win32')('is not protected mode because somebody says so', () => {
  const layout = { ...protectedLayout(), user: 'nobody-at-all' };
  expect(() => assertProtected(layout)).toThrow(expect.objectContaining({ code: 'PROTECTION_NOT_REAL' }));
});

it('names the groups that amount to root', () => {
  const groups: Record<string, string[]> = { ann: ['ann', 'docker'], bob: ['bob', 'audio'] };
  expect(waysAround(['ann', 'bob'], (name) => groups[name] ?? [])).toEqual([
    'ann is in the group docker, which is as good as being root',
  ]);
});

describe.skipIf(process.platform === 'win32' || process.getuid?.() !== 0)(
  'what only root can change (tested as root)',
  () => {
    let folder = '';
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'cs-own-'));
      chmodSync(folder, 0o755);
      mkdirSync(join(folder, 'a'), { mode: 0o755 });
      writeFileSync(join(folder, 'a', 'file'), '', { mode: 0o644 });
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('is found open where a file, a folder or a link lets others in', () => {
      expect(openBelow(folder)).toBeNull();
      for (const [path, open, closed] of [
        [join(folder, 'a', 'file'), 0o646, 0o644],
        [join(folder, 'a', 'file'), 0o664, 0o644],
        [join(folder, 'a'), 0o777, 0o755],
      ] as const) {
        chmodSync(path, open);
        expect(openBelow(folder)).toBe(path);
        chmodSync(path, closed);
      }
      symlinkSync(tmpdir(), join(folder, 'a', 'out'));
      expect(openBelow(folder)).toBe(join(folder, 'a', 'out'));
    });

    it('is found open where a folder above it is: a temporary folder is everybody’s', () => {
      expect(openAbove('/')).toBeNull();
      chmodSync(folder, 0o777);
      expect(openAbove(join(folder, 'a', 'file'))).toBe(folder);
    });
  },
);
