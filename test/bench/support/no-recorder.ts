import type { Recorder, SessionRecorder } from '../../../gateway/pipeline/ports.ts';

/** Stands in for the recorder where the benchmark measures what recording costs: it keeps nothing. */
export function createRecorder(): Recorder {
  const session: SessionRecorder = {
    request() {},
    response() {},
    statement() {},
    end() {},
    durable: () => Promise.resolve(),
    event() {},
    close: () => Promise.resolve(),
    backlog: 0,
    drained: () => Promise.resolve(),
  };
  return { open: () => session, failure: null, onSealed() {}, close: () => Promise.resolve() };
}
