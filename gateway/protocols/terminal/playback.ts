import type { RecordedEvent, StreamedPiece } from '../../recording/recorded.ts';
import { ERRORS_EXCHANGE, EVENT } from './about.ts';

/** Where the recording of a terminal is read. */
export interface PlaybackSource {
  events(folder: string): AsyncIterable<RecordedEvent>;
  pieces(folder: string, range?: { fromUnit?: number }): AsyncIterable<StreamedPiece>;
}

/** What happened in a terminal, in order. Times are microseconds since the epoch; `unit` finds the place again. */
export type Played = { at: number; unit: number } & (
  | { kind: 'input' | 'output' | 'errors'; bytes: Uint8Array }
  /** Bytes that were redacted, or are damaged. */
  | { kind: 'gap'; stream: 'input' | 'output' | 'errors' }
  | { kind: 'resize'; cols: number; rows: number }
  | { kind: 'note'; name: string; detail: Record<string, unknown> }
);

export interface TerminalSize {
  cols: number;
  rows: number;
}

/** What a recorded terminal was when it began. */
export interface TerminalHead {
  text: string;
  /** null: the command ran on pipes. */
  size: TerminalSize | null;
  /** $TERM of the person's terminal; '' where it was not told. */
  type: string;
}

const count = (value: unknown): number => (Number.isInteger(value) && Number(value) > 0 ? Number(value) : 0);

function sizeOf(detail: Record<string, unknown>): TerminalSize {
  return { cols: count(detail.cols) || 80, rows: count(detail.rows) || 24 };
}

export async function terminalHead(source: PlaybackSource, folder: string): Promise<TerminalHead> {
  for await (const { type, detail } of source.events(folder)) {
    if (type !== EVENT.command) continue;
    const terminal = detail.terminal as Record<string, unknown> | null;
    return {
      text: String(detail.text ?? ''),
      size: terminal === null || typeof terminal !== 'object' ? null : sizeOf(terminal),
      type: typeof terminal?.type === 'string' ? terminal.type : '',
    };
  }
  return { text: '', size: null, type: '' };
}

/** Behind what was played already. */
export interface PlayFrom {
  unit: number;
  at: number;
}

const BEGINNING: PlayFrom = { unit: 0, at: Number.NEGATIVE_INFINITY };

/** A recorded terminal in the order of time; nothing of it is held. */
export async function* playback(
  source: PlaybackSource,
  folder: string,
  from: PlayFrom = BEGINNING,
): AsyncGenerator<Played> {
  const events = source.events(folder)[Symbol.asyncIterator]();
  let event = await events.next();
  async function* upTo(at: number, unit: number): AsyncGenerator<Played> {
    for (; !event.done && event.value.at <= at; event = await events.next()) {
      const { type, detail, at: when } = event.value;
      if (when <= from.at) continue;
      if (type === EVENT.resize) yield { at: when, unit, kind: 'resize', ...sizeOf(detail) };
      else yield { at: when, unit, kind: 'note', name: type, detail };
    }
  }
  let next = from.unit;
  for await (const { unit, at, exchange, direction, bytes } of source.pieces(folder, { fromUnit: from.unit })) {
    yield* upTo(at, unit);
    next = unit + 1;
    const stream = direction === 'up' ? 'input' : exchange === ERRORS_EXCHANGE ? 'errors' : 'output';
    if (bytes === null) yield { at, unit, kind: 'gap', stream };
    else if (bytes.length > 0) yield { at, unit, kind: stream, bytes };
  }
  yield* upTo(Number.POSITIVE_INFINITY, next);
  await events.return?.(undefined);
}
