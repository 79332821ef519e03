import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import type { Where } from '../../installer.ts';
import type { Finding, InstalledHooks } from './hook-files.ts';

const PROBE_MS = 20_000;

export interface ProbeRun {
  stdout: string;
  code: number | null;
  milliseconds: number;
}

/** Runs a hook's command as Cursor does: by a shell, in the level's folder, with the event on its input. */
export function runAsCursor(
  command: string,
  event: object,
  options: { cwd: string; env: NodeJS.ProcessEnv; timeoutMs: number },
): Promise<ProbeRun> {
  const began = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      cwd: options.cwd,
      env: options.env,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs);
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout = (stdout + chunk).slice(0, 1024 * 1024);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(JSON.stringify(event));
    const done = (code: number | null) => {
      clearTimeout(timer);
      resolve({ stdout, code, milliseconds: Math.round(performance.now() - began) });
    };
    child.on('error', () => done(null));
    child.on('close', done);
  });
}

/**
 * Sends an event through the installed command. `recorded` looks whether the gateway has it.
 * @param conversationId of its own, so that it is found again.
 */
export async function probe(
  { level, file, commands }: InstalledHooks,
  where: Where,
  env: NodeJS.ProcessEnv,
  conversationId: string,
  recorded: (conversationId: string) => Promise<boolean>,
): Promise<Finding[]> {
  const command = commands.get('preToolUse')?.[0];
  if (command === undefined) return [];
  const cwd = level === 'project' ? where.project : dirname(file);
  const common = {
    conversation_id: conversationId,
    generation_id: conversationId,
    model: 'none',
    cursor_version: 'countersign doctor',
    workspace_roots: [where.project],
    user_email: null,
    transcript_path: null,
  };
  const asked = {
    ...common,
    hook_event_name: 'preToolUse',
    tool_name: 'Shell',
    tool_input: { command: 'true', cwd: '' },
    tool_use_id: 'probe',
    cwd: '',
  };
  // A desktop's editor has no more than this in its PATH.
  const bare = { ...env, PATH: '/usr/bin:/bin' };
  const run = await runAsCursor(command, asked, { cwd, env: bare, timeoutMs: PROBE_MS });
  const answer = permissionOf(run.stdout);
  if (run.code !== 0 || answer === null) {
    return [{ status: 'failed', sentence: `The hook of ${file} does not answer (exit code ${run.code})` }];
  }
  if (answer.permission !== 'allow') {
    return [{ status: 'failed', sentence: `The hook of ${file} answers: ${answer.message}` }];
  }
  const end = { ...common, hook_event_name: 'sessionEnd', session_id: conversationId, reason: 'completed' };
  const seen = await recorded(conversationId);
  const ended = commands.get('sessionEnd')?.[0];
  if (ended !== undefined) await runAsCursor(ended, end, { cwd, env: bare, timeoutMs: PROBE_MS });
  if (!seen)
    return [{ status: 'failed', sentence: `The hook of ${file} answers, and the gateway has no record of it` }];
  return [{ status: 'ok', sentence: `The hook of ${file} asks, is answered and recorded (${run.milliseconds} ms)` }];
}

function permissionOf(stdout: string): { permission: string; message: string } | null {
  try {
    const { permission, user_message: message } = JSON.parse(stdout) as Record<string, unknown>;
    return { permission: String(permission), message: String(message ?? '') };
  } catch {
    return null;
  }
}
