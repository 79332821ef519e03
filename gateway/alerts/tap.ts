import type {
  EventKeeping,
  Recorder,
  RecorderSessionInfo,
  SessionRecorder,
  StatementSummary,
} from '../pipeline/ports.ts';

/** Told of what is recorded, once it is. Called on the path of each statement: has to be cheap, and must not throw. */
export interface RecordingTap {
  opened(session: RecorderSessionInfo, at: number): void;
  /** @param index order within the session. @param startedAt of its exchange, microseconds since the epoch. */
  statement(
    session: RecorderSessionInfo,
    place: { exchange: number; index: number; startedAt: number; endedAt: number },
    summary: StatementSummary,
  ): void;
  event(session: RecorderSessionInfo, at: number, type: string, detail: Record<string, unknown>): void;
  closed(session: RecorderSessionInfo, at: number, reason: string): void;
}

/** The same recorder, whose sessions are also told to `tap`. */
export function tapRecorder(recorder: Recorder, tap: RecordingTap): Recorder {
  return {
    open(info) {
      const session = recorder.open(info);
      tap.opened(info, session.at);
      return new TappedSession(session, info, tap);
    },
    get failure() {
      return recorder.failure;
    },
    onSealed: (listener) => recorder.onSealed(listener),
    close: () => recorder.close(),
  };
}

class TappedSession implements SessionRecorder {
  readonly #inner: SessionRecorder;
  readonly #info: RecorderSessionInfo;
  readonly #tap: RecordingTap;
  /** When the exchanges that have not ended began. */
  readonly #started = new Map<number, number>();
  #highest = -1;
  #index = 0;
  #closed = false;

  constructor(inner: SessionRecorder, info: RecorderSessionInfo, tap: RecordingTap) {
    this.#inner = inner;
    this.#info = info;
    this.#tap = tap;
  }

  request(exchange: number, bytes: Uint8Array): void {
    this.#inner.request(exchange, bytes);
    if (exchange <= this.#highest) return;
    this.#highest = exchange;
    this.#started.set(exchange, this.#inner.at);
  }

  response(exchange: number, bytes: Uint8Array): void {
    this.#inner.response(exchange, bytes);
  }

  statement(exchange: number, summary: StatementSummary): void {
    this.#inner.statement(exchange, summary);
    const endedAt = this.#inner.at;
    const startedAt = this.#started.get(exchange) ?? endedAt;
    this.#tap.statement(this.#info, { exchange, index: this.#index++, startedAt, endedAt }, summary);
  }

  end(exchange: number): void {
    this.#inner.end(exchange);
    this.#started.delete(exchange);
  }

  durable(): Promise<void> {
    return this.#inner.durable();
  }

  event(type: string, detail: Record<string, unknown>, how?: EventKeeping): void {
    this.#inner.event(type, detail, how);
    this.#tap.event(this.#info, this.#inner.at, type, detail);
  }

  close(reason: string): Promise<void> {
    const closing = this.#inner.close(reason);
    if (!this.#closed) this.#tap.closed(this.#info, this.#inner.at, reason);
    this.#closed = true;
    return closing;
  }

  get at(): number {
    return this.#inner.at;
  }

  get backlog(): number {
    return this.#inner.backlog;
  }

  drained(): Promise<void> {
    return this.#inner.drained();
  }
}
