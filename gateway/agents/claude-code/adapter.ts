import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { AgentContext, AgentEvent } from '../../protocols/agent/events.ts';
import { type AgentAdapter, asText, maybeNumber, maybeText, object, text } from '../adapter.ts';
import { isHarmless, toolAction } from '../tools.ts';

/** Fields of all events of Claude Code; Codex has the same. */
const Raw = z.looseObject({
  hook_event_name: text,
  session_id: text,
  transcript_path: text,
  cwd: text,
  model: text,
  tool_name: text,
  tool_use_id: maybeText,
  duration_ms: maybeNumber,
});
type Raw = z.infer<typeof Raw>;

export const claudeCode: AgentAdapter = { read: (given, eventName) => readClaude(given, eventName, 'approved') };

/** @param rewrites whether the agent takes another input in place of the one it asked about. */
export function readClaude(
  given: Record<string, unknown>,
  eventName: string | null,
  rewrites: AgentContext['rewrites'],
): ReturnType<AgentAdapter['read']> {
  const raw = Raw.parse(given);
  return { event: eventOf(eventName ?? raw.hook_event_name, raw), context: contextOf(raw, rewrites) };
}

function contextOf(raw: Raw, rewrites: AgentContext['rewrites']): Omit<AgentContext, 'agent'> {
  return {
    version: '',
    conversationId: raw.session_id.slice(0, 200),
    model: raw.model.slice(0, 200),
    // The project's root comes from the hook's environment; the directory may be anywhere in it.
    workspaces: [],
    cwd: isAbsolute(raw.cwd) ? raw.cwd : null,
    rewrites,
  };
}

function eventOf(name: string, raw: Raw): AgentEvent {
  const id = raw.tool_use_id;
  const action = () => toolAction(raw.tool_name, raw.tool_input, raw.cwd || null, raw.cwd || null);
  switch (name) {
    case 'PreToolUse':
      if (isHarmless(raw.tool_name)) return { type: 'note', name: raw.tool_name, detail: asText(raw.tool_input) };
      return { type: 'ask', phase: 'first', id, action: action() };
    case 'PostToolUse':
    case 'PostToolUseFailure': {
      if (isHarmless(raw.tool_name)) return { type: 'note', name, detail: asText(raw.tool_response) };
      const ok = name === 'PostToolUse' && raw.is_error !== true;
      const error = ok ? null : asText(raw.error ?? raw.tool_response);
      const outcome = { ok, output: outputOf(raw.tool_response), error, durationMs: raw.duration_ms };
      return { type: 'done', id, action: action(), outcome, final: true };
    }
    case 'UserPromptSubmit':
      return { type: 'prompt', text: text.parse(raw.prompt), attachments: [] };
    case 'SessionStart':
      return { type: 'session-start' };
    case 'SessionEnd':
      return { type: 'session-end', reason: text.parse(raw.reason) };
    case 'Stop':
      return { type: 'answer', text: text.parse(raw.last_assistant_message) };
    default: {
      const { hook_event_name, session_id, transcript_path, cwd, permission_mode, ...own } = raw;
      return { type: 'note', name: name.slice(0, 100) || 'event', detail: JSON.stringify(own).slice(0, 64 * 1024) };
    }
  }
}

/** A command's streams as text; any other answer as JSON. */
function outputOf(response: unknown): string {
  const { stdout, stderr } = object.parse(response);
  if (typeof stdout !== 'string') return asText(response);
  return typeof stderr === 'string' && stderr !== '' ? `${stdout}\n${stderr}` : stdout;
}
