// Runs on any Node: starts the given program under the pinned Node 24, or says in one sentence why not.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const executable = process.platform === 'win32' ? 'node.exe' : 'node';
// A package brings its own; a checkout has the one that npm installed.
const packaged = join(root, 'bin', executable);
const pinned = existsSync(packaged) ? packaged : join(root, 'node_modules', 'node', 'bin', executable);
const [program, ...args] = process.argv.slice(2);
const fail = (sentence) => {
  process.stderr.write(`countersign: ${sentence}\n`);
  process.exit(1);
};

if (Number(process.versions.node.split('.')[0]) === 24) {
  const [{ pathToFileURL }, { enableCompileCache }] = await Promise.all([import('node:url'), import('node:module')]);
  // Beside the sources that it comes from, and for whoever may write those: it is code.
  if (!existsSync(packaged)) enableCompileCache(join(root, 'node_modules', '.cache', 'node'));
  process.argv.splice(1, 2, join(root, program));
  await import(pathToFileURL(join(root, program)).href);
} else if (existsSync(pinned)) {
  const child = spawn(pinned, [fileURLToPath(import.meta.url), program, ...args], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => fail(`the pinned Node 24 does not start (${error.message}); run npm ci again`));
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
} else {
  fail(
    `needs Node 24 and this is Node ${process.versions.node}; run "npm ci" (without --ignore-scripts), which brings it`,
  );
}
