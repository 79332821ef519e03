import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { allFolders, sessionId, temporaryFolder } from '../recording/test-support.ts';
import { verifySession } from '../recording/verify.ts';
import { openFolderTarget } from './targets/folder.ts';
import { assemble, PREFIX, recordSession } from './test-support.ts';

/** A hundred in the long form (docs/development.md). */
const KILLS = process.env.COUNTERSIGN_FULL === '1' ? 100 : 8;
const program = fileURLToPath(new URL('./test-crash-sync.ts', import.meta.url));

let home: string;
beforeEach(() => {
  home = temporaryFolder('sync-kill');
});
afterEach(() => fs.rmSync(home, { recursive: true }));

/** Runs it until it is done, or kills it `after` milliseconds of work. @returns whether it was done. */
function run(after: number | null): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, home, join(home, 'recordings'), join(home, 'store')], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (out === '' && after !== null) setTimeout(() => child.kill('SIGKILL'), after);
      out += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code !== 0 && code !== null) reject(new Error(`it ended with ${code}: ${errors}`));
      else resolve(out.includes('done'));
    });
  });
}

const filesBelow = (folder: string): string[] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .flatMap((entry) => (entry.isFile() ? [join(entry.parentPath, entry.name)] : []));

it(`killed ${KILLS} times at any moment, everything arrives once, or as an identical repetition`, async () => {
  for (const n of [1, 2, 3, 4, 5, 6]) await recordSession(join(home, 'recordings'), sessionId(n), 1500);
  const store = join(home, 'store');
  fs.mkdirSync(store);
  await openFolderTarget({ kind: 'folder', path: store }).setUp(new AbortController().signal);
  let kills = 0;
  for (let n = 0; n < KILLS; n += 1) if (!(await run(Math.random() * 60))) kills += 1;
  while (!(await run(null)));
  // Most of them have to have hit it at work.
  expect(kills).toBeGreaterThan(KILLS / 2);
  const objects = new Map(
    filesBelow(store)
      .map((file) => [file.slice(store.length + 1), fs.readFileSync(file)] as const)
      .filter(([name]) => name.startsWith(`${PREFIX}/`) && !basename(name).startsWith('.')),
  );
  expect(objects.size).toBeGreaterThan(100);
  for (const folder of await allFolders(join(home, 'recordings'))) {
    const into = join(home, 'copies', basename(folder));
    const inStore = `${PREFIX}/${folder.slice(folder.indexOf('sessions'))}`;
    expect(await assemble(objects, inStore, into)).toMatchObject({ complete: true, conflicts: 0 });
    for (const name of fs.readdirSync(folder))
      expect(fs.readFileSync(join(into, name)).equals(fs.readFileSync(join(folder, name)))).toBe(true);
    expect((await verifySession(into)).ok).toBe(true);
  }
  expect(fs.readdirSync(join(home, 'outbox'))).toEqual([]);
}, 900_000);
