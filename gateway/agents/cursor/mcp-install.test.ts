import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { McpConfigSurroundings } from './mcp-config.ts';
import { mcpFile, planMcp, unwrapMcp, writeMcp } from './mcp-install.ts';
import { type OwnShim, throughProxy } from './mcp-proxy.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cs-mcp-'));
  mkdirSync(dirname(mcpFile(home)));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const around = (taken: string[] = []): McpConfigSurroundings => ({
  shim: { command: '/n/node', args: ['/p/countersign.mjs'], after: ['--home', '/g'] },
  env: { TOKEN: 't0ken' },
  userHome: home,
  workspaceFolder: null,
  taken: new Set(taken),
  agent: 'cursor',
});

const own: OwnShim = {
  node: '/n/node',
  program: '/p/countersign.mjs',
  home: '/g',
  usualHome: false,
  isRegistered: (name) => name === 'db' || name === 'web',
};

test('servers go through the shim and come back; values of secrets stay in the vault', () => {
  // Cursor's own way to name a variable.
  const named = '$'.concat('{env:TOKEN}');
  const before = {
    mcpServers: {
      db: { command: 'db-mcp', args: ['x'], env: { KEY: 'hunter2', OTHER: named } },
      web: { url: 'https://a.example/mcp' },
    },
  };
  const file = mcpFile(home);
  writeFileSync(file, JSON.stringify(before));
  const plan = planMcp(file, around())!;
  expect(plan.changes.map(({ server, secrets }) => [server.name, secrets])).toEqual([
    ['db', { KEY: 'hunter2', OTHER: 't0ken' }],
    ['web', {}],
  ]);
  writeMcp(file, plan);
  const wrapped = readFileSync(file, 'utf8');
  expect(JSON.parse(wrapped).mcpServers.db.args).toEqual([
    '/p/countersign.mjs',
    'mcp',
    'db',
    '--agent',
    'cursor',
    '--home',
    '/g',
  ]);
  expect(throughProxy(null, [wrapped], own)).toBe(true);
  expect(throughProxy('db', [null, wrapped], own)).toBe(true);
  expect(throughProxy('other', [wrapped], own)).toBe(false);
  expect(wrapped + readFileSync(`${file}.countersign`, 'utf8')).not.toMatch(/hunter2|t0ken/);
  // Nothing is left to do the second time.
  expect(planMcp(file, around(['db', 'web']))?.changes).toEqual([]);
  expect(unwrapMcp(file)).toEqual({
    restored: [
      { entry: 'db', emptied: ['KEY'] },
      { entry: 'web', emptied: [] },
    ],
    left: [],
  });
  before.mcpServers.db.env.KEY = '';
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(before);
  expect(existsSync(`${file}.countersign`)).toBe(false);
  expect(unwrapMcp(file)).toBeNull();
});
