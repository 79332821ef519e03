import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { clientSocketPath } from '../cli/home.ts';
import { defaultSocket, lookAt } from './hook.mjs';
import { isGating, render } from './hook-answers.mjs';

let dir: string;
let server: Server | null = null;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'cs-hook-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  await new Promise((resolve) => (server ? server.close(resolve) : resolve(null)));
  server = null;
  rmSync(dir, { recursive: true, force: true });
});

const PROGRAM = fileURLToPath(new URL('./countersign.mjs', import.meta.url));
const socket = () => join(dir, 'control.sock');

function hook(
  args: readonly string[],
  input: string | Buffer,
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [PROGRAM, 'hook', ...args]);
    const run = { code: null as number | null, out: '', err: '' };
    child.stdout.on('data', (chunk) => {
      run.out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      run.err += chunk;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', (code) => resolve({ ...run, code }));
  });
}

/** A gateway that answers with what it is given, in turn. */
async function gateway(answers: unknown[], status = 200): Promise<{ path: string; body: Record<string, unknown> }[]> {
  const calls: { path: string; body: Record<string, unknown> }[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    request.on('end', () => {
      calls.push({ path: request.url ?? '', body: JSON.parse(text) });
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answers.shift() ?? {}));
    });
  });
  await new Promise((resolve) => server?.listen(socket(), () => resolve(null)));
  return calls;
}

const answer = (permission: 'allow' | 'deny' | null, more: object = {}) => ({
  answer: { permission, message: permission === 'deny' ? 'no' : '', command: null, approved: false, ...more },
});
const asked = (more: object = {}) =>
  JSON.stringify({
    hook_event_name: 'preToolUse',
    tool_name: 'Shell',
    tool_input: { command: 'ls', timeout: 5 },
    ...more,
  });

describe('the client', () => {
  test('tells the event as it is, and gives the answer back', async () => {
    const calls = await gateway([answer('deny')]);
    const { code, out } = await hook(
      ['cursor', '--socket', socket(), '--timeout', '30'],
      `\uFEFF\uFEFF${asked({ x: [1] })}`,
    );
    expect([code, JSON.parse(out)]).toEqual([0, { permission: 'deny', user_message: 'no', agent_message: 'no' }]);
    expect(calls).toMatchObject([
      { path: '/api/hooks/cursor', body: { event: { tool_name: 'Shell', x: [1] }, eventName: null } },
    ]);
    expect(Number(calls[0]?.body.timeoutMs)).toBeLessThan(30_000);
  });

  test('looks at files that the gateway names, and says what is there', async () => {
    writeFileSync(join(dir, 'a.sh'), 'echo');
    const files = [
      { path: join(dir, 'a.sh'), want: 'text' },
      { path: join(dir, 'none'), want: 'digest' },
    ];
    const calls = await gateway([{ want: { ticket: 't', files } }, answer('allow', { command: 'wrapped' })]);
    const { out } = await hook(['cursor', '--socket', socket()], asked());
    expect(calls[1]).toMatchObject({
      path: '/api/hook-files',
      body: {
        ticket: 't',
        files: [
          { text: 'echo', state: 'file' },
          { state: 'missing', sha256: null },
        ],
      },
    });
    expect(JSON.parse(out)).toEqual({ permission: 'allow', updated_input: { command: 'wrapped', timeout: 5 } });
  });

  test.each([
    ['cursor', asked()],
    ['claude-code', JSON.stringify({ hook_event_name: 'PreToolUse' })],
    ['codex', JSON.stringify({ hook_event_name: 'UserPromptSubmit' })],
    ['gemini-cli', JSON.stringify({ hook_event_name: 'BeforeTool' })],
  ])('%s: denies without a gateway, with exit code 0 and JSON', async (agent, input) => {
    const { code, out } = await hook([agent, '--socket', socket()], input);
    expect(code).toBe(0);
    expect(JSON.parse(out)).not.toEqual({});
    expect(out).toContain('countersign start');
  });

  test('tells only: passes without a gateway', async () => {
    expect(await hook(['cursor', '--socket', socket()], '{"hook_event_name":"stop"}')).toMatchObject({
      code: 0,
      out: '{}\n',
    });
  });

  test.each([
    ['nothing', ''],
    ['no JSON', 'hello'],
    ['a list', '[]'],
    ['too much', Buffer.alloc(8 * 1024 * 1024 + 1, 0x20)],
  ])('denies %s', async (_, input) => {
    await gateway([answer('allow')]);
    const { code, out } = await hook(['cursor', '--socket', socket()], input);
    expect([code, JSON.parse(out)]).toMatchObject([0, { permission: 'deny', continue: false }]);
  });

  test('takes an event of 8 MiB', async () => {
    const calls = await gateway([answer('allow')]);
    const { out } = await hook(['cursor', '--socket', socket()], asked({ big: 'x'.repeat(8_000_000) }));
    expect(JSON.parse(out)).toEqual({ permission: 'allow' });
    expect((calls[0]!.body.event as { big: string }).big).toHaveLength(8_000_000);
  });

  test('denies what the gateway refuses, and what it says in another language', async () => {
    await gateway([{ error: { code: 'X', message: 'too many wait' } }], 400);
    expect((await hook(['cursor', '--socket', socket()], asked())).out).toContain('too many wait');
    const raw = createRawServer((one) => one.resume().end('SSH-2.0-x\r\n'));
    const other = join(dir, 'other.sock');
    await new Promise((resolve) => raw.listen(other, () => resolve(null)));
    expect(JSON.parse((await hook(['cursor', '--socket', other], asked())).out)).toMatchObject({ permission: 'deny' });
    await new Promise((resolve) => raw.close(resolve));
  });

  test('denies before the agent’s time is over', async () => {
    server = createServer(() => {});
    await new Promise((resolve) => server?.listen(socket(), () => resolve(null)));
    const { code, out } = await hook(['cursor', '--socket', socket(), '--timeout', '2'], asked());
    expect([code, JSON.parse(out)]).toMatchObject([0, { permission: 'deny' }]);
  });

  test('an agent that is not known is an error', async () => {
    expect(await hook(['emacs', '--socket', socket()], '{}')).toMatchObject({
      code: 2,
      err: expect.stringContaining('emacs'),
    });
  });
});

test('finds the gateway where the command line does', async () => {
  const HOME = homedir();
  for (const env of [
    { HOME },
    { HOME, COUNTERSIGN_HOME: '/x/y' },
    { HOME, XDG_DATA_HOME: '/data' },
    { HOME, COUNTERSIGN_NAME: 'other' },
  ]) {
    expect(await defaultSocket(null, env)).toBe(clientSocketPath(undefined, env));
    expect(await defaultSocket('/given', env)).toBe(clientSocketPath('/given', env));
  }
});

test('facts of files: links, folders, what is not text, and what is not to be opened', async () => {
  const path = (name: string) => join(dir, name);
  writeFileSync(path('text'), 'ä\n');
  writeFileSync(path('binary'), Buffer.from([0xff, 0x00]));
  writeFileSync(path('long'), 'x'.repeat(1024 * 1024 + 1));
  mkdirSync(path('folder'));
  symlinkSync('text', path('link'));
  symlinkSync(path('folder/new'), path('dangling'));
  symlinkSync('loop', path('loop'));
  execFileSync('mkfifo', [path('fifo')]);
  const want = 'text' as const;
  const names = ['text', 'binary', 'long', 'folder', 'link', 'dangling', 'loop', 'fifo', 'none/of/it', 'link/below'];
  const facts = await lookAt(names.map((name) => ({ path: path(name), want })));
  const real = execFileSync('realpath', [dir], { encoding: 'utf8' }).trim();
  expect(facts.map(({ state, text }) => [state, text === null])).toEqual([
    ['file', false],
    ['file', true],
    ['file', true],
    ['folder', true],
    ['file', false],
    ['missing', true],
    ['unreadable', true],
    ['other', true],
    ['missing', true],
    ['unreadable', true],
  ]);
  expect(facts[0]?.sha256).toHaveLength(64);
  expect(facts[4]?.real).toBe(join(real, 'text'));
  expect(facts[5]?.real).toBe(join(real, 'folder/new'));
  expect(facts[8]?.real).toBe(join(real, 'none/of/it'));
  const [place] = await lookAt([{ path: path('text'), want: 'place' }]);
  expect(place).toMatchObject({ state: 'file', sha256: null, text: null });
});

describe('answers', () => {
  const deny = { permission: 'deny' as const, message: 'no', command: null, approved: false };
  const allow = { permission: 'allow' as const, message: '', command: null, approved: false };
  const approved = { ...allow, approved: true };
  const out = (...args: Parameters<typeof render>) => JSON.parse(render(...args).stdout);

  test('Claude Code and Codex: an allow that no person gave leaves the agent’s own asking alone', () => {
    const event = { hook_event_name: 'PreToolUse', tool_input: { command: 'ls', x: 1 } };
    expect(out('claude-code', null, event, allow)).toEqual({});
    expect(out('codex', null, event, approved).hookSpecificOutput).toEqual({
      hookEventName: 'PreToolUse',
      permissionDecision: 'allow',
    });
    expect(out('claude-code', null, event, { ...approved, command: 'wrapped' }).hookSpecificOutput).toMatchObject({
      updatedInput: { command: 'wrapped', x: 1 },
    });
    expect(out('claude-code', null, event, deny).hookSpecificOutput).toMatchObject({
      permissionDecision: 'deny',
      permissionDecisionReason: 'no',
    });
    expect(out('claude-code', null, { hook_event_name: 'UserPromptSubmit' }, deny)).toEqual({
      decision: 'block',
      reason: 'no',
    });
  });

  test('Copilot, Gemini CLI and Windsurf', () => {
    expect(out('copilot', 'preToolUse', {}, deny)).toEqual({
      permissionDecision: 'deny',
      permissionDecisionReason: 'no',
    });
    expect(out('copilot', 'preToolUse', {}, allow)).toEqual({});
    expect(out('gemini-cli', null, { hook_event_name: 'BeforeTool' }, deny)).toEqual({
      decision: 'deny',
      reason: 'no',
    });
    expect(render('windsurf', null, { agent_action_name: 'pre_run_command' }, deny)).toMatchObject({
      code: 2,
      stderr: 'no\n',
    });
    expect(render('windsurf', null, { agent_action_name: 'pre_run_command' }, allow)).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('Cursor: an answer is always JSON, and never asks', () => {
    expect(out('cursor', null, { hook_event_name: 'beforeSubmitPrompt' }, deny)).toMatchObject({ continue: false });
    expect(out('cursor', null, { hook_event_name: 'beforeShellExecution' }, { ...allow, command: 'x' })).toEqual({
      permission: 'allow',
    });
    // Run from Claude Code's file it understands one or the other.
    const mixed = out('cursor', null, { hook_event_name: 'PreToolUse' }, deny);
    expect(mixed).toMatchObject({ permission: 'deny', hookSpecificOutput: { permissionDecision: 'deny' } });
  });

  test('an event without a name asks', () => {
    expect(isGating('cursor', null, {})).toBe(true);
    expect(isGating('cursor', null, null)).toBe(true);
    expect(isGating('nobody', null, { hook_event_name: 'stop' })).toBe(true);
    expect(isGating('cursor', null, { hook_event_name: 'stop' })).toBe(false);
  });
});
