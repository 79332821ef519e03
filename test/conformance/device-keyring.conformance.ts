import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testSigner } from '../../gateway/evidence/format/test-keys.ts';
import { formatVkey } from '../../gateway/evidence/format/vkey.ts';
import { component } from '../components.ts';
import { COUNTERSIGN, type CommandRun } from '../support/gateway.ts';

const keyring = component('gnome-keyring-daemon');
const ROOT = formatVkey(testSigner('countersign/org/acme').vkey);

let desktop: string;
let home: string;
beforeAll(() => {
  desktop = mkdtempSync(join(tmpdir(), 'cs-desktop-'));
  home = join(desktop, 'gateway');
  mkdirSync(join(desktop, 'run'), { mode: 0o700 });
});
afterAll(() => rmSync(desktop, { recursive: true, force: true }));

/** A command of `countersign` in a session of a desktop of its own, whose keyring is open or not there. */
function inSession(args: readonly string[], unlock: boolean): Promise<CommandRun> {
  const begin = unlock ? 'printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null; ' : '';
  const child = spawn('dbus-run-session', ['--', 'sh', '-c', `${begin}exec "$@"`, 'sh', ...COUNTERSIGN, ...args], {
    env: { PATH: process.env.PATH, HOME: desktop, XDG_RUNTIME_DIR: join(desktop, 'run'), COUNTERSIGN_HOME: home },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const run: CommandRun = { code: null, out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    run.out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    run.err += chunk;
  });
  return new Promise((done, fail) => {
    child.on('error', fail);
    child.on('close', (code) => done({ ...run, code }));
  });
}

/** Every file below a folder, as text. */
function textsBelow(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
}

describe.skipIf(keyring.missing)('a desktop’s keyring (needs gnome-keyring and dbus)', () => {
  it('keeps the device’s key, of which nothing is on the disk in clear', async () => {
    const enrolled = await inSession(['device', 'enrol', '--root', ROOT, '--request', join(desktop, 'request')], true);
    expect([enrolled.code, enrolled.out.trim()]).toEqual([0, join(desktop, 'request')]);
    expect((await inSession(['device', 'status'], false)).out).toContain('in the desktop’s keyring');
    expect(textsBelow(desktop)).not.toContain('PRIVATE KEY');
    const rotated = await inSession(['device', 'rotate-key'], true);
    expect([rotated.code, rotated.out]).toEqual([0, expect.stringContaining('countersign/device/')]);
    expect((await inSession(['device', 'log'], false)).out).toContain(`the key is ${rotated.out.trim()} from here on`);
  });

  it('that does not answer stops the start with a sentence, and the key stays where it is', async () => {
    const started = await inSession(['start', '--no-demo', '--no-open', '--port', '0', '--console-port', '0'], false);
    expect(started.code).toBe(1);
    expect(started.err).toContain("the device's key is in the desktop’s keyring, which does not give it");
    expect((await inSession(['device', 'rotate-key'], true)).code).toBe(0);
  });
});
