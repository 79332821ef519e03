import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { AgentContext, AgentEvent } from '../../protocols/agent/events.ts';
import { type AgentAdapter, asText, firstText, maybeText, object, text } from '../adapter.ts';
import { isHarmless, toolAction } from '../tools.ts';

/** The command line has camelCase and no event's name; VS Code has the names of Claude Code. */
const Raw = z.looseObject({
  hook_event_name: text,
  cwd: text,
  toolName: text,
  tool_name: text,
  tool_use_id: maybeText,
});
type Raw = z.infer<typeof Raw>;

export const copilot: AgentAdapter = {
  read(given, eventName) {
    const raw = Raw.parse(given);
    const name = eventName ?? raw.hook_event_name;
    return { event: eventOf(name.charAt(0).toLowerCase() + name.slice(1), raw), context: contextOf(raw) };
  },
};

function contextOf(raw: Raw): Omit<AgentContext, 'agent'> {
  const cwd = isAbsolute(raw.cwd) ? raw.cwd : null;
  return {
    version: '',
    conversationId: (firstText(raw, 'sessionId', 'session_id') ?? '').slice(0, 200),
    model: '',
    workspaces: cwd === null ? [] : [cwd],
    cwd,
    rewrites: 'none',
  };
}

function eventOf(name: string, raw: Raw): AgentEvent {
  const tool = raw.toolName || raw.tool_name;
  const id = raw.tool_use_id ?? firstText(raw, 'toolCallId', 'toolUseId');
  const action = () => toolAction(tool, raw.toolArgs ?? raw.tool_input, raw.cwd || null, raw.cwd || null);
  switch (name) {
    case 'preToolUse':
      if (isHarmless(tool)) return { type: 'note', name: tool, detail: asText(raw.toolArgs ?? raw.tool_input) };
      return { type: 'ask', phase: 'first', id, action: action() };
    case 'postToolUse': {
      if (isHarmless(tool)) return { type: 'note', name, detail: '' };
      const result = raw.toolResult ?? raw.tool_response;
      const { resultType, textResultForLlm } = object.parse(result);
      const ok = resultType === undefined || resultType === 'success';
      const output = asText(textResultForLlm ?? result);
      const outcome = { ok, output, error: ok ? null : String(resultType), durationMs: null };
      return { type: 'done', id, action: action(), outcome, final: true };
    }
    case 'userPromptSubmitted':
    case 'userPromptSubmit':
      return { type: 'prompt', text: text.parse(raw.prompt), attachments: [] };
    case 'sessionStart':
      return { type: 'session-start' };
    case 'sessionEnd':
      return { type: 'session-end', reason: text.parse(raw.reason) };
    default: {
      const { cwd, ...own } = raw;
      return { type: 'note', name: name.slice(0, 100) || 'event', detail: JSON.stringify(own).slice(0, 64 * 1024) };
    }
  }
}
