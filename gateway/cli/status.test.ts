import { expect, it } from 'vitest';
import { McpServer, type McpServerView } from '../contract/mcp.ts';
import type { GatewayStatus } from '../contract/status.ts';
import { runCommand } from './test-cli.ts';

const STATUS: GatewayStatus = {
  version: '1',
  protection: 'protected',
  recorder: { ok: true, error: null, bytes: 0 },
  policy: { hash: 'a'.repeat(64), staged: null, error: null },
  pinSet: true,
  waiting: 0,
  openSessions: 0,
  postgres: { host: '127.0.0.1', port: 1 },
  identity: 'Ada',
  device: { id: 'd', org: null, size: 0, checkpointAt: null, problem: null, warning: null },
  notifications: { ok: false, sentence: 'no desktop' },
  halt: null,
  administration: null,
  emergency: null,
  pauses: [],
};
const server = (name: string, changed: string[]): McpServerView => ({
  ...McpServer.parse({ name, transport: { type: 'stdio', command: 'x' } }),
  hasSecrets: false,
  signedIn: null,
  openSessions: 1,
  pinned: 2,
  changed,
});
const run = (items: McpServerView[]) =>
  runCommand(['status'], { answers: { status: () => STATUS, mcpServers: () => ({ items }) } });

it('names the MCP servers, and those whose tools are described otherwise now', async () => {
  const { out, code } = await run([server('docs', []), server('github', ['create_issue\u001b[2J'])]);
  expect(code).toBe(0);
  expect(out).toMatch(/^MCP +docs, github; 2 open sessions$/m);
  expect(out).toMatch(/github describes otherwise now: create_issue.*mcp accept github$/m);
  expect(out).not.toContain('\u001b');
});

it('says nothing of MCP where there is none', async () => {
  expect((await run([])).out).not.toContain('MCP');
});
