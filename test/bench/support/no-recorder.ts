import type { SessionRecorder } from '../../../gateway/pipeline/ports.ts';
import type { OpenedRecorder } from '../../../gateway/recording/recorder.ts';

/** Stands in for the recorder where the benchmark measures what recording costs: it keeps nothing. */
export function createRecorder(): OpenedRecorder {
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
    at: 0,
  };
  return {
    open: () => session,
    failure: null,
    onSealed() {},
    onFact() {},
    onFailure() {},
    heads: () => Promise.resolve([]),
    refuse: (error) => error,
    close: () => Promise.resolve(),
  };
}
