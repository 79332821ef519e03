import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fileTransport } from './file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'siem-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const deliver = (path: string) =>
  fileTransport({ id: 'f', kind: 'file', format: 'ocsf', path, maxBytes: 65_536, keep: 1 } as never).deliver(
    [{ severity: 6, at: 0, type: 'test', text: 'an event' } as never],
    new AbortController().signal,
  );

it('writes into no file that somebody who may write there leads it to, and waits for no pipe', async () => {
  const precious = join(folder, 'policy.cedar');
  writeFileSync(precious, 'forbid');
  symlinkSync(precious, join(folder, 'link'));
  await expect(deliver(join(folder, 'link'))).rejects.toThrow();
  expect(readFileSync(precious, 'utf8')).toBe('forbid');
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  await expect(deliver(pipe)).rejects.toThrow();
  const reader = spawn('cat', [pipe]);
  let read = '';
  reader.stdout.on('data', (chunk: Buffer) => {
    read += chunk.toString();
  });
  // Until the reader has it open, there is nobody; then it is no file.
  for (let tries = 0; tries < 50; tries += 1) {
    const why = await deliver(pipe).catch((error: Error) => error.message);
    if (String(why).includes('no file')) break;
    await new Promise((done) => setTimeout(done, 20));
  }
  await expect(deliver(pipe)).rejects.toThrow('no file');
  const gone = once(reader, 'exit');
  reader.kill();
  await gone;
  expect(read).toBe('');
});
