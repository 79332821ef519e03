import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What the console is built from. */
const SOURCES = [
  'renderer/src',
  'renderer/index.html',
  'renderer/vite.config.ts',
  'gateway/contract',
  'gateway/recording/format',
  'package-lock.json',
];

/** The folder of the built console. */
export const CONSOLE_FOLDER = join(root, 'renderer', 'dist');

function newest(path: string): number {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function isFresh(): boolean {
  const index = join(CONSOLE_FOLDER, 'index.html');
  if (!existsSync(index)) return false;
  const built = statSync(index).mtimeMs;
  return SOURCES.every((source) => newest(join(root, source)) <= built);
}

/** vite's program, or null where only the product's own dependencies are installed. */
function vite(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin', 'vite.js');
  } catch {
    return null;
  }
}

/**
 * Builds the console when it is missing or older than its sources.
 *
 * @returns null, or the sentence that says why there is no console; the gateway works without.
 */
export async function ensureConsole(note: (line: string) => void): Promise<string | null> {
  if (isFresh()) return null;
  const program = vite();
  if (program === null) {
    return existsSync(join(CONSOLE_FOLDER, 'index.html'))
      ? null
      : 'the console is not built here, so only the command line works; run "npm ci" (with development packages)';
  }
  note('Building the console, which takes some seconds the first time …');
  const output: string[] = [];
  const code = await new Promise<number | null>((done) => {
    const child = spawn(process.execPath, [program, 'build', '--config', 'renderer/vite.config.ts'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk.toString('utf8')));
    child.on('error', () => done(1));
    child.on('close', done);
  });
  if (code === 0) return null;
  for (const line of output.join('').trimEnd().split('\n').slice(-20)) note(`  ${line}`);
  return 'the console could not be built, so only the command line works; the lines above say why';
}
