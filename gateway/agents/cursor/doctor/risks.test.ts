import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OwnShim } from '../mcp-proxy.ts';
import { lookForRisks } from './risks.ts';

const own: OwnShim = {
  node: '/opt/countersign/node',
  program: '/opt/countersign/gateway/bin/countersign.mjs',
  home: '/home/ada/.local/share/countersign',
  usualHome: true,
  isRegistered: (name) => name === 'github',
};
const shim = { type: 'stdio', command: own.node, args: [own.program, 'mcp', 'github', '--agent', 'cursor'] };

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'cs-risks-'));
  mkdirSync(join(home, '.cursor'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function serversAround(mcpServers: object): string[] {
  writeFileSync(join(home, '.cursor', 'mcp.json'), `\uFEFF${JSON.stringify({ mcpServers })}`);
  return lookForRisks({ home, project: join(home, 'none'), platform: 'linux' }, own)
    .map(({ sentence }) => /^The MCP server "(.*)" of .* does not go through/.exec(sentence)?.[1])
    .filter((name) => name !== undefined);
}

describe('MCP servers that go around the gateway', () => {
  it('are all but those that start its own shim', () => {
    expect(
      serversAround({
        own: shim,
        plain: { command: 'npx', args: ['server-github'] },
        named: { command: '/tmp/countersign', args: ['mcp', 'github'] },
        said: { command: 'evil', args: ['--looks-like', 'countersign'] },
        preloaded: { ...shim, env: { NODE_OPTIONS: '--require /tmp/evil.js' } },
        unregistered: { ...shim, args: [own.program, 'mcp', 'other'] },
        port: { url: 'http://127.0.0.1:9/mcp/github' },
      }),
    ).toEqual(['plain', 'named', 'said', 'preloaded', 'unregistered', 'port']);
  });
});
