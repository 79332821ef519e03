import { type ChildProcess, spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readSession } from './reader.ts';
import { recoverRecordings } from './recovery.ts';
import { allExchanges, allFolders, sessionId, temporaryFolder, text } from './test-support.ts';

const dir = temporaryFolder('crash');
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));

async function killedAfter(ms: number, round: number): Promise<void> {
  const child: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, 'test-crash-child.ts'), dir, String(round)],
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

describe('recovery after kill -9', () => {
  it('has every request that returned, at 20 random moments', async () => {
    let proven = 0;
    for (let round = 0; round < 20; round += 1) {
      await killedAfter(Math.random() * 250, round);
      await recoverRecordings(dir);
      for (let i = 0; i < 3; i += 1) {
        const id = sessionId(round * 10 + i);
        const folder = (await allFolders(dir)).find((path) => path.endsWith(id))!;
        const session = await readSession(folder);
        expect(session.state).toBe('incomplete');
        const counter = fs.readFileSync(join(dir, `returned-${id}`));
        const returned = counter.length === 0 ? 0 : counter.readDoubleLE(0);
        const found = await allExchanges(folder);
        const requests = new Map(found.map((exchange) => [exchange.exchange, text(exchange.up)]));
        for (let exchange = 0; exchange < returned; exchange += 1) {
          expect(requests.get(exchange)).toBe(`request ${exchange} ${'x'.repeat(exchange % 200)};`);
        }
        expect(found.every((exchange) => !exchange.damaged)).toBe(true);
        proven += returned;
      }
    }
    expect(proven).toBeGreaterThan(1000);
    expect(fs.readdirSync(join(dir, 'journal'))).toEqual([]);
  }, 120_000);
});
