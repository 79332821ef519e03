import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AGENT_NAMES, type AgentName } from '../contract/hooks.ts';
import type { AgentEvent } from '../protocols/agent/events.ts';
import { adapters } from './index.ts';

/** One event of each kind, as each agent's documentation or measurements have it. */
type Fixture = [agent: AgentName, raw: Record<string, unknown>, wanted: object, eventName?: string];

const cursor = (hook_event_name: string, more: object = {}) => ({
  conversation_id: 'e747cb7c',
  generation_id: 'e747cb7c',
  session_id: 'e747cb7c',
  model: 'claude-sonnet-4-5',
  hook_event_name,
  cursor_version: '2026.09.10-fd3934a',
  workspace_roots: ['/tmp/repo'],
  user_email: 'dev@example.com',
  transcript_path: '/home/dev/.cursor/projects/repo/agent-transcripts/e747.jsonl',
  ...more,
});
const claude = (hook_event_name: string, more: object = {}) => ({
  session_id: 'abc123',
  transcript_path: '/home/dev/.claude/projects/x/abc123.jsonl',
  cwd: '/shop/app',
  permission_mode: 'default',
  hook_event_name,
  ...more,
});
const gemini = (hook_event_name: string, more: object = {}) => ({
  session_id: 's1',
  transcript_path: '/x',
  cwd: '/shop/app',
  hook_event_name,
  timestamp: '2026-09-10T10:00:00Z',
  ...more,
});
const windsurf = (agent_action_name: string, tool_info: object) => ({
  agent_action_name,
  trajectory_id: 't1',
  execution_id: 'x1',
  timestamp: '2026-09-10T10:00:00Z',
  tool_info,
});
const copilot = (more: object) => ({ sessionId: 'c1', timestamp: 1_760_000_000_000, cwd: '/shop/app', ...more });

const ask = (action: object, phase = 'first', id: string | null = null) => ({ type: 'ask', phase, id, action });
const shell = (command: string, cwd: string | null = null) => ({ kind: 'shell', command, cwd });

const FIXTURES: Fixture[] = [
  [
    'cursor',
    cursor('preToolUse', {
      tool_name: 'Shell',
      tool_input: { command: 'echo probe', cwd: '', timeout: 30_000 },
      tool_use_id: '3e39a5cd',
      cwd: '',
    }),
    ask(shell('echo probe'), 'first', '3e39a5cd'),
  ],
  [
    'cursor',
    cursor('preToolUse', {
      tool_name: 'Shell',
      tool_input: { command: 'ls', working_directory: '/tmp' },
      tool_use_id: 'a\nb',
    }),
    ask(shell('ls', '/tmp'), 'first', 'a\nb'),
  ],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'Write', tool_input: { file_path: 'a.ts', content: 'x' }, tool_use_id: '1' }),
    ask({ kind: 'write', path: 'a.ts', change: { kind: 'content', text: 'x' } }, 'first', '1'),
  ],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'StrReplace', tool_input: { path: '/a', old_string: 'x', new_string: 'y' } }),
    ask({ kind: 'write', path: '/a', change: { kind: 'edits', edits: [{ before: 'x', after: 'y', all: false }] } }),
  ],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'Read', tool_input: { file_path: '/a' } }),
    ask({ kind: 'read', path: '/a' }),
  ],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'Delete', tool_input: { file_path: 'a' } }),
    ask({ kind: 'delete', path: 'a' }),
  ],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'Grep', tool_input: { pattern: 'x' } }),
    ask({ kind: 'read', tool: 'Grep', path: '/tmp/repo' }),
  ],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'MCP:query', tool_input: { sql: 'SELECT 1' } }),
    ask({ kind: 'call', tool: 'MCP:query', server: null, input: { sql: 'SELECT 1' } }),
  ],
  [
    'cursor',
    cursor('preToolUse', {
      tool_name: 'CallMcpTool',
      tool_input: { server: 'db', toolName: 'query', arguments: { sql: 'SELECT 1' } },
    }),
    ask({ kind: 'call', tool: 'MCP:query', server: 'db', input: { sql: 'SELECT 1' } }),
  ],
  // A new tool, or one without what it needs, is asked about under its own name.
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'Teleport', tool_input: { to: 'x' } }),
    ask({ kind: 'call', tool: 'Teleport' }),
  ],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'Shell', tool_input: { cmdline: 'x' } }),
    ask({ kind: 'call', tool: 'Shell' }),
  ],
  ['cursor', cursor('preToolUse', { tool_name: 'toString', tool_input: {} }), ask({ kind: 'call', tool: 'toString' })],
  ['cursor', cursor('preToolUse', {}), ask({ kind: 'call', tool: 'unnamed' })],
  [
    'cursor',
    cursor('preToolUse', { tool_name: 'TodoWrite', tool_input: { todos: [] } }),
    { type: 'note', name: 'TodoWrite' },
  ],
  [
    'cursor',
    cursor('postToolUse', {
      tool_name: 'Shell',
      tool_input: { command: 'ls' },
      tool_output: '{"output":"a"}',
      tool_use_id: '1',
      duration: 12,
    }),
    { type: 'done', id: '1', final: true, outcome: { ok: true, output: '{"output":"a"}', durationMs: 12 } },
  ],
  [
    'cursor',
    cursor('postToolUseFailure', {
      tool_name: 'Shell',
      tool_input: { command: 'ls' },
      error_message: 'killed',
      failure_type: 'timeout',
      tool_use_id: '1',
    }),
    { type: 'done', outcome: { ok: false, error: 'timeout: killed' } },
  ],
  ['cursor', cursor('beforeShellExecution', { command: 'ls', cwd: '', sandbox: false }), ask(shell('ls'), 'second')],
  [
    'cursor',
    cursor('afterShellExecution', { command: 'ls', output: 'a', duration: 3, sandbox: false }),
    { type: 'done', final: false, action: shell('ls'), outcome: { output: 'a' } },
  ],
  [
    'cursor',
    cursor('beforeMCPExecution', { tool_name: 'query', tool_input: '{"sql":"x"}', url: 'https://db.example/mcp' }),
    ask({ kind: 'call', tool: 'MCP:query', input: { sql: 'x' }, target: 'https://db.example/mcp' }, 'second'),
  ],
  [
    'cursor',
    cursor('afterMCPExecution', { tool_name: 'query', tool_input: '{"sql":"x"}', result_json: '{}', duration: 3 }),
    { type: 'done', final: false, outcome: { output: '{}' } },
  ],
  [
    'cursor',
    cursor('beforeReadFile', {
      file_path: '/tmp/repo/a',
      content: 'x',
      attachments: [{ type: 'rule', file_path: '/r' }],
    }),
    ask({ kind: 'read', path: '/tmp/repo/a', content: 'x' }, 'second'),
  ],
  [
    'cursor',
    cursor('beforeTabFileRead', { file_path: '/a', content: 'x' }),
    ask({ kind: 'read', tool: 'TabRead' }, 'second'),
  ],
  [
    'cursor',
    cursor('afterFileEdit', { file_path: '/a', edits: [] }),
    { type: 'done', action: { kind: 'write', path: '/a' } },
  ],
  [
    'cursor',
    cursor('beforeSubmitPrompt', { prompt: 'do it', attachments: [{ type: 'file', file_path: '/a' }] }),
    { type: 'prompt', text: 'do it', attachments: ['/a'] },
  ],
  [
    'cursor',
    cursor('subagentStart', { subagent_type: 'explore', task: 'look', subagent_id: 's' }),
    { type: 'subagent', task: 'look' },
  ],
  ['cursor', cursor('subagentStop', { status: 'completed' }), { type: 'note', name: 'subagentStop' }],
  ['cursor', cursor('sessionStart', { composer_mode: 'agent' }), { type: 'session-start' }],
  ['cursor', cursor('sessionEnd', { reason: 'error', error_message: 'x' }), { type: 'session-end', reason: 'error x' }],
  [
    'cursor',
    cursor('preCompact', { trigger: 'auto' }),
    { type: 'note', name: 'preCompact', detail: '{"trigger":"auto"}' },
  ],
  ['cursor', cursor('stop', { status: 'completed' }), { type: 'note', name: 'stop' }],
  ['cursor', cursor('afterAgentResponse', { text: 'done' }), { type: 'answer', text: 'done' }],
  ['cursor', cursor('afterAgentThought', { text: 'hm', duration_ms: 1 }), { type: 'thought', text: 'hm' }],
  ['cursor', cursor('afterTabFileEdit', { file_path: '/a', edits: [] }), { type: 'note', name: 'afterTabFileEdit' }],
  ['cursor', { hook_event_name: 'workspaceOpen' }, { type: 'note', name: 'workspaceOpen' }],
  ['cursor', cursor('anEventOfNextYear', { x: 1 }), { type: 'note', name: 'anEventOfNextYear' }],

  [
    'claude-code',
    claude('PreToolUse', {
      tool_name: 'Bash',
      tool_input: { command: 'ls', description: 'List' },
      tool_use_id: 'toolu_01',
    }),
    ask(shell('ls', '/shop/app'), 'first', 'toolu_01'),
  ],
  [
    'claude-code',
    claude('PreToolUse', {
      tool_name: 'MultiEdit',
      tool_input: { file_path: '/a', edits: [{ old_string: 'a', new_string: 'b', replace_all: true }] },
    }),
    ask({ kind: 'write', change: { kind: 'edits', edits: [{ before: 'a', after: 'b', all: true }] } }),
  ],
  [
    'claude-code',
    claude('PreToolUse', { tool_name: 'mcp__db__query', tool_input: { sql: 'x' } }),
    ask({ kind: 'call', tool: 'mcp__db__query', server: 'db' }),
  ],
  [
    'claude-code',
    claude('PreToolUse', { tool_name: 'WebFetch', tool_input: { url: 'https://a.example' } }),
    ask({ kind: 'call', tool: 'WebFetch' }),
  ],
  [
    'claude-code',
    claude('PostToolUse', {
      tool_name: 'Bash',
      tool_input: { command: 'ls' },
      tool_response: { stdout: 'a', stderr: 'b' },
      tool_use_id: 't',
    }),
    { type: 'done', id: 't', outcome: { ok: true, output: 'a\nb' } },
  ],
  ['claude-code', claude('UserPromptSubmit', { prompt: 'do it' }), { type: 'prompt', text: 'do it' }],
  ['claude-code', claude('SessionStart', { source: 'startup' }), { type: 'session-start' }],
  ['claude-code', claude('SessionEnd', { reason: 'exit' }), { type: 'session-end', reason: 'exit' }],
  ['claude-code', claude('Stop', { last_assistant_message: 'done' }), { type: 'answer', text: 'done' }],
  ['claude-code', claude('Notification', { message: 'x' }), { type: 'note', name: 'Notification' }],

  ['codex', claude('PreToolUse', { tool_name: 'Bash', tool_input: { command: 'ls' } }), ask(shell('ls', '/shop/app'))],
  [
    'codex',
    claude('PreToolUse', { tool_name: 'shell', tool_input: { command: ['bash', '-lc', 'ls -l'], workdir: '/w' } }),
    ask(shell('ls -l', '/w')),
  ],
  [
    'codex',
    claude('PreToolUse', {
      tool_name: 'apply_patch',
      tool_input: { command: '*** Begin Patch\n*** Update File: a.ts\n-x\n+y\n*** Delete File: b.ts\n*** End Patch' },
    }),
    ask({
      kind: 'patch',
      files: [
        { path: 'a.ts', how: 'write' },
        { path: 'b.ts', how: 'delete' },
      ],
    }),
  ],
  ['codex', claude('UserPromptSubmit', { prompt: 'x' }), { type: 'prompt', text: 'x' }],

  [
    'copilot',
    copilot({ toolName: 'bash', toolArgs: '{"command":"ls","description":"x"}' }),
    ask(shell('ls', '/shop/app')),
    'preToolUse',
  ],
  [
    'copilot',
    copilot({ toolName: 'create', toolArgs: { path: '/a', file_text: 'x' } }),
    ask({ kind: 'write', path: '/a', change: { kind: 'content', text: 'x' } }),
    'preToolUse',
  ],
  [
    'copilot',
    copilot({ toolName: 'edit', toolArgs: { path: '/a', old_str: 'x', new_str: 'y' } }),
    ask({ kind: 'write', change: { kind: 'edits' } }),
    'preToolUse',
  ],
  [
    'copilot',
    copilot({
      toolName: 'bash',
      toolArgs: '{"command":"ls"}',
      toolResult: { resultType: 'failure', textResultForLlm: 'no' },
    }),
    { type: 'done', outcome: { ok: false, output: 'no', error: 'failure' } },
    'postToolUse',
  ],
  ['copilot', copilot({ prompt: 'do it' }), { type: 'prompt', text: 'do it' }, 'userPromptSubmitted'],
  ['copilot', copilot({ source: 'new' }), { type: 'session-start' }, 'sessionStart'],
  ['copilot', copilot({ reason: 'complete' }), { type: 'session-end', reason: 'complete' }, 'sessionEnd'],
  ['copilot', copilot({ error: { message: 'x' } }), { type: 'note', name: 'errorOccurred' }, 'errorOccurred'],
  [
    'copilot',
    claude('PreToolUse', { tool_name: 'run_in_terminal', tool_input: { command: 'ls' } }),
    ask(shell('ls', '/shop/app')),
  ],

  [
    'gemini-cli',
    gemini('BeforeTool', { tool_name: 'run_shell_command', tool_input: { command: 'ls', directory: 'src' } }),
    ask(shell('ls', 'src')),
  ],
  [
    'gemini-cli',
    gemini('BeforeTool', { tool_name: 'write_file', tool_input: { file_path: '/a', content: 'x' } }),
    ask({ kind: 'write', path: '/a' }),
  ],
  [
    'gemini-cli',
    gemini('BeforeTool', { tool_name: 'replace', tool_input: { file_path: '/a', old_string: 'x', new_string: 'y' } }),
    ask({ kind: 'write' }),
  ],
  [
    'gemini-cli',
    gemini('BeforeTool', { tool_name: 'web_fetch', tool_input: { prompt: 'x' } }),
    ask({ kind: 'call', tool: 'web_fetch' }),
  ],
  [
    'gemini-cli',
    gemini('AfterTool', {
      tool_name: 'run_shell_command',
      tool_input: { command: 'ls' },
      tool_response: { llmContent: 'a' },
    }),
    { type: 'done', outcome: { ok: true, output: 'a' } },
  ],
  ['gemini-cli', gemini('BeforeAgent', { prompt: 'x' }), { type: 'prompt', text: 'x' }],
  ['gemini-cli', gemini('AfterAgent', { prompt: 'x', prompt_response: 'y' }), { type: 'answer', text: 'y' }],
  ['gemini-cli', gemini('SessionStart', { source: 'startup' }), { type: 'session-start' }],
  ['gemini-cli', gemini('SessionEnd', { reason: 'exit' }), { type: 'session-end' }],

  ['windsurf', windsurf('pre_run_command', { command_line: 'ls', cwd: '/shop' }), ask(shell('ls', '/shop'))],
  [
    'windsurf',
    windsurf('post_run_command', { command_line: 'ls', cwd: '/shop' }),
    { type: 'done', action: shell('ls', '/shop') },
  ],
  [
    'windsurf',
    windsurf('pre_write_code', { file_path: '/a', edits: [{ old_string: 'x', new_string: 'y' }] }),
    ask({ kind: 'write', path: '/a' }),
  ],
  [
    'windsurf',
    windsurf('post_write_code', { file_path: '/a', edits: [] }),
    { type: 'done', action: { kind: 'write' } },
  ],
  ['windsurf', windsurf('pre_read_code', { file_path: '/a' }), ask({ kind: 'read', path: '/a' })],
  ['windsurf', windsurf('post_read_code', { file_path: '/a' }), { type: 'done', action: { kind: 'read' } }],
  [
    'windsurf',
    windsurf('pre_mcp_tool_use', { mcp_server_name: 'db', mcp_tool_name: 'query', mcp_tool_arguments: { sql: 'x' } }),
    ask({ kind: 'call', tool: 'MCP:query', server: 'db', input: { sql: 'x' } }),
  ],
  [
    'windsurf',
    windsurf('post_mcp_tool_use', {
      mcp_server_name: 'db',
      mcp_tool_name: 'query',
      mcp_tool_arguments: {},
      mcp_result: 'r',
    }),
    { type: 'done', outcome: { output: 'r' } },
  ],
  ['windsurf', windsurf('pre_user_prompt', { user_prompt: 'x' }), { type: 'prompt', text: 'x' }],
  ['windsurf', windsurf('post_cascade_response', { response: 'x' }), { type: 'answer', text: 'x' }],
];

test.each(FIXTURES)('%s: %j', (agent, raw, wanted, eventName) => {
  expect(adapters[agent].read(raw, eventName ?? null).event).toMatchObject(wanted);
});

test('who it is, and where', () => {
  const { context } = adapters.cursor.read(cursor('stop', { cwd: '/tmp/repo/src' }), null);
  expect(context).toMatchObject({
    version: '2026.09.10-fd3934a',
    conversationId: 'e747cb7c',
    model: 'claude-sonnet-4-5',
    workspaces: ['/tmp/repo'],
    cwd: '/tmp/repo/src',
  });
  expect(adapters['claude-code'].read(claude('Stop'), null).context).toMatchObject({
    conversationId: 'abc123',
    cwd: '/shop/app',
  });
  expect(adapters.copilot.read(copilot({}), 'sessionStart').context).toMatchObject({ conversationId: 'c1' });
  expect(adapters.windsurf.read(windsurf('pre_user_prompt', {}), null).context).toMatchObject({ conversationId: 't1' });
});

describe('anything at all', () => {
  const types: AgentEvent['type'][] = [
    'ask',
    'done',
    'note',
    'prompt',
    'subagent',
    'session-start',
    'session-end',
    'thought',
    'answer',
  ];
  test.each(AGENT_NAMES)('%s: is an event, and never an error', (agent) => {
    const names = FIXTURES.filter(([one]) => one === agent).map(
      ([, raw, , name]) => name ?? String(raw.hook_event_name ?? raw.agent_action_name),
    );
    const fields = [
      'tool_name',
      'tool_input',
      'toolName',
      'toolArgs',
      'tool_info',
      'command',
      'cwd',
      'workspace_roots',
      'edits',
    ];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.dictionary(fc.constantFrom(...fields), fc.jsonValue()), (name, raw) => {
        const { event } = adapters[agent].read(raw, name);
        expect(types).toContain(event.type);
        // What asks is never turned into what does not.
        if (/^(preToolUse|PreToolUse|BeforeTool|pre_run_command|before(Shell|MCP)Execution)$/.test(name))
          expect(['ask', 'note']).toContain(event.type);
      }),
    );
  });
});
