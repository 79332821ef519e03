import { useQuery } from '@tanstack/react-query';
import type { TerminalEvent, TerminalPart } from '../../../../../../gateway/contract/terminal.ts';
import { callApi } from '../../../../api/client.ts';
import { type Frame, framesOf } from './timeline.ts';

/** Characters of base64 that a page holds; longer recordings are exported and played elsewhere. */
const MAX_HELD = 24 * 1024 * 1024;

export interface RecordedTerminal {
  size: TerminalPart['size'];
  frames: Frame[];
  cut: boolean;
}

async function readAll(id: string, signal: AbortSignal): Promise<RecordedTerminal> {
  const events: TerminalEvent[] = [];
  let held = 0;
  let size: TerminalPart['size'] = null;
  let next: TerminalPart['next'] = null;
  do {
    signal.throwIfAborted();
    const part: TerminalPart = await callApi('terminal', { id, ...next });
    size = part.size;
    next = part.next;
    events.push(...part.events);
    for (const event of part.events) held += 'data' in event ? event.data.length : 0;
  } while (next !== null && held < MAX_HELD);
  return { size, frames: framesOf(events), cut: next !== null };
}

/** A terminal's recording, read part by part. */
export function useFrames(id: string) {
  return useQuery({
    queryKey: ['terminal', { id }],
    queryFn: ({ signal }) => readAll(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  });
}
