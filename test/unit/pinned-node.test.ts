import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
  scripts: Record<string, string>;
};

it('runs on the Node that package.json pins', () => {
  expect(manifest.dependencies.node).toMatch(/^24\./);
  expect(process.versions.node.split('.')[0]).toBe('24');
});

it('starts everything of ours through the guard', () => {
  for (const name of ['start', 'demo', 'countersign', 'check', 'test', 'bench']) {
    expect(manifest.scripts[name], name).toMatch(/^node build\/guard-node\.mjs /);
  }
});

/** The guard as another Node sees it: its version check reads process.versions, which a preload can change. */
describe('the guard on a wrong Node', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'guard-'));
    mkdirSync(join(folder, 'build'));
    cpSync(join(root, 'build', 'guard-node.mjs'), join(folder, 'build', 'guard-node.mjs'));
    writeFileSync(join(folder, 'hello.mjs'), "console.log('hello', process.argv.slice(2).join(' '));");
    writeFileSync(
      join(folder, 'pretend.cjs'),
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });",
    );
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const guard = () =>
    spawnSync(
      process.execPath,
      ['--require', join(folder, 'pretend.cjs'), join(folder, 'build', 'guard-node.mjs'), 'hello.mjs', 'a', 'b'],
      { encoding: 'utf8' },
    );

  it('is one sentence when the pinned one is not installed', () => {
    const run = guard();
    expect(run.status).toBe(1);
    expect(run.stdout).toBe('');
    expect(run.stderr).toBe(
      'countersign: needs Node 24 and this is Node 20.1.0; run "npm ci" (without --ignore-scripts), which brings it\n',
    );
  });

  it('hands over to the pinned one with the arguments as they are', () => {
    mkdirSync(join(folder, 'node_modules', 'node', 'bin'), { recursive: true });
    const pinned = join(folder, 'node_modules', 'node', 'bin', 'node');
    writeFileSync(pinned, `#!/bin/sh\nexec "${process.execPath}" "$@"\n`);
    chmodSync(pinned, 0o755);
    const run = guard();
    expect(run.stderr).toBe('');
    expect(run.stdout).toBe('hello a b\n');
    expect(run.status).toBe(0);
  });

  it('passes on the exit code', () => {
    mkdirSync(join(folder, 'node_modules', 'node', 'bin'), { recursive: true });
    const pinned = join(folder, 'node_modules', 'node', 'bin', 'node');
    writeFileSync(pinned, '#!/bin/sh\nexit 7\n');
    chmodSync(pinned, 0o755);
    expect(guard().status).toBe(7);
  });
});
