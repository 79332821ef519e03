import { describe, expect, it } from 'vitest';
import { McpServer, type McpServerView } from '../contract/mcp.ts';
import { runCommand } from './test-cli.ts';

const view = (more: object): McpServerView => ({
  ...McpServer.parse({ name: 'files', transport: { type: 'stdio', command: 'files-server', args: ['/srv'] } }),
  hasSecrets: false,
  signedIn: null,
  openSessions: 0,
  pinned: 3,
  changed: [],
  ...more,
});
const PIN = '728193';

describe('countersign mcp', () => {
  it('adds a program; its secret is typed and is in no argument', async () => {
    const run = await runCommand(
      ['mcp', 'add', 'github', '--env', 'TOKEN', '--deny', 'delete_*', '--', 'npx', '-y', 'server-github'],
      { answers: { putMcpServer: () => view({}) }, typed: ['s3cret', PIN] },
    );
    expect(run.code).toBe(0);
    expect(run.asked.map(({ shown }) => shown)).toEqual([false, false]);
    expect(run.calls).toMatchObject([
      {
        name: 'putMcpServer',
        input: {
          name: 'github',
          pin: PIN,
          secrets: { TOKEN: 's3cret' },
          server: {
            transport: { type: 'stdio', command: 'npx', args: ['-y', 'server-github'], env: ['TOKEN'] },
            tools: { allow: null, deny: ['delete_*'] },
          },
        },
      },
    ]);
    expect(run.out).not.toContain('s3cret');
  });

  it('adds an address', async () => {
    const run = await runCommand(['mcp', 'add', 'docs', '--url', 'https://docs.example/mcp', '--observe'], {
      answers: { putMcpServer: () => view({}) },
      typed: [PIN],
    });
    expect(run.calls[0]?.input).toMatchObject({
      server: { transport: { type: 'http', url: 'https://docs.example/mcp' }, mode: 'observe' },
    });
  });

  it.each([
    [['mcp', 'add', 'x'], 'say what it is'],
    [['mcp', 'add', 'list', '--', 'x'], 'the name of a command'],
    [['mcp', 'add', 'x', '--url', 'ftp://x'], 'an http or https URL'],
    [['mcp', 'add', 'x', '--url', 'https://ada:pw@x/'], 'without user and password'],
    [['mcp', 'add', 'x', '--url', 'https://x/', '--header', 'Host'], 'set by the gateway itself'],
    [['mcp', 'add', 'x', '--url', 'https://x/', '--', 'y'], 'not both'],
  ])('%j is refused', async (args, why) => {
    const run = await runCommand(args);
    expect(run.code).not.toBe(0);
    expect(run.notes).toContain(why);
    expect(run.calls).toEqual([]);
  });

  it('signs in with the PIN, shows where, and says how it went', async () => {
    const view = { id: 'L', userCode: null, expiresAt: '2026-11-21T12:00:00Z' };
    const url = 'https://id.example/authorize?state=x';
    const run = await runCommand(['mcp', 'login', 'docs', '--no-open'], {
      answers: {
        signInMcpServer: () => ({
          ...view,
          state: 'waiting',
          sentence: 'docs lets people sign in at id.example.',
          url,
        }),
        mcpSignInState: () => ({ ...view, state: 'failed', sentence: 'It did not let you in.', url: null }),
      },
      typed: [PIN],
    });
    expect(run.code).toBe(1);
    expect(run.out).toContain('id.example.');
    expect(run.out).toContain(url);
    expect(run.notes).toContain('It did not let you in.');
    expect(run.calls[0]).toMatchObject({ name: 'signInMcpServer', input: { name: 'docs', pin: PIN } });
  });

  it('registers a sign-in with what belongs to it', async () => {
    const options = ['--client-id', 'abc', '--client-secret', '--scope', 'read', '--issuer', 'https://id.example'];
    const run = await runCommand(['mcp', 'add', 'docs', '--url', 'https://docs.example/mcp', ...options], {
      answers: { putMcpServer: () => view({}) },
      typed: ['c1ient-secret', PIN],
    });
    expect(run.calls[0]?.input).toMatchObject({
      secrets: { 'oauth client secret': 'c1ient-secret' },
      server: {
        transport: {
          oauth: { clientId: 'abc', clientSecret: true, scopes: ['read'], issuer: 'https://id.example' },
        },
      },
    });
  });

  it('lists, and shouts where a description changed', async () => {
    const items = [view({}), view({ name: 'odd', changed: ['run\u202e'] })];
    const run = await runCommand(['mcp', 'list'], { answers: { mcpServers: () => ({ items }) } });
    expect(run.out).toContain('files-server /srv');
    expect(run.out).toContain('CHANGED: run');
    expect(run.out).not.toContain('\u202e');
  });

  it('prints a link that holds no secret', async () => {
    const run = await runCommand(['mcp', 'link', 'files']);
    expect(run.out).toMatch(/^cursor:\/\/anysphere\.cursor-deeplink\/mcp\/install\?name=files&config=/);
  });
});
