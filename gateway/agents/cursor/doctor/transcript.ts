import { createReadStream, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { AgentAction } from '../../../protocols/agent/events.ts';
import { withoutSecrets } from '../../../protocols/agent/secrets.ts';
import { object } from '../../adapter.ts';
import { isHarmless, toolAction } from '../../tools.ts';

/** A tool's call as Cursor wrote it down. */
export interface TranscriptCall {
  tool: string;
  action: AgentAction;
}

const MAX_CALLS = 10_000;
const MAX_LINE = 8 * 1024 * 1024;

/** Calls of tools in one of Cursor's transcripts (a message in JSON a line), in their order. */
export async function transcriptCalls(file: string): Promise<TranscriptCall[]> {
  const calls: TranscriptCall[] = [];
  for await (const line of createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    if (line.length > MAX_LINE || calls.length >= MAX_CALLS) continue;
    for (const block of blocksOf(line)) {
      const { type, name, input } = block;
      if ((type !== 'tool_use' && type !== 'tool-call') || typeof name !== 'string') continue;
      const given = input ?? block.args ?? block.arguments;
      if (!isHarmless(name)) calls.push({ tool: name, action: toolAction(name, given, null, null) });
    }
  }
  return calls;
}

function blocksOf(line: string): Record<string, unknown>[] {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // A line that is being written.
    return [];
  }
  const { message, content } = object.parse(value);
  const blocks = object.parse(message).content ?? content;
  return Array.isArray(blocks) ? blocks.map((block) => object.parse(block)) : [];
}

/** What the recording says of one action. */
export interface RecordedCall {
  op: string;
  text: string;
}

/** Calls of the transcript that no recorded action is for: they went around the hooks. Each action counts once. */
export function wentAround(calls: readonly TranscriptCall[], recorded: readonly RecordedCall[]): TranscriptCall[] {
  const left = new Map<string, number>();
  for (const one of recorded) {
    const key = recordedKey(one);
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  return calls.filter(({ action }) => {
    const key = callKey(action);
    const count = left.get(key) ?? 0;
    if (count > 0) left.set(key, count - 1);
    return count === 0;
  });
}

const fileKey = (path: string) => `file ${basename(path)}`;

function callKey(action: AgentAction): string {
  switch (action.kind) {
    case 'shell':
      return `shell ${withoutSecrets(action.command).text}`;
    case 'read':
    case 'write':
    case 'delete':
      return fileKey(action.path);
    case 'patch':
      return fileKey(action.files[0]?.path ?? '');
    case 'call':
      return `call ${action.tool.replace(/^MCP:/, '')}`;
  }
}

/** A change is recorded as a difference, which names its file. */
function recordedKey({ op, text }: RecordedCall): string {
  if (op === 'Shell') return `shell ${text}`;
  const changed = /^\+\+\+ (.+)$/m.exec(text)?.[1] ?? /^\*\*\* \w+ File: (.+)$/m.exec(text)?.[1];
  if (changed !== undefined) return fileKey(changed);
  return /^[/~.A-Za-z]/.test(text) && !text.startsWith('{') ? fileKey(text) : `call ${op}`;
}

/** The newest transcripts below ~/.cursor/projects, newest first; their names are conversations' ids. */
export function newestTranscripts(home: string, most: number): { file: string; conversationId: string }[] {
  const root = join(home, '.cursor', 'projects');
  let names: string[];
  try {
    names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.jsonl') && name.includes('agent-transcripts'))
    .slice(0, 20_000)
    .flatMap((name) => {
      const file = join(root, name);
      const stat = statSync(file, { throwIfNoEntry: false });
      return stat ? [{ file, at: stat.mtimeMs }] : [];
    })
    .sort((a, b) => b.at - a.at)
    .slice(0, most)
    .map(({ file }) => ({ file, conversationId: basename(file, '.jsonl') }));
}
