import { pageHeaders } from './client.ts';

export interface EventStream {
  close(): void;
}

/** One event with what it may hold; more without an end of line is no event of ours. */
const MAX_PENDING = 64 * 1024 * 1024;

/**
 * Reads server-sent events (WHATWG HTML, 9.2.6) by fetch, since EventSource sends no headers. Only
 * `data` is taken. `ended` is called once, when the stream ends or cannot be had, unless closed first.
 */
export function openEventStream(
  url: string,
  on: { opened(): void; data(text: string): void; ended(): void },
): EventStream {
  const abort = new AbortController();
  read(url, abort.signal, on).then(
    () => !abort.signal.aborted && on.ended(),
    () => !abort.signal.aborted && on.ended(),
  );
  return { close: () => abort.abort() };
}

async function read(url: string, signal: AbortSignal, on: { opened(): void; data(text: string): void }): Promise<void> {
  const response = await fetch(url, {
    credentials: 'same-origin',
    cache: 'no-store',
    headers: { ...pageHeaders(), accept: 'text/event-stream' },
    signal,
  });
  if (!response.ok || response.body === null) return;
  on.opened();
  const take = eventParser(on.data);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    if (!take(part.value)) return;
  }
}

/** Feeds text as it comes; false once it is no stream of events any more. */
export function eventParser(data: (text: string) => void): (text: string) => boolean {
  let pending = '';
  let lines: string[] = [];
  return (text) => {
    pending += text;
    const parts = pending.split(/\r\n|\n/);
    pending = parts.pop() ?? '';
    for (const line of parts) {
      if (line === '') {
        if (lines.length > 0) data(lines.join('\n'));
        lines = [];
      } else if (line.startsWith('data:')) {
        lines.push(line.slice(line[5] === ' ' ? 6 : 5));
      }
    }
    return pending.length <= MAX_PENDING;
  };
}
