import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { AgentAction, AgentContext, AgentEvent } from '../../protocols/agent/events.ts';
import { type AgentAdapter, asText, changeOf, firstText, object, parsedJson, text } from '../adapter.ts';

const Raw = z.looseObject({
  agent_action_name: text,
  trajectory_id: text,
  execution_id: text,
  model_name: text,
  tool_info: object,
});
type Raw = z.infer<typeof Raw>;

/** Windsurf has an event for each kind of action, before it and after it. */
export const windsurf: AgentAdapter = {
  read(given, eventName) {
    const raw = Raw.parse(given);
    return { event: eventOf(eventName ?? raw.agent_action_name, raw), context: contextOf(raw) };
  },
};

function contextOf(raw: Raw): Omit<AgentContext, 'agent'> {
  const cwd = firstText(raw.tool_info, 'cwd');
  return {
    version: '',
    conversationId: (raw.trajectory_id || raw.execution_id).slice(0, 200),
    model: raw.model_name.slice(0, 200),
    workspaces: [],
    cwd: cwd !== null && isAbsolute(cwd) ? cwd : null,
    rewrites: 'none',
  };
}

function eventOf(name: string, raw: Raw): AgentEvent {
  const { tool_info: info } = raw;
  const kind = /^(pre|post)_(read_code|write_code|run_command|mcp_tool_use)$/.exec(name);
  if (kind) {
    const action = actionOf(kind[2]!, info);
    if (kind[1] === 'pre') return { type: 'ask', phase: 'first', id: null, action };
    const output = asText(info.mcp_result ?? info.output ?? info.stdout);
    return {
      type: 'done',
      id: null,
      action,
      outcome: { ok: true, output, error: null, durationMs: null },
      final: true,
    };
  }
  switch (name) {
    case 'pre_user_prompt':
      return { type: 'prompt', text: text.parse(info.user_prompt), attachments: [] };
    case 'post_cascade_response':
      return { type: 'answer', text: text.parse(info.response) };
    default:
      return { type: 'note', name: name.slice(0, 100) || 'event', detail: JSON.stringify(info).slice(0, 64 * 1024) };
  }
}

function actionOf(kind: string, info: Record<string, unknown>): AgentAction {
  const path = firstText(info, 'file_path', 'path');
  const command = firstText(info, 'command_line', 'command');
  if (kind === 'run_command' && command !== null)
    return { kind: 'shell', tool: 'Shell', command, cwd: firstText(info, 'cwd') };
  if (kind === 'read_code' && path !== null) return { kind: 'read', tool: 'Read', path, content: null };
  if (kind === 'write_code' && path !== null) return { kind: 'write', tool: 'Write', path, change: changeOf(info) };
  const tool = firstText(info, 'mcp_tool_name');
  return {
    kind: 'call',
    tool: tool === null ? kind : `MCP:${tool}`,
    server: firstText(info, 'mcp_server_name'),
    input: parsedJson(info.mcp_tool_arguments ?? info),
    target: null,
  };
}
