import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { McpServerView } from '../contract/mcp.ts';
import { runCommand } from './test-cli.ts';

let HOME: string;
beforeEach(() => {
  HOME = mkdtempSync(join(tmpdir(), 'cs-cli-cursor-'));
  mkdirSync(join(HOME, '.cursor'));
});
afterEach(() => rmSync(HOME, { recursive: true, force: true }));

const mcp = () => join(HOME, '.cursor', 'mcp.json');
const run = (args: string[], more: Parameters<typeof runCommand>[1] = {}) =>
  runCommand(['cursor', ...args], { env: { HOME }, ...more });

test('install --mcp registers each server with its secrets, by the PIN, and then changes the file', async () => {
  writeFileSync(mcp(), JSON.stringify({ mcpServers: { db: { command: 'db-mcp', env: { KEY: 'hunter2' } }, own: 7 } }));
  const view = (server: object) =>
    McpServerView.parse({ ...server, hasSecrets: true, signedIn: null, openSessions: 0, pinned: 0, changed: [] });
  const { code, calls, out, notes, asked } = await run(['install', '--mcp'], {
    typed: ['739281'],
    answers: { mcpServers: () => ({ items: [] }), putMcpServer: ({ server }) => view(server) },
  });
  expect(code).toBe(0);
  expect(asked).toMatchObject([{ shown: false }]);
  expect(calls).toMatchObject([
    { name: 'mcpServers' },
    { name: 'putMcpServer', input: { name: 'db', secrets: { KEY: 'hunter2' }, pin: '739281' } },
  ]);
  expect(readFileSync(mcp(), 'utf8')).not.toContain('hunter2');
  expect(`${out}${notes}`).not.toContain('hunter2');
  expect(notes).toContain('own is left as it is');
  const back = await run(['uninstall', '--mcp']);
  expect(back.notes).toContain('Fill in again, from where you have them: KEY');
  expect(JSON.parse(readFileSync(mcp(), 'utf8')).mcpServers.db).toEqual({ command: 'db-mcp', env: { KEY: '' } });
});

test('a registration that fails leaves the file as it was', async () => {
  const text = JSON.stringify({ mcpServers: { db: { command: 'db-mcp' } } });
  writeFileSync(mcp(), text);
  const { code } = await run(['install', '--mcp'], {
    typed: ['739281'],
    answers: {
      mcpServers: () => ({ items: [] }),
      putMcpServer: () => {
        throw new Error('no');
      },
    },
  });
  expect(code).toBe(1);
  expect(readFileSync(mcp(), 'utf8')).toBe(text);
});

test('install --no-terminal lets commands run as they are', async () => {
  expect((await run(['install', '--no-terminal'])).code).toBe(0);
  expect(readFileSync(join(HOME, '.cursor', 'hooks.json'), 'utf8')).toContain(
    'hook cursor --timeout 600 --terminal no',
  );
});

test('an agent that is not known is told the names of those that are', async () => {
  const { code, notes } = await runCommand(['agents', 'install', 'emacs'], { env: { HOME } });
  expect([code, notes]).toEqual([2, expect.stringContaining('claude-code')]);
  expect((await runCommand(['agents', 'list'], { env: { HOME } })).out).toContain('windsurf');
  expect((await run(['install', '--mcp', '--managed'])).code).toBe(2);
});
