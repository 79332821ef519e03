import { describe, expect, it } from 'vitest';
import { cursorDeepLink, type McpConfigSurroundings, unwrapMcpConfig, wrapMcpConfig } from './mcp-config.ts';

const around: McpConfigSurroundings = {
  shim: { command: '/opt/countersign/bin/countersign', args: [] },
  env: { TOKEN: 's3cret-token' },
  userHome: '/home/ada',
  workspaceFolder: null,
  taken: new Set(['github']),
  agent: 'cursor',
};

const config = `{
    "mcpServers": {
        "GitHub": { "command": "npx", "args": ["-y", "server-github"], "env": { "GITHUB_TOKEN": "\${env:TOKEN}" }, "disabled": true },
        "docs": { "url": "https://docs.example/mcp", "headers": { "Authorization": "Bearer \${env:TOKEN}" } },
        "old": { "url": "https://old.example/sse" },
        "tickets": { "url": "https://tickets.example/mcp", "auth": { "CLIENT_ID": "abc", "CLIENT_SECRET": "\${env:TOKEN}", "scopes": ["read"] } },
        "list": { "command": "\${userHome}/bin/list" },
        "here": { "command": "\${workspaceFolder}/run.sh" },
        "file": { "command": "x", "envFile": ".env" },
        "odd": 3
    },
    "other": 1
}
`;

describe('mcp.json', () => {
  const wrapped = wrapMcpConfig(config, around);

  it('reaches each server through the shim, and holds no secret any more', () => {
    const { mcpServers, other } = JSON.parse(wrapped.text);
    expect(other).toBe(1);
    expect(mcpServers.GitHub).toEqual({
      type: 'stdio',
      command: '/opt/countersign/bin/countersign',
      args: ['mcp', 'github-2', '--agent', 'cursor'],
      disabled: true,
    });
    expect(wrapped.text).not.toContain('TOKEN');
    expect(wrapped.text).toMatch(/\n {4}"mcpServers"/);
  });

  it('says what is to be registered, with secrets apart', () => {
    expect(
      wrapped.changes.map(({ entry, server, secrets }) => [entry, server.name, server.transport, secrets]),
    ).toEqual([
      [
        'GitHub',
        'github-2',
        { type: 'stdio', command: 'npx', args: ['-y', 'server-github'], env: ['GITHUB_TOKEN'] },
        { GITHUB_TOKEN: 's3cret-token' },
      ],
      [
        'docs',
        'docs',
        { type: 'http', url: 'https://docs.example/mcp', headers: ['Authorization'] },
        { Authorization: 'Bearer s3cret-token' },
      ],
      ['old', 'old', { type: 'sse', url: 'https://old.example/sse', headers: [] }, {}],
      [
        'tickets',
        'tickets',
        {
          type: 'http',
          url: 'https://tickets.example/mcp',
          headers: [],
          oauth: { clientId: 'abc', clientSecret: true, scopes: ['read'] },
        },
        { 'oauth client secret': 's3cret-token' },
      ],
      ['list', 'server-list', { type: 'stdio', command: '/home/ada/bin/list', args: [], env: [] }, {}],
    ]);
  });

  it('says what it left, and why', () => {
    expect(wrapped.skipped.map(({ entry }) => entry)).toEqual(['here', 'file', 'odd']);
    const again = wrapMcpConfig(wrapped.text, around);
    expect(again.changes).toEqual([]);
    expect(again.text).toBe(wrapped.text);
  });

  it('comes back as it was, but for what was changed meanwhile', () => {
    const back = unwrapMcpConfig(wrapped.text, wrapped.changes);
    expect(JSON.parse(back.text)).toEqual(JSON.parse(config));
    const changed = wrapped.text.replace('"github-2"', '"another"');
    expect(unwrapMcpConfig(changed, wrapped.changes)).toMatchObject({
      left: ['GitHub'],
      restored: ['docs', 'old', 'tickets', 'list'],
    });
  });

  it('is left alone when it cannot be read', () => {
    expect(() => wrapMcpConfig('{ // comment\n}', around)).toThrow('not JSON');
    expect(() => wrapMcpConfig('{"mcpServers":[]}', around)).toThrow('not an object');
  });
});

it('has a link for one click', () => {
  const link = new URL(cursorDeepLink('files', around.shim));
  expect(link.protocol).toBe('cursor:');
  expect(link.searchParams.get('name')).toBe('files');
  expect(JSON.parse(Buffer.from(link.searchParams.get('config')!, 'base64').toString())).toEqual({
    type: 'stdio',
    command: '/opt/countersign/bin/countersign',
    args: ['mcp', 'files'],
  });
});
