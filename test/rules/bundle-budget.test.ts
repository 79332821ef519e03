import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { expect, it } from 'vitest';

const CONFIG = fileURLToPath(new URL('../../renderer/vite.config.ts', import.meta.url));

/** Measured: 309; a tenth above it. What a browser fetches before the first page of the console shows, gzipped, in kilobytes of 1,000 bytes. */
const FIRST_LOAD_KB = 340;

/** The entry, what it fetches at once, all that these import statically, and the styles that index.html names. */
function firstLoad({ output }: Rolldown.RolldownOutput): { name: string; bytes: number }[] {
  const chunks = new Map(output.flatMap((one) => (one.type === 'chunk' ? [[one.fileName, one] as const] : [])));
  const html = output.find(({ fileName }) => fileName === 'index.html');
  const page = html?.type === 'asset' ? String(html.source) : '';
  const wanted = new Set<string>();
  const want = (name: string) => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const imported of chunks.get(name)?.imports ?? []) want(imported);
  };
  for (const [name, chunk] of chunks) {
    if (chunk.isEntry) for (const needed of [name, ...chunk.dynamicImports]) want(needed);
  }
  return output
    .filter(({ fileName }) => wanted.has(fileName) || (fileName.endsWith('.css') && page.includes(fileName)))
    .map((one) => ({
      name: one.fileName,
      bytes: gzipSync(one.type === 'chunk' ? one.code : one.source).length,
    }));
}

it('the console’s first load stays within its budget', { timeout: 120_000 }, async () => {
  const built = await build({ configFile: CONFIG, logLevel: 'error', build: { write: false } });
  if (!('output' in built)) throw new Error('the console is one build');
  const files = firstLoad(built);
  expect(files.some(({ name }) => name.endsWith('.js'))).toBe(true);
  expect(files.some(({ name }) => name.endsWith('.css'))).toBe(true);
  const kilobytes = Math.round(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1000);
  expect(kilobytes, files.map(({ name, bytes }) => `${name} ${bytes}`).join(', ')).toBeLessThanOrEqual(FIRST_LOAD_KB);
});
