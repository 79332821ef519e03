import { type ChildProcess, spawn } from 'node:child_process';
import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSession } from './reader.ts';
import { recoverRecordings } from './recovery.ts';
import { allExchanges, allFolders, sessionId, temporaryFolder, text } from './test-support.ts';
import { verifySession } from './verify.ts';

const root = temporaryFolder('crash');
afterAll(() => fs.rmSync(root, { recursive: true, force: true }));

async function killedAfter(dir: string, ms: number, round: number, journalBytes = 1): Promise<void> {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'test-crash-worker.ts'), dir, String(round), String(journalBytes)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, ms));
  child.kill('SIGKILL');
  await ended;
}

/** Requests that returned and are not in the recording as they were; empty when none was lost. */
async function lost(dir: string, id: string): Promise<{ returned: number; missing: number[] }> {
  const folder = (await allFolders(dir)).find((path) => path.endsWith(id))!;
  const counter = fs.readFileSync(join(dir, `returned-${id}`));
  const returned = counter.length === 0 ? 0 : counter.readDoubleLE(0);
  const requests = new Map((await allExchanges(folder)).map((exchange) => [exchange.exchange, text(exchange.up)]));
  const missing: number[] = [];
  for (let exchange = 0; exchange < returned; exchange += 1) {
    if (requests.get(exchange) !== `request ${exchange} ${'x'.repeat(exchange % 200)};`) missing.push(exchange);
  }
  return { returned, missing };
}

const failures = async (folder: string) =>
  (await verifySession(folder)).checks.filter((check) => check.status === 'failed').map((check) => check.sentence);

const FULL = process.env.COUNTERSIGN_FULL === '1';
const KILLS = FULL ? 100 : 10;
const TAILS = FULL ? 40 : 4;

describe('recovery after kill -9', () => {
  it(`has every request that returned, at ${KILLS} random moments`, async () => {
    const dir = join(root, 'killed');
    fs.mkdirSync(dir);
    let proven = 0;
    for (let round = 0; round < KILLS; round += 1) {
      await killedAfter(dir, Math.random() * 250, round);
      await recoverRecordings(dir);
      for (let i = 0; i < 3; i += 1) {
        const id = sessionId(round * 10 + i);
        const { returned, missing } = await lost(dir, id);
        expect(missing).toEqual([]);
        proven += returned;
      }
    }
    for (const folder of await allFolders(dir)) {
      expect((await readSession(folder)).state).toBe('incomplete');
      expect(await failures(folder)).toEqual([]);
    }
    expect(proven).toBeGreaterThan(1000);
    expect(fs.readdirSync(join(dir, 'journal'))).toEqual([]);
    expect((await recoverRecordings(dir)).sessions).toEqual([]);
  }, 180_000);

  it('loses nothing when it is killed itself, and run again', async () => {
    const dir = join(root, 'twice');
    fs.mkdirSync(dir);
    await killedAfter(dir, 300, 0);
    const again = `import { recoverRecordings } from ${JSON.stringify(join(import.meta.dirname, 'recovery.ts'))}; console.log('go'); await recoverRecordings(${JSON.stringify(dir)});`;
    for (let i = 0; i < 6; i += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', again], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const ended = new Promise((resolve) => child.once('exit', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 60));
      child.kill('SIGKILL');
      await ended;
    }
    await recoverRecordings(dir);
    for (let i = 0; i < 3; i += 1) expect((await lost(dir, sessionId(i))).missing).toEqual([]);
    for (const folder of await allFolders(dir)) {
      expect((await readSession(folder)).state).toBe('incomplete');
      expect(await failures(folder)).toEqual([]);
    }
  }, 60_000);

  it('replaces key files of a recovery that was killed before its events were there', async () => {
    const dir = join(root, 'keys');
    fs.mkdirSync(dir);
    await killedAfter(dir, 300, 0);
    const tried = join(root, 'keys-tried');
    fs.cpSync(dir, tried, { recursive: true });
    await recoverRecordings(tried);
    for (const folder of await allFolders(tried)) {
      const there = join(dir, folder.slice(tried.length));
      fs.mkdirSync(there, { recursive: true });
      const names = fs.readdirSync(folder).filter((name) => name.startsWith('recovery-key-'));
      expect(names).toHaveLength(1);
      fs.copyFileSync(join(folder, names[0]!), join(there, names[0]!));
      if (!fs.existsSync(join(there, 'session-key.pem'))) {
        fs.copyFileSync(join(folder, 'session-key.pem'), join(there, 'session-key.pem'));
      }
    }
    await recoverRecordings(dir);
    for (const folder of await allFolders(dir)) expect(await failures(folder)).toEqual([]);
  }, 60_000);

  it('survives tails of any file that are cut, zeroed, garbage or lack a sector', async () => {
    const base = join(root, 'base');
    fs.mkdirSync(base);
    // Long enough for sealed files, with a journal that still has all of it.
    await killedAfter(base, 1500, 0, 32 * 1024 * 1024);
    expect(fs.readdirSync(join(base, 'journal'))).toContain('000000000001.wal');
    for (let round = 0; round < TAILS; round += 1) {
      const dir = join(root, `tail-${round}`);
      fs.cpSync(base, dir, { recursive: true });
      const files = fs
        .readdirSync(dir, { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(wal|zst|bin|notes)$/.test(name));
      const path = join(dir, files[Math.floor(Math.random() * files.length)]!);
      const bytes = fs.readFileSync(path);
      const from = Math.floor(bytes.length * Math.random());
      if (round % 4 === 0) fs.truncateSync(path, from);
      else {
        const to = round % 4 === 3 ? Math.min(bytes.length, from + 512) : bytes.length;
        if (round % 4 === 2) crypto.randomFillSync(bytes, from, to - from);
        else bytes.fill(0, from, to);
        fs.writeFileSync(path, bytes);
      }
      const report = await recoverRecordings(dir);
      expect(report.unreadable).toEqual([]);
      const journalHit = path.endsWith('.wal');
      for (const folder of await allFolders(dir)) {
        expect((await readSession(folder)).state).toBe('incomplete');
        const id = folder.slice(-26);
        // Session files hurt while the journal has everything: nothing is lost.
        if (!journalHit) expect((await lost(dir, id)).missing).toEqual([]);
      }
      expect((await recoverRecordings(dir)).sessions).toEqual([]);
      fs.rmSync(dir, { recursive: true });
    }
  }, 120_000);
});
