import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { AgentAction, AgentContext, AgentEvent } from '../../protocols/agent/events.ts';
import {
  type AgentAdapter,
  asText,
  changeOf,
  firstText,
  maybeNumber,
  maybeText,
  object,
  parsedJson,
  text,
  texts,
} from '../adapter.ts';
import { isHarmless, pathOf, toolAction } from '../tools.ts';

/** Fields of all events; unknown ones stay. */
const Raw = z.looseObject({
  hook_event_name: text,
  conversation_id: text,
  session_id: text,
  model: text,
  cursor_version: text,
  workspace_roots: texts,
  cwd: text,
  tool_name: text,
  tool_use_id: maybeText,
  command: maybeText,
  duration: maybeNumber,
});
type Raw = z.infer<typeof Raw>;

export const cursor: AgentAdapter = {
  read(given, eventName) {
    const raw = Raw.parse(given);
    const name = eventName ?? raw.hook_event_name;
    return { event: eventOf(name.charAt(0).toLowerCase() + name.slice(1), raw), context: contextOf(raw) };
  },
};

function contextOf(raw: Raw): Omit<AgentContext, 'agent'> {
  return {
    version: raw.cursor_version.slice(0, 100),
    conversationId: (raw.conversation_id || raw.session_id).slice(0, 200),
    model: raw.model.slice(0, 200),
    workspaces: raw.workspace_roots.filter(isAbsolute),
    cwd: isAbsolute(raw.cwd) ? raw.cwd : null,
    rewrites: 'any',
  };
}

function eventOf(name: string, raw: Raw): AgentEvent {
  const id = raw.tool_use_id;
  switch (name) {
    case 'preToolUse': {
      if (isHarmless(raw.tool_name)) return { type: 'note', name: raw.tool_name, detail: asText(raw.tool_input) };
      return { type: 'ask', phase: 'first', id, action: actionOf(raw) };
    }
    case 'postToolUse':
    case 'postToolUseFailure':
      return done(id, actionOf(raw), raw, name === 'postToolUse', true);
    case 'beforeShellExecution':
      return { type: 'ask', phase: 'second', id, action: shellAction(raw, raw) };
    case 'afterShellExecution':
      return done(id, shellAction(raw, raw), raw, true, false);
    case 'beforeMCPExecution':
      return { type: 'ask', phase: 'second', id, action: mcpAction(raw) };
    case 'afterMCPExecution':
      return done(id, mcpAction(raw), raw, true, false);
    case 'beforeReadFile':
    case 'beforeTabFileRead': {
      const action = readAction(name === 'beforeReadFile' ? 'Read' : 'TabRead', raw, maybeText.parse(raw.content));
      return { type: 'ask', phase: 'second', id, action };
    }
    case 'afterFileEdit':
      return done(id, writeAction('Write', raw), raw, true, false);
    case 'beforeSubmitPrompt':
      return { type: 'prompt', text: text.parse(raw.prompt), attachments: attachmentsOf(raw.attachments) };
    case 'subagentStart':
      return {
        type: 'subagent',
        name: text.parse(raw.subagent_type),
        task: text.parse(raw.task),
        id: maybeText.parse(raw.subagent_id),
      };
    case 'sessionStart':
      return { type: 'session-start' };
    case 'sessionEnd':
      return { type: 'session-end', reason: [text.parse(raw.reason), text.parse(raw.error_message)].join(' ').trim() };
    case 'afterAgentThought':
      return { type: 'thought', text: text.parse(raw.text) };
    case 'afterAgentResponse':
      return { type: 'answer', text: text.parse(raw.text) };
    default:
      return { type: 'note', name: name.slice(0, 100) || 'event', detail: detailOf(raw) };
  }
}

const actionOf = (raw: Raw) =>
  toolAction(raw.tool_name, raw.tool_input, raw.cwd || null, raw.workspace_roots[0] ?? null);

function shellAction(input: Record<string, unknown>, raw: Raw, tool = 'Shell'): AgentAction {
  const command = firstText(input, 'command', 'cmd');
  if (command === null) return { kind: 'call', tool, server: null, input, target: null };
  const cwd = firstText(input, 'working_directory', 'workingDirectory', 'cwd') || raw.cwd;
  return { kind: 'shell', tool: 'Shell', command, cwd: cwd === '' ? null : cwd };
}

function readAction(tool: string, input: Record<string, unknown>, content: string | null): AgentAction {
  const path = pathOf(input);
  if (path === null) return { kind: 'call', tool, server: null, input, target: null };
  return { kind: 'read', tool, path, content };
}

function writeAction(tool: string, input: Record<string, unknown>): AgentAction {
  const path = pathOf(input);
  if (path === null) return { kind: 'call', tool, server: null, input, target: null };
  return { kind: 'write', tool, path, change: changeOf(input) };
}

function mcpAction(raw: Raw): AgentAction {
  return {
    kind: 'call',
    tool: `MCP:${raw.tool_name}`,
    server: maybeText.parse(raw.mcp_server_name),
    input: parsedJson(raw.tool_input),
    target: firstText(raw, 'url', 'command'),
  };
}

function done(id: string | null, action: AgentAction, raw: Raw, ok: boolean, final: boolean): AgentEvent {
  const output = asText(raw.tool_output ?? raw.output ?? raw.result_json);
  const error = ok ? null : `${text.parse(raw.failure_type)}: ${text.parse(raw.error_message)}`;
  return { type: 'done', id, action, outcome: { ok, output, error, durationMs: raw.duration }, final };
}

function attachmentsOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [];
  return list.flatMap((one) => firstText(object.parse(one), 'file_path', 'filePath') ?? []).slice(0, 100);
}

/** What an event says of its own, for those that only tell. */
function detailOf(raw: Raw): string {
  const { hook_event_name, conversation_id, session_id, generation_id, cursor_version, user_email, ...rest } = raw;
  const { workspace_roots, transcript_path, model, cwd, tool_use_id, ...own } = rest;
  const said = Object.entries(own).filter(([, value]) => value !== null && value !== '');
  return JSON.stringify(Object.fromEntries(said)).slice(0, 64 * 1024);
}
