import { describe, expect, it } from 'vitest';
import { type OwnShim, throughProxy } from './mcp-proxy.ts';

const own: OwnShim = {
  node: '/opt/countersign/node',
  program: '/opt/countersign/gateway/bin/countersign.mjs',
  home: '/home/anna/.local/share/countersign',
  usualHome: true,
  isRegistered: (server) => server === 'github',
};
const args = [own.program, 'mcp', 'github', '--agent', 'cursor'];
const shim = { type: 'stdio', command: own.node, args };

const through = (entry: unknown, given: Partial<OwnShim> = {}) =>
  throughProxy('github', [JSON.stringify({ mcpServers: { github: entry } })], { ...own, ...given });

describe('a call of an MCP server', () => {
  it('is left to the gateway when the entry starts its own shim', () => {
    expect(through(shim)).toBe(true);
    expect(through({ ...shim, disabled: false })).toBe(true);
    expect(through({ ...shim, args: [...args, '--home', own.home] })).toBe(true);
    expect(through(shim, { home: null })).toBe(true);
  });

  it.each([
    ['a program of that name elsewhere', { ...shim, args: ['/tmp/countersign.mjs', ...args.slice(1)] }],
    ['another interpreter', { ...shim, command: '/tmp/node' }],
    ['a command that is found by PATH', { type: 'stdio', command: 'countersign', args: args.slice(1) }],
    ['an option before the program', { ...shim, args: ['--import=/tmp/evil.mjs', ...args] }],
    ['an environment', { ...shim, env: { NODE_OPTIONS: '--import=/tmp/evil.mjs' } }],
    ['an environment from a file', { ...shim, envFile: '/tmp/evil' }],
    ['an address besides', { ...shim, url: 'http://127.0.0.1:9/' }],
    ['a server that is not registered', { ...shim, args: [own.program, 'mcp', 'gitlab'] }],
    ['the gateway of another home', { ...shim, args: [...args, '--home', '/tmp/evil'] }],
    ['an unknown option', { ...shim, args: [...args, '--socket', '/tmp/evil'] }],
    ['no arguments', { type: 'stdio', command: own.node }],
    ['no object', 'countersign mcp github'],
  ])('is decided by the hook with %s', (_, entry) => {
    expect(through(entry)).toBe(false);
  });

  it('is decided by the hook without --home when the gateway has an unusual one', () => {
    expect(through(shim, { usualHome: false })).toBe(false);
    expect(through({ ...shim, args: [...args, '--home', own.home] }, { usualHome: false })).toBe(true);
  });

  it('that names no server is left to the gateway when each server is reached through it', () => {
    const text = (servers: Record<string, unknown>) => JSON.stringify({ mcpServers: servers });
    expect(throughProxy(null, [text({ github: shim })], own)).toBe(true);
    expect(throughProxy(null, [text({ github: shim, other: { command: 'npx' } })], own)).toBe(false);
    expect(throughProxy(null, [text({}), null], own)).toBe(false);
  });

  it('goes by the file that counts more, and by none that cannot be read', () => {
    const good = JSON.stringify({ mcpServers: { github: shim } });
    const other = JSON.stringify({ mcpServers: { github: { command: 'npx' } } });
    expect(throughProxy('github', [other, good], own)).toBe(false);
    expect(throughProxy('github', [good, other], own)).toBe(true);
    expect(throughProxy('github', [null, good], own)).toBe(true);
    expect(throughProxy('github', ['{', good], own)).toBe(false);
  });
});
