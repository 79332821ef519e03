import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CountersignError } from '../contract/errors.ts';
import { frameOf } from '../evidence/device/entry-frames.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { COSIGNATURE, formatVkey } from '../evidence/format/vkey.ts';
import type { Cli } from './cli.ts';
import { passphraseAtStart } from './device-home.ts';
import { lockHome } from './home-lock.ts';
import { runCommand } from './test-cli.ts';

let dir: string;
let home: string;
let secret: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'device-cli-'));
  home = join(dir, 'home');
  secret = join(dir, 'passphrase');
  writeFileSync(secret, 'correct horse battery\n', { mode: 0o600 });
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const at = (name: string) => join(dir, name);
/** No gateway answers. */
const nobody = {
  status: (): never => {
    throw new CountersignError('CONTROL_UNREACHABLE', 'there is none');
  },
};
const run = (...args: string[]) => runCommand(args, { home, answers: nobody });
/** Without a keyring, so that the tester's own is never asked. */
const enrol = (...args: string[]) => run('device', 'enrol', '--no-keyring', '--passphrase-file', secret, ...args);

async function organisation(): Promise<string> {
  const made = await run('trust', 'init', 'acme', '--trust', at('trust'), '--passphrase-file', secret);
  return made.out.trim();
}

async function enrolledByRoot(request: string) {
  const key = readdirSync(at('trust')).find((name) => /^root-.*\.key$/.test(name))!;
  const trust = ['--key', join(at('trust'), key), '--trust', at('trust'), '--passphrase-file', secret];
  return run('trust', 'enrol', request, ...trust, '--to', at('enrolments'), '--yes');
}

const logged = async () =>
  (await run('device', 'log', '--json')).out.split('\n').map((line) => JSON.parse(line) as { type: string });

describe('countersign device', () => {
  it('joins an organisation: asks, is answered, and says so in its log', async () => {
    const root = await organisation();
    const asked = await enrol('--root', root, '--request', at('laptop.request'));
    expect(asked).toMatchObject({ code: 0, out: at('laptop.request') });
    expect(asked.notes).toContain('encrypted with a passphrase, since there is no keyring that answers');
    const printed = await enrol('--root', root, '--request', '-');
    expect(printed.out).toMatch(/^countersign\/enrolment-request\/acme\n\{.*\}\n\n— countersign\/device\/\S+ \S+$/);
    expect((await run('device', 'status')).out).toMatch(/has asked acme, and has no answer yet/);
    expect((await enrolledByRoot(at('laptop.request'))).out).toMatch(/^1 enrolled/);
    const joined = await enrol('--trust', at('trust'), '--accept', at('enrolments'));
    expect([joined.code, joined.notes]).toEqual([0, expect.stringContaining('This device belongs to acme.')]);
    const { out } = await run('device', 'status');
    expect(out).toMatch(/belongs to acme/);
    expect(out).toMatch(/in a file, encrypted with a passphrase, since \S+, after 1 before it/);
    expect((await logged()).map(({ type }) => type)).toEqual(['device', 'key', 'trust', 'identity', 'enrolled']);
    expect((await run('device', 'log', '--last', '1')).out).toMatch(/^ {5}4 {2}\S+ {2}the device belongs to acme$/);
    const rotated = await run('device', 'rotate-key', '--no-keyring', '--passphrase-file', secret);
    expect(rotated.notes).toContain('The enrolment goes over to it');
    expect((await run('device', 'status')).out).toContain(rotated.out);
  });

  it('prints the nonce that binds its key, the same until it has joined', async () => {
    const root = await organisation();
    const first = await enrol('--root', root, '--nonce');
    expect(first.out).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect((await enrol('--nonce')).out).toBe(first.out);
    writeFileSync(at('token'), 'no.token.atall');
    const bound = await enrol('--trust', at('trust'), '--id-token', at('token'));
    expect([bound.code, bound.notes]).toEqual([1, expect.stringContaining('the enrolment is not taken up')]);
  });

  it('says what is missing, and takes no passphrase from a file that others can read', async () => {
    expect((await run('device', 'status')).notes).toContain('the first start of the gateway makes it');
    expect((await enrol()).notes).toContain('first say whose device this is to be');
    expect((await enrol('--root', 'nobody+00000000+AAAA')).notes).toContain('the root is not a key of the form');
    const root = await organisation();
    expect((await enrol('--trust', at('trust'))).notes).toContain('first name the organisation');
    chmodSync(secret, 0o644);
    expect((await enrol('--root', root)).notes).toContain('can be read by others');
    const alone = await runCommand(['device', 'enrol', '--no-keyring', '--root', root], {
      home,
      typed: ['short'],
      answers: nobody,
    });
    expect(alone.notes).toContain('at least 12 characters');
  });

  it('has its passphrase at a start from a file, a systemd credential or a terminal, and else not at all', async () => {
    const cli = (typed: string | null, env = {}) =>
      ({
        env,
        signal: new AbortController().signal,
        prompt: {
          secret: async () => {
            if (typed === null) throw new CountersignError('NO_TERMINAL', 'here is none');
            return typed;
          },
        },
      }) as unknown as Cli;
    const credentials = { CREDENTIALS_DIRECTORY: at('credentials') };
    expect(await passphraseAtStart(cli('typed'), secret)()).toBe('correct horse battery');
    expect(await passphraseAtStart(cli('typed', credentials), undefined)()).toBe('typed');
    mkdirSync(at('credentials'));
    writeFileSync(join(at('credentials'), 'device-passphrase'), 'from systemd', { mode: 0o400 });
    expect(await passphraseAtStart(cli('typed', credentials), undefined)()).toBe('from systemd');
    expect(await passphraseAtStart(cli('typed', credentials), secret)()).toBe('correct horse battery');
    expect(await passphraseAtStart(cli(null), undefined)()).toBeNull();
    chmodSync(secret, 0o640);
    await expect(passphraseAtStart(cli('typed'), secret)()).rejects.toThrow('can be read by others');
  });

  it('keeps away from a home whose gateway runs, but shows its log', async () => {
    const root = await organisation();
    await enrol('--root', root, '--request', at('laptop.request'));
    const unlock = lockHome(home);
    const refused = await enrol('--root', root);
    expect([refused.code, refused.notes]).toEqual([1, expect.stringContaining('a gateway already runs')]);
    expect((await run('device', 'log')).out).toContain('this log begins');
    unlock();
  });

  it('shows nothing of a log’s words that acts on the terminal', async () => {
    await enrol('--root', await organisation(), '--request', at('laptop.request'));
    const entry = { v: 1, n: 2, t: '2026-01-01T00:00:00.000Z', type: 'stopped', reason: '\u001b[2Jgone\u202e' };
    writeFileSync(join(home, 'device', 'log', 'entries'), frameOf(Buffer.from(JSON.stringify(entry))), { flag: 'a' });
    for (const args of [
      ['device', 'log'],
      ['device', 'log', '--json'],
    ]) {
      const { out } = await run(...args);
      expect(out).toContain('gone');
      for (const hidden of ['\u001b', '\u202e']) expect(out).not.toContain(hidden);
    }
  });

  it('keeps whom it asks to cosign', async () => {
    await enrol('--root', await organisation(), '--request', at('laptop.request'));
    const witness = formatVkey(testSigner('witness.example/w1', 'w1', COSIGNATURE).vkey);
    const add = (...args: string[]) => run('device', 'witness', 'add', ...args, '--passphrase-file', secret);
    expect((await add(witness, '--url', 'https://witness.example/w1')).code).toBe(0);
    expect((await run('device', 'status')).out).toContain('witness.example/w1 at https://witness.example/w1');
    expect((await add(witness, '--url', 'ftp://x')).notes).toContain('a witness has an http(s) address');
    const log = formatVkey(testSigner('countersign/device/01JAAAAAAAAAAAAAAAAAAAAAAA').vkey);
    expect((await add(log, '--url', 'https://x')).notes).toContain('this is no witness’ key');
    const removed = await run('device', 'witness', 'remove', 'witness.example/w1', '--passphrase-file', secret);
    expect(removed.code).toBe(0);
    expect((await run('device', 'status')).out).not.toContain('Witness');
    expect(readFileSync(join(home, 'device', 'device.json'), 'utf8')).not.toContain('PRIVATE');
  });
});
