import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { AgentContext, AgentEvent } from '../../protocols/agent/events.ts';
import { type AgentAdapter, asText, object, text } from '../adapter.ts';
import { isHarmless, toolAction } from '../tools.ts';

const Raw = z.looseObject({ hook_event_name: text, session_id: text, cwd: text, tool_name: text });
type Raw = z.infer<typeof Raw>;

export const geminiCli: AgentAdapter = {
  read(given, eventName) {
    const raw = Raw.parse(given);
    return { event: eventOf(eventName ?? raw.hook_event_name, raw), context: contextOf(raw) };
  },
};

function contextOf(raw: Raw): Omit<AgentContext, 'agent'> {
  return {
    version: '',
    conversationId: raw.session_id.slice(0, 200),
    model: '',
    workspaces: [],
    cwd: isAbsolute(raw.cwd) ? raw.cwd : null,
    rewrites: 'none',
  };
}

function eventOf(name: string, raw: Raw): AgentEvent {
  const action = () => toolAction(raw.tool_name, raw.tool_input, raw.cwd || null, raw.cwd || null);
  switch (name) {
    case 'BeforeTool':
      if (isHarmless(raw.tool_name)) return { type: 'note', name: raw.tool_name, detail: asText(raw.tool_input) };
      return { type: 'ask', phase: 'first', id: null, action: action() };
    case 'AfterTool': {
      if (isHarmless(raw.tool_name)) return { type: 'note', name, detail: '' };
      const { llmContent, error } = object.parse(raw.tool_response);
      const failed = error !== undefined && error !== null;
      const output = asText(llmContent ?? raw.tool_response);
      const outcome = { ok: !failed, output, error: failed ? asText(error) : null, durationMs: null };
      return { type: 'done', id: null, action: action(), outcome, final: true };
    }
    case 'BeforeAgent':
      return { type: 'prompt', text: text.parse(raw.prompt), attachments: [] };
    case 'AfterAgent':
      return { type: 'answer', text: text.parse(raw.prompt_response) };
    case 'SessionStart':
      return { type: 'session-start' };
    case 'SessionEnd':
      return { type: 'session-end', reason: text.parse(raw.reason) };
    default: {
      const { hook_event_name, session_id, transcript_path, cwd, timestamp, ...own } = raw;
      return { type: 'note', name: name.slice(0, 100) || 'event', detail: JSON.stringify(own).slice(0, 64 * 1024) };
    }
  }
}
