import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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
  // Somebody reads: it can be opened, and is no file all the same.
  const reader = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK);
  try {
    await expect(deliver(pipe)).rejects.toThrow('no file');
    expect(() => readSync(reader, Buffer.alloc(16))).toThrow('EAGAIN');
  } finally {
    closeSync(reader);
  }
});
