import { z } from 'zod';
import type { AgentContext, AgentEvent, FileChange } from '../protocols/agent/events.ts';

/** What an agent's hooks say, in the one form for all agents. */
export interface AgentAdapter {
  /**
   * Never throws: of what an agent says only what is understood is taken, and an action that cannot be told is
   * a call of an unknown tool, which is asked about.
   * @param eventName from the installed command, for agents that do not say it.
   */
  read(
    raw: Record<string, unknown>,
    eventName: string | null,
  ): { event: AgentEvent; context: Omit<AgentContext, 'agent'> };
}

/** Fields of events: what is missing or of another type is empty. */
export const text = z.string().catch('');
export const maybeText = z.string().nullable().catch(null);
export const texts = z
  .array(z.unknown())
  .catch([])
  .transform((items) => items.filter((item): item is string => typeof item === 'string').slice(0, 64));
export const maybeNumber = z.number().nonnegative().nullable().catch(null);
export const object = z.record(z.string(), z.unknown()).catch({});

/** The first of some names that has a text. */
export function firstText(input: Record<string, unknown>, ...names: string[]): string | null {
  for (const name of names) if (typeof input[name] === 'string') return input[name];
  return null;
}

/** A value that may be JSON in a text. */
export function parsedJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export const asText = (value: unknown): string =>
  typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);

/** `{old_string, new_string, replace_all}` and lists of them, under the names that agents give them. */
export function changeOf(input: Record<string, unknown>): FileChange {
  const content = firstText(input, 'content', 'contents', 'file_text', 'code_edit');
  if (content !== null && typeof input.code_edit !== 'string') return { kind: 'content', text: content };
  const list = Array.isArray(input.edits) ? input.edits : [input];
  const edits = list.flatMap((one) => {
    const edit = object.parse(one);
    const before = firstText(edit, 'old_string', 'old_str', 'old_text', 'oldText');
    const after = firstText(edit, 'new_string', 'new_str', 'new_text', 'newText');
    return before === null || after === null ? [] : [{ before, after, all: edit.replace_all === true }];
  });
  return edits.length === list.length ? { kind: 'edits', edits } : { kind: 'unknown', text: JSON.stringify(input) };
}
