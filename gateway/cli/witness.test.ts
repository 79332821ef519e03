import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FolderLog, openDeviceLog } from '../evidence/device/device-log.ts';
import { parseCheckpoint } from '../evidence/format/checkpoint.ts';
import { cosignedAt } from '../evidence/format/signed-note.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { formatVkey, parseVkey } from '../evidence/format/vkey.ts';
import { createWitnessClient } from '../evidence/witness/client.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { runCommand } from './test-cli.ts';

const DEVICE = '01JAAAAAAAAAAAAAAAAAAAAAAA';
const KEY = testSigner(`countersign/device/${DEVICE}`);

let dir: string;
let secret: string;
let logs: FolderLog[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'witness-cli-'));
  secret = join(dir, 'passphrase');
  logs = [];
  writeFileSync(secret, 'correct horse battery\n', { mode: 0o600 });
});
afterEach(async () => {
  for (const log of logs) await log.close();
  rmSync(dir, { recursive: true, force: true });
});

const at = (name: string) => join(dir, name);
const witness = (command: string, ...args: string[]) =>
  runCommand(['witness', command, ...args, '--folder', at('witness'), '--passphrase-file', secret]);

async function openLog(name: string): Promise<FolderLog> {
  const log = await openDeviceLog({
    folder: at(name),
    device: DEVICE,
    signer: async () => KEY,
    keys: [KEY.vkey],
    begun: false,
    clock: { now: () => 0 },
    gatherMs: 0,
  });
  logs.push(log);
  return log;
}

const grow = async (log: FolderLog, to: number) => {
  const entries = Array.from({ length: to - log.size }, (_, n) => log.append({ type: 'policy', hash: `${n}`, by: '' }));
  await Promise.all(entries);
};

/** What sync has put into the store so far. */
async function stored(log: FolderLog, store: string): Promise<string> {
  for (const name of log.tiles(0, log.size)) {
    mkdirSync(dirname(join(store, name)), { recursive: true });
    writeFileSync(join(store, name), await log.readTile(name));
  }
  const file = join(store, `checkpoint.${log.size}`);
  writeFileSync(file, log.checkpoint!.note);
  return file;
}

describe('countersign witness', () => {
  it('cosigns checkpoints in a copy of the store, and none of another history', async () => {
    const { out: vkey } = await witness('init', 'witness.example/w1');
    const log = await openLog('log');
    await grow(log, 3);
    const first = await stored(log, at('store'));
    expect((await witness('cosign', first)).notes).toContain(`the log ${KEY.vkey.name} is not known here`);
    expect((await witness('add', formatVkey(KEY.vkey))).out).toBe(KEY.vkey.name);
    expect((await witness('cosign', first)).code).toBe(0);
    cpSync(at('log'), at('copy'), { recursive: true });
    await grow(log, 600);
    const second = await stored(log, at('store'));
    const done = await witness('cosign', second);
    expect(done.out).toMatch(/checkpoint\.600\.[0-9a-f]{8}$/);
    expect(cosignedAt(p, parseCheckpoint(readFileSync(done.out)).note, parseVkey(p.sha256, vkey))).toBeTypeOf('number');
    // The whole folder put back to an earlier copy, and another history grown on it.
    expect((await witness('cosign', first)).notes).toMatch(
      /600 entries .* seen here before, and this checkpoint is of 3: the log was put back/,
    );
    const back = await openLog('copy');
    await back.append({ type: 'stopped', reason: 'another' });
    await grow(back, 700);
    expect((await witness('cosign', await stored(back, at('other')))).notes).toContain(
      'another history than the 600 entries',
    );
    rmSync(join(at('store'), 'tile'), { recursive: true });
    await grow(log, 601);
    writeFileSync(join(at('store'), 'checkpoint.601'), log.checkpoint!.note);
    expect((await witness('cosign', join(at('store'), 'checkpoint.601'))).notes).toContain("copy the log's tiles");
  });

  it('is made once, and does not serve without its memory', async () => {
    expect((await witness('init', 'countersign/org/acme')).notes).toContain('is called as its address');
    await witness('init', 'witness.example/w1');
    expect((await witness('init', 'witness.example/w2')).notes).toContain('holds a witness already');
    expect(readFileSync(join(at('witness'), 'witness.key'), 'utf8')).toContain('ENCRYPTED');
    expect((await witness('serve', '--listen', 'nowhere')).notes).toContain('--listen is an address and a port');
    for (const name of readdirSync(at('witness'))) if (name.startsWith('witness.db')) rmSync(join(at('witness'), name));
    expect((await witness('serve', '--listen', '127.0.0.1:0')).notes).toContain('lost its memory');
  });

  it('serves over TLS, as a process of its own', async () => {
    const { out: vkey } = await runCommand([
      ...['witness', 'init', 'localhost/w1', '--no-passphrase', '--folder', at('witness')],
    ]);
    const [cert, key] = [at('cert.pem'), at('key.pem')];
    const openssl = spawn('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert],
    ]);
    expect(await once(openssl, 'exit')).toEqual([0, null]);
    expect(existsSync(cert)).toBe(true);
    await witness('add', formatVkey(KEY.vkey));
    const program = join(import.meta.dirname, '..', 'index.ts');
    const args = [
      'witness',
      'serve',
      '--folder',
      at('witness'),
      '--listen',
      '127.0.0.1:0',
      '--tls-cert',
      cert,
      '--tls-key',
      key,
    ];
    const server = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(server.stdout!, 'data')) as [Buffer];
      const port = /:(\d+) \(https\)/.exec(line.toString())![1]!;
      const log = await openLog('log');
      await grow(log, 2);
      const problems: string[] = [];
      const ask = (ca: string | null) =>
        createWitnessClient({
          log,
          identity: { identityObjects: async () => [] },
          witnesses: () => [{ vkey, url: `https://localhost:${port}`, ca }],
          onProblem: (sentence) => problems.push(sentence),
        })(log.checkpoint!);
      expect(await ask(readFileSync(cert, 'utf8'))).toHaveLength(1);
      expect(problems).toEqual([]);
      expect(await ask(null)).toEqual([]);
      expect(problems).toEqual([expect.stringContaining('is not reached (DEPTH_ZERO_SELF_SIGNED_CERT)')]);
    } finally {
      server.kill('SIGINT');
      await once(server, 'exit');
    }
  });
});
