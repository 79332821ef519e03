import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SyncStatus } from '../contract/sync.ts';
import { TargetConfig } from '../sync/targets/config.ts';
import { parseBytes } from './sync-text.ts';
import { runCommand } from './test-cli.ts';

const STATUS: SyncStatus = {
  state: 'sending',
  target: 'sftp countersign@store.example:22 .',
  organisation: 'acme',
  encryption: { on: true, recipients: 2 },
  queue: { objects: 3, bytes: 2_500_000, sessions: 2 },
  oldestWaiting: '2026-06-01T00:00:00.000Z',
  behindSeconds: 12,
  rate: 40_000,
  confirmed: { objects: 17, bytes: 9_000_000, at: '2026-06-01T00:00:00.000Z' },
  lastError: null,
  localSessions: 0,
  keeping: { prompts: 'all', thoughts: 'omit', answers: 'all', files: 'local' },
  disk: { bytes: 12_000_000, budget: null },
  capabilities: null,
  findings: [],
};
const PIN = '482917';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-sync-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const setup = async (args: readonly string[], typed: readonly string[]) => {
  const run = await runCommand(['sync', 'setup', ...args], { answers: { setUpSync: () => STATUS }, typed });
  return { ...run, setup: (run.calls[0]?.input as { setup?: { target: unknown } } | undefined)?.setup };
};

describe('sync status', () => {
  it('says what waits, where it goes and how fast', async () => {
    const { out, code } = await runCommand(['sync', 'status'], { answers: { syncStatus: () => STATUS } });
    expect(out.split('\n')).toEqual([
      'Sending.',
      'store       sftp countersign@store.example:22 .',
      'encrypted   to 2 recipients of the trust note',
      'waiting     2.5 MB of 2 sessions, 3 objects prepared, 40 kB/s',
      'oldest      12 seconds (since 2026-06-01T00:00:00.000Z)',
      'confirmed   17 objects, 9.0 MB, last 2026-06-01T00:00:00.000Z',
      'thoughts    not recorded',
      'files       recorded, and stay here',
      'this disk   12 MB',
    ]);
    expect(code).toBe(0);
  });

  it('fails where a person has to act, and shows nothing of a server’s that a terminal would obey', async () => {
    const lastError = { at: '2026-06-01T00:00:00.000Z', sentence: 'refused \u001b[2Jby the server' };
    const findings = [{ at: null, sentence: 'forged \u202e' }];
    const { out, code } = await runCommand(['sync', 'status'], {
      answers: { syncStatus: () => ({ ...STATUS, state: 'blocked', lastError, findings }) },
    });
    expect(code).toBe(1);
    expect(out).toContain('Nothing is sent until a person acts.');
    for (const hidden of ['\u001b', '\u202e']) expect(out).not.toContain(hidden);
  });

  it('is JSON for programs', async () => {
    const { out } = await runCommand(['sync', 'status', '--json'], { answers: { syncStatus: () => STATUS } });
    expect(JSON.parse(out)).toEqual(STATUS);
  });
});

it('pausing takes the PIN, going on does not', async () => {
  const answers = { pauseSync: () => STATUS, resumeSync: () => STATUS };
  expect((await runCommand(['sync', 'pause'], { answers, typed: [PIN] })).calls).toEqual([
    { name: 'pauseSync', input: { pin: PIN } },
  ]);
  expect((await runCommand(['sync', 'resume'], { answers })).calls).toEqual([{ name: 'resumeSync', input: {} }]);
});

describe('sync setup', () => {
  it('of a folder', async () => {
    const { setup: sent, calls } = await setup(['--folder', folder, '--bandwidth', '500k', '--budget', '20G'], [PIN]);
    expect(sent).toEqual({
      sameStore: false,
      secrets: {},
      target: { kind: 'folder', path: folder },
      bandwidth: 512_000,
      retention: { budget: { bytes: 20 * 1024 ** 3, whenFull: 'warn' } },
    });
    expect(calls[0]?.input).toMatchObject({ pin: PIN });
  });

  it('of an SFTP server: what is secret is typed, and goes to the vault', async () => {
    const place = ['--sftp', 'countersign@store.example:2222/in/laptops', '--host-key', 'SHA256:abc'];
    const { setup: sent, asked } = await setup([...place, '--key-file', '/keys/id'], ['correct horse', PIN]);
    expect(sent).toMatchObject({
      target: {
        kind: 'sftp',
        user: 'countersign',
        host: 'store.example',
        port: 2222,
        path: 'in/laptops',
        hostKeys: ['SHA256:abc'],
        auth: { method: 'key-file', file: '/keys/id', passphrase: 'store/passphrase' },
      },
      secrets: { 'store/passphrase': 'correct horse' },
    });
    expect(() => TargetConfig.parse(sent?.target)).not.toThrow();
    expect(asked.every(({ shown }) => !shown)).toBe(true);
    expect((await setup(place, [PIN])).setup).toMatchObject({ target: { auth: { method: 'agent' } }, secrets: {} });
  });

  it('of an S3 store, and of anything in a file', async () => {
    const s3 = ['--s3', 'https://objects.example', '--bucket', 'evidence', '--access-key-id', 'AK'];
    const { setup: sent } = await setup(s3, ['SK', PIN]);
    expect(() => TargetConfig.parse(sent?.target)).not.toThrow();
    expect(sent).toMatchObject({
      target: { kind: 's3', bucket: 'evidence', secretAccessKey: 'store/secret-access-key' },
      secrets: { 'store/secret-access-key': 'SK' },
    });
    const file = join(folder, 'store.json');
    writeFileSync(file, JSON.stringify({ kind: 's3', secretAccessKey: 'store/key' }));
    expect((await setup(['--file', file], ['SK', PIN])).setup).toMatchObject({ secrets: { 'store/key': 'SK' } });
  });

  it('to nothing', async () => {
    expect((await setup(['--off'], [PIN])).setup).toMatchObject({ target: null });
  });

  it.each([
    ['nothing', []],
    ['two stores', ['--folder', '/a', '--off']],
    ['an SFTP server whose host key nobody named', ['--sftp', 'a@b']],
    ['a place that is none', ['--sftp', 'nowhere', '--host-key', 'SHA256:x']],
    ['no size', ['--folder', '/a', '--bandwidth', 'fast']],
    ['an S3 store without a bucket', ['--s3', 'https://objects.example']],
  ])('refuses %s, before it asks for the PIN', async (_, args) => {
    const { code, calls, asked } = await setup(args, []);
    expect(code).not.toBe(0);
    expect([calls, asked]).toEqual([[], []]);
  });
});

it('sessions hold and unhold name a reason, and lifting takes the PIN', async () => {
  const answers = { setHold: () => ({ items: [] }), liftHold: () => ({ items: [] }) };
  const why = ['--why', 'a lawsuit'];
  expect((await runCommand(['sessions', 'hold', 'connection:shop', ...why], { answers })).calls).toEqual([
    { name: 'setHold', input: { what: 'connection:shop', why: 'a lawsuit' } },
  ]);
  expect((await runCommand(['sessions', 'unhold', 'all', ...why], { answers, typed: [PIN] })).calls).toEqual([
    { name: 'liftHold', input: { what: 'all', why: 'a lawsuit', pin: PIN } },
  ]);
  expect((await runCommand(['sessions', 'hold', 'all'], { answers })).code).not.toBe(0);
});

it.each([
  ['20G', 20 * 1024 ** 3],
  ['500k', 512_000],
  ['1 MiB', 1024 ** 2],
  ['7', 7],
  ['G', null],
  ['-1', null],
  ['1.5G', null],
])('the size %s', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

describe('what is kept of conversations', () => {
  it('is said by kind', async () => {
    const { setup: given } = await setup(['--keep', 'prompts=local', 'thoughts=omit'], [PIN]);
    expect(given).toMatchObject({ keeping: { prompts: 'local', thoughts: 'omit' } });
  });

  it.each(['prompts', 'prompts=some', 'secrets=omit'])('is refused where it is not understood: %s', async (text) => {
    const { notes, calls } = await setup(['--keep', text], [PIN]);
    expect(notes).toContain('prompts|thoughts|answers|files=all|local|omit');
    expect(calls).toEqual([]);
  });
});
