import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bundle.ts';

/** Where the packages of a target lie (a folder with node_modules and the lock), and its Node executable. */
export interface Stage {
  modules: string;
  node: string;
}

/**
 * The checkout itself for the machine that builds. For another one npm installs the same lock into
 * `folder` with that platform's optional packages, and the npm package of its Node; no script of any
 * package runs.
 */
export async function stageFor(
  platform: NodeJS.Platform,
  arch: string,
  folder: string,
  fail: (sentence: string) => never,
): Promise<Stage> {
  if (platform === process.platform && arch === process.arch) return { modules: ROOT, node: process.execPath };
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(ROOT, name), join(folder, name));
  writeFileSync(join(folder, '.npmrc'), 'fund=false\naudit=false\n');
  const target = [`--os=${platform}`, `--cpu=${arch}`];
  npm(['ci', '--omit=dev', '--ignore-scripts', ...target], folder, fail);
  const version = process.versions.node;
  const name = `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
  const nodeFolder = join(folder, 'node');
  mkdirSync(nodeFolder, { recursive: true });
  writeFileSync(join(nodeFolder, 'package.json'), '{}\n');
  npm(['install', '--no-save', '--ignore-scripts', '--force', ...target, `${name}@${version}`], nodeFolder, fail);
  const node = join(nodeFolder, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  return existsSync(node) ? { modules: folder, node } : fail(`${name} has no Node executable`);
}

function npm(args: readonly string[], cwd: string, fail: (sentence: string) => never): void {
  const { status, stderr } = spawnSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) fail(`npm ${args[0]} for the target failed:\n${stderr.trim().split('\n').slice(-15).join('\n')}`);
}
