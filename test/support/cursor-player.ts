import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

type Json = Record<string, unknown>;

/** The names that Cursor's command line knows: one more, and it takes none of the file. */
const KNOWN = new Set(
  'preToolUse postToolUse postToolUseFailure beforeShellExecution afterShellExecution beforeMCPExecution afterMCPExecution beforeReadFile afterFileEdit beforeSubmitPrompt subagentStart subagentStop sessionStart sessionEnd preCompact stop afterAgentResponse afterAgentThought beforeTabFileRead afterTabFileEdit workspaceOpen'.split(
    ' ',
  ),
);
const GATING = new Set(
  'preToolUse beforeShellExecution beforeMCPExecution beforeReadFile beforeSubmitPrompt subagentStart beforeTabFileRead'.split(
    ' ',
  ),
);

export interface Surface {
  allowed: boolean;
  message: string;
  /** In place of the tool's input. */
  updated: Json | null;
  /** What each hook printed. */
  printed: string[];
}

export interface Played {
  ran: boolean;
  output: string;
  message: string;
}

interface Hook {
  command: string;
  timeout: number;
  failClosed: boolean;
  cwd: string;
}

/**
 * Plays Cursor as its documentation and measurements of it say (facts: hooks): reads the hook files at each
 * event, runs all that match by a shell in their level's folder, and applies what they answer.
 */
export class CursorPlayer {
  readonly home: string;
  readonly project: string;
  readonly conversationId: string;
  readonly mode: 'editor' | 'cli';
  readonly #env: NodeJS.ProcessEnv;
  readonly #as: As;
  #tool = 0;
  #generation = 0;

  constructor(options: {
    home: string;
    project: string;
    conversationId: string;
    mode?: 'editor' | 'cli';
    env?: NodeJS.ProcessEnv;
    /** Program and arguments that run another program as the developer; default: as whoever runs the tests. */
    as?: As;
  }) {
    this.home = options.home;
    this.project = options.project;
    this.conversationId = options.conversationId;
    this.mode = options.mode ?? 'editor';
    this.#env = options.env ?? {};
    this.#as = options.as ?? ((argv) => [argv[0]!, argv.slice(1)]);
  }

  /** Hooks of all levels for an event. */
  hooks(event: string, tool: string | null): Hook[] {
    const levels = [
      { file: join(this.project, '.cursor', 'hooks.json'), cwd: this.project },
      { file: join(this.home, '.cursor', 'hooks.json'), cwd: join(this.home, '.cursor') },
    ];
    return levels.flatMap(({ file, cwd }) => {
      if (!existsSync(file)) return [];
      const { version, hooks } = JSON.parse(readFileSync(file, 'utf8')) as { version: number; hooks: Json };
      const lists = Object.entries(hooks) as [string, Json[]][];
      const void_ = lists.some(
        ([name, list]) => !KNOWN.has(name) || list.some(({ command }) => String(command).includes('://')),
      );
      if (version !== 1 || (this.mode === 'cli' && void_)) return [];
      return (lists.find(([name]) => name === event)?.[1] ?? [])
        .filter(({ matcher }) => matcher === undefined || new RegExp(String(matcher)).test(tool ?? ''))
        .map(({ command, timeout, failClosed }) => ({
          command: String(command),
          timeout: Number(timeout ?? 60),
          failClosed: failClosed === true,
          cwd,
        }));
    });
  }

  async fire(event: string, payload: Json = {}): Promise<Surface> {
    const input = JSON.stringify({ ...this.#common(), hook_event_name: event, ...payload });
    const tool = typeof payload.tool_name === 'string' ? payload.tool_name : null;
    const runs = await Promise.all(
      this.hooks(event, tool).map(async (hook) => ({ hook, ...(await this.#run(hook, input)) })),
    );
    const surface: Surface = { allowed: true, message: '', updated: null, printed: runs.map(({ out }) => out) };
    const deny = (message: string) => {
      surface.allowed = false;
      surface.message ||= message;
    };
    for (const { hook, code, out } of runs) {
      if (!GATING.has(event)) continue;
      if (code === 2) deny('exit code 2');
      else if (code !== 0) {
        if (hook.failClosed) deny(`the hook failed with ${code}`);
      } else if (out.trim() === '') {
        if (this.mode === 'editor' || hook.failClosed) deny('the hook said nothing');
      } else {
        let answer: Json;
        try {
          answer = JSON.parse(out) as Json;
        } catch {
          deny('the hook did not print JSON');
          continue;
        }
        const message = String(answer.agent_message ?? answer.user_message ?? '');
        if (answer.permission === 'deny' || answer.permission === 'ask' || answer.continue === false) deny(message);
        else if (event === 'preToolUse' && answer.updated_input) surface.updated = answer.updated_input as Json;
      }
    }
    return surface;
  }

  /** A shell command, in the order of the events as Cursor has it. `cwd` '' is what Cursor often says. */
  async shell(command: string, cwd = ''): Promise<Played> {
    const id = this.#toolId();
    const call = { tool_name: 'Shell', tool_use_id: id, cwd };
    const tool_input = { command, cwd, timeout: 30_000 };
    const first = await this.fire('preToolUse', { ...call, tool_input });
    if (!first.allowed) return { ran: false, output: '', message: first.message };
    const input = (first.updated ?? tool_input) as { command: string };
    const second = await this.fire('beforeShellExecution', { command: input.command, cwd, sandbox: false });
    if (!second.allowed) return { ran: false, output: '', message: second.message };
    const { out, code } = await this.#execute(input.command, cwd === '' ? this.project : cwd);
    await this.fire('afterShellExecution', { command: input.command, output: out, duration: 5, sandbox: false });
    const ended = { ...call, tool_input: input, duration: 5 };
    if (code === 0)
      await this.fire('postToolUse', { ...ended, tool_output: JSON.stringify({ output: out, exitCode: 0 }) });
    else {
      const error_message = `exit code ${code}`;
      await this.fire('postToolUseFailure', { ...ended, error_message, failure_type: 'error', is_interrupt: false });
    }
    return { ran: true, output: out, message: '' };
  }

  async write(path: string, content: string): Promise<Played> {
    const call = { tool_name: 'Write', tool_input: { file_path: path, content }, tool_use_id: this.#toolId(), cwd: '' };
    const asked = await this.fire('preToolUse', call);
    if (!asked.allowed) return { ran: false, output: '', message: asked.message };
    const file = this.#absolute(path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    await this.fire('afterFileEdit', { file_path: file, edits: [] });
    await this.fire('postToolUse', { ...call, tool_output: '{"success":true}', duration: 1 });
    return { ran: true, output: '', message: '' };
  }

  async remove(path: string): Promise<Played> {
    const call = { tool_name: 'Delete', tool_input: { file_path: path }, tool_use_id: this.#toolId(), cwd: '' };
    const asked = await this.fire('preToolUse', call);
    if (!asked.allowed) return { ran: false, output: '', message: asked.message };
    rmSync(this.#absolute(path), { force: true });
    await this.fire('postToolUse', { ...call, tool_output: '{}', duration: 1 });
    return { ran: true, output: '', message: '' };
  }

  /** Some versions skip preToolUse for reads. */
  async read(path: string, withTool = true): Promise<Played> {
    const call = { tool_name: 'Read', tool_input: { file_path: path }, tool_use_id: this.#toolId(), cwd: '' };
    if (withTool) {
      const asked = await this.fire('preToolUse', call);
      if (!asked.allowed) return { ran: false, output: '', message: asked.message };
    }
    const content = readFileSync(this.#absolute(path), 'utf8');
    const seen = await this.fire('beforeReadFile', { file_path: this.#absolute(path), content, attachments: [] });
    if (!seen.allowed) return { ran: false, output: '', message: seen.message };
    if (withTool) await this.fire('postToolUse', { ...call, tool_output: JSON.stringify({ content }), duration: 1 });
    return { ran: true, output: content, message: '' };
  }

  async tool(server: string, name: string, input: Json): Promise<Played> {
    const call = { tool_name: `MCP:${name}`, tool_input: input, tool_use_id: this.#toolId(), cwd: '' };
    const first = await this.fire('preToolUse', call);
    if (!first.allowed) return { ran: false, output: '', message: first.message };
    const asText = { tool_name: name, tool_input: JSON.stringify(input) };
    if (this.mode === 'editor') {
      const second = await this.fire('beforeMCPExecution', { ...asText, mcp_server_name: server, command: 'server' });
      if (!second.allowed) return { ran: false, output: '', message: second.message };
      await this.fire('afterMCPExecution', { ...asText, result_json: '{"content":[]}', duration: 1 });
    }
    await this.fire('postToolUse', { ...call, tool_output: '{"content":[]}', duration: 1 });
    return { ran: true, output: '{"content":[]}', message: '' };
  }

  async prompt(text: string): Promise<Surface> {
    this.#generation += 1;
    return this.mode === 'cli'
      ? { allowed: true, message: '', updated: null, printed: [] }
      : this.fire('beforeSubmitPrompt', { prompt: text, attachments: [] });
  }

  #absolute(path: string): string {
    return isAbsolute(path) ? path : join(this.project, path);
  }

  #toolId(): string {
    this.#tool += 1;
    // The command line's ids have a line feed in them.
    return this.mode === 'cli' ? `call_${this.#tool}\nfc_${this.#tool}` : `tool_${this.#tool}`;
  }

  #common(): Json {
    const generation = this.mode === 'cli' ? this.conversationId : `${this.conversationId}-${this.#generation}`;
    return {
      conversation_id: this.conversationId,
      generation_id: generation,
      session_id: this.conversationId,
      model: 'claude-sonnet-4-5',
      cursor_version: this.mode === 'cli' ? '2026.09.10-fd3934a' : '3.4.1',
      workspace_roots: [this.project],
      user_email: 'dev@example.com',
      transcript_path: null,
      a_field_that_nobody_knows: { nested: [1, 2] },
    };
  }

  #run({ command, timeout, cwd }: Hook, input: string): Promise<{ code: number | null; out: string }> {
    return run(this.#as(['/bin/sh', '-c', command]), input, cwd, timeout * 1000, {
      // An editor that was started from a desktop has no more than this.
      PATH: '/usr/bin:/bin',
      HOME: this.home,
      CURSOR_PROJECT_DIR: this.project,
      CURSOR_VERSION: '3.4.1',
      ...this.#env,
    });
  }

  #execute(command: string, cwd: string): Promise<{ code: number | null; out: string }> {
    const env = { PATH: process.env.PATH ?? '', HOME: this.home, CURSOR_AGENT: '1', SHELL: '/bin/bash', ...this.#env };
    return run(this.#as(['/bin/sh', '-c', command]), '', cwd, 60_000, env);
  }
}

type As = (argv: readonly string[]) => [string, readonly string[]];

function run(
  [program, args]: ReturnType<As>,
  input: string,
  cwd: string,
  timeoutMs: number,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; out: string }> {
  mkdirSync(cwd, { recursive: true });
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.stderr.resume();
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, out });
    });
  });
}
