import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clientSocketPath, homeFolder, prepareHome } from './home.ts';
import { lockHome } from './home-lock.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'home-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('home', () => {
  it('is the option, then the variable, then the platform’s folder', () => {
    expect(homeFolder('/a', { COUNTERSIGN_HOME: '/b' })).toBe('/a');
    expect(homeFolder(undefined, { COUNTERSIGN_HOME: '/b' })).toBe('/b');
    expect(homeFolder(undefined, {})).toMatch(/countersign$/i);
  });

  it.skipIf(process.platform !== 'linux')('has its socket in it, unless another gateway is asked for', () => {
    const name = 'cs-test';
    expect(clientSocketPath('/a', { COUNTERSIGN_SOCKET: '/s', COUNTERSIGN_NAME: name })).toBe('/a/control.sock');
    expect(clientSocketPath(undefined, { COUNTERSIGN_SOCKET: '/s', COUNTERSIGN_HOME: '/b' })).toBe('/s');
    expect(clientSocketPath(undefined, { COUNTERSIGN_HOME: '/b', COUNTERSIGN_NAME: name })).toBe('/b/control.sock');
    expect(clientSocketPath(undefined, { COUNTERSIGN_NAME: name })).toBe('/run/cs-test/control.sock');
  });

  it('is for its owner alone, also when it was open before', () => {
    const home = join(folder, 'a', 'b');
    prepareHome(home);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    chmodSync(home, 0o755);
    prepareHome(home);
    expect(statSync(home).mode & 0o777).toBe(0o700);
  });
});

describe('the lock of a home', () => {
  it('is held by one at a time', () => {
    const unlock = lockHome(folder);
    expect(() => lockHome(folder)).toThrow(/already runs/);
    unlock();
    lockHome(folder)();
  });

  it('ends with a process that is killed', async () => {
    const module = fileURLToPath(new URL('./home-lock.ts', import.meta.url));
    const script = `import(${JSON.stringify(module)}).then((m) => { globalThis.keep = m.lockHome(${JSON.stringify(folder)}); console.log('locked'); setInterval(() => {}, 1000); })`;
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    await new Promise((done) => child.stdout.once('data', done));
    expect(() => lockHome(folder)).toThrow(/already runs/);
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await ended;
    lockHome(folder)();
  });
});
