import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Approval } from '../../../gateway/contract/decision.ts';
import * as recordings from '../../../gateway/recording/reader.ts';
import { startTestService, type TestService } from '../../support/service.ts';
import { lastTerminal } from '../../support/terminal.ts';

const PIN = '246810';
const COMMAND = fileURLToPath(new URL('../../../gateway/bin/countersign.mjs', import.meta.url));

let gateway: TestService;
let work: string;
beforeAll(async () => {
  gateway = await startTestService({ connections: [] });
  await gateway.control.call('setPin', { pin: PIN, code: gateway.service.loginCode });
  work = realpathSync(mkdtempSync(join(tmpdir(), 'handed-')));
  mkdirSync(join(work, '.git'));
}, 60_000);
afterAll(async () => {
  await gateway?.stop();
  rmSync(work, { recursive: true, force: true });
});

function run(argv: readonly string[], input: string): Promise<{ code: number | null; out: string; err: string }> {
  const [program = '', ...args] = argv;
  const env = { ...process.env, COUNTERSIGN_SOCKET: gateway.service.control.socketPath };
  const child = spawn(program, args, { cwd: work, env });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}

/** What Cursor says before it runs a command. @returns the command that it is told to run instead. */
async function hook(command: string): Promise<string> {
  const answered = run(
    [process.execPath, COMMAND, 'hook', 'cursor'],
    JSON.stringify({
      conversation_id: 'c-1',
      generation_id: 'g-1',
      hook_event_name: 'preToolUse',
      cursor_version: '2.4.0',
      workspace_roots: [work],
      tool_name: 'Shell',
      tool_input: { command, cwd: work },
      tool_use_id: 't-1',
      cwd: work,
    }),
  );
  await expect
    .poll(async () => (await gateway.control.call('approvals', {})).items.length, { timeout: 30_000 })
    .toBe(1);
  const { id, operation } = (await gateway.control.call('approvals', {})).items[0] as Approval;
  await gateway.control.call('decide', { id, digest: operation.digest, decision: 'approve', pin: PIN });
  const answer = JSON.parse((await answered).out) as { permission: string; updated_input?: { command: string } };
  expect(answer.permission).toBe('allow');
  return answer.updated_input?.command ?? '';
}

it('what a hook had approved runs in a recorded terminal without another question, once', async () => {
  writeFileSync(join(work, 'job.sh'), '#!/bin/sh\necho "did it"\n', { mode: 0o755 });
  const command = await hook('./job.sh && echo done');
  expect(command).toContain('--approved');
  const ran = await run(['sh', '-c', command], '');
  expect(ran).toEqual({ code: 0, out: 'did it\ndone\n', err: '' });
  const folder = await lastTerminal(gateway.service.home);
  const { info } = await recordings.readSession(folder);
  expect(info.conversationId).not.toBe(null);
  const names: string[] = [];
  for await (const { type } of recordings.events(folder)) names.push(type);
  expect(names).toContain('approved-before');
  expect(names).not.toContain('asked');

  // The token is used up: the same again is asked about.
  const again = run(['sh', '-c', command], '');
  await expect
    .poll(async () => (await gateway.control.call('approvals', {})).items.length, { timeout: 30_000 })
    .toBe(1);
  const { id, operation } = (await gateway.control.call('approvals', {})).items[0] as Approval;
  await gateway.control.call('decide', { id, digest: operation.digest, decision: 'deny' });
  expect((await again).code).toBe(126);
});

it('a script that was changed since is not run', async () => {
  writeFileSync(join(work, 'later.sh'), '#!/bin/sh\necho harmless\n', { mode: 0o755 });
  const command = await hook('./later.sh');
  writeFileSync(join(work, 'later.sh'), '#!/bin/sh\necho harmful\n', { mode: 0o755 });
  const ran = await run(['sh', '-c', command], '');
  expect(ran.code).toBe(126);
  expect(ran.out).toBe('');
  expect(ran.err).toContain('later.sh is not what it was when this command was approved');
});
