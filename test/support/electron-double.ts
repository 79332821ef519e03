import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** "dL7pKGdnNz…": what @electron/fuses looks for in Electron's executable; then version, count and one byte a fuse. */
const FUSE_SENTINEL = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
const FUSES_AS_SHIPPED = '101100011';

/** Fuses of an executable as they are set: `1` on, `0` off, `r` removed. */
export function fusesOf(executable: Buffer): string {
  const at = executable.indexOf(FUSE_SENTINEL) + FUSE_SENTINEL.length;
  return executable.toString('latin1', at + 2, at + 2 + executable[at + 1]!);
}

/** A double of Electron's folder for Linux: laid out as the real one, and runs nothing. */
export function writeElectronDouble(folder: string, version: string): void {
  mkdirSync(join(folder, 'resources'), { recursive: true });
  mkdirSync(join(folder, 'locales'));
  const fuses = Buffer.concat([
    Buffer.from('#!/bin/sh\nexit 0\n'),
    Buffer.from(FUSE_SENTINEL),
    Buffer.from([1, FUSES_AS_SHIPPED.length]),
    Buffer.from(`${FUSES_AS_SHIPPED}\n`),
  ]);
  writeFileSync(join(folder, 'electron'), fuses, { mode: 0o755 });
  writeFileSync(join(folder, 'version'), version);
  for (const name of ['LICENSE', 'LICENSES.chromium.html', 'locales/en-US.pak']) writeFileSync(join(folder, name), 'x');
  writeFileSync(join(folder, 'resources', 'default_app.asar'), emptyAsar());
}

/** An archive without files: a pickle of the header's size, then one of the header. */
function emptyAsar(): Buffer {
  const json = Buffer.from('{"files":{}}');
  const bytes = Buffer.alloc(16 + json.length);
  for (const [i, word] of [4, json.length + 8, json.length + 4, json.length].entries())
    bytes.writeUInt32LE(word, 4 * i);
  json.copy(bytes, 16);
  return bytes;
}
