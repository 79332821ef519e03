import type { Alert } from '../contract/alert.ts';
import { isCountersignError } from '../contract/errors.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import type { RecordingSource } from '../store/walk.ts';
import { freshMemory } from './book.ts';
import { createAlertEngine, toAlert } from './engine.ts';
import type { AlertEvent } from './event.ts';
import type { AlertRules } from './rules-file.ts';

/** The events of one recorded session, in the order in which they were decided on. */
export async function* sessionEvents(
  source: Pick<RecordingSource, 'exchanges'>,
  { folder, info }: RecordedSession,
): AsyncGenerator<AlertEvent> {
  yield {
    kind: 'session-opened',
    at: Date.parse(info.openedAt) * 1000,
    session: info,
    exchange: null,
    statement: null,
  };
  // Statements are facts of the log: no bytes of results are held.
  for await (const { exchange, startedAt, statements } of source.exchanges(folder, { maxBytes: 0 })) {
    for (const statement of statements) {
      const at = startedAt + statement.heldMs * 1000;
      yield { kind: 'statement', at, session: info, exchange, statement };
    }
  }
}

/**
 * Evaluates rules over recorded sessions as if they happened now: sessions that ran at the same time are
 * merged by time, and memory begins empty. `folders` are in the order in which their sessions opened; one
 * that cannot be read is left out, and said.
 */
export async function* alertsOf(
  rules: AlertRules,
  source: Pick<RecordingSource, 'exchanges' | 'readSession'>,
  folders: AsyncIterable<string> | Iterable<string>,
  onProblem: (sentence: string) => void = () => {},
): AsyncGenerator<Alert> {
  const engine = createAlertEngine(rules.rules, freshMemory(), (rule, sentence) =>
    onProblem(`the rule ${rule} fails, and counts as not matching where it does: ${sentence}`),
  );
  for await (const event of merged(source, folders, onProblem)) {
    for (const fired of engine.evaluate(event)) yield toAlert(fired);
  }
}

interface Head {
  event: AlertEvent;
  rest: AsyncGenerator<AlertEvent>;
}

/** Only sessions that overlap in time are open at once. */
async function* merged(
  source: Pick<RecordingSource, 'exchanges' | 'readSession'>,
  folders: AsyncIterable<string> | Iterable<string>,
  onProblem: (sentence: string) => void,
): AsyncGenerator<AlertEvent> {
  const heads: Head[] = [];
  const earliest = () => heads.reduce((least, head) => (head.event.at < least.event.at ? head : least));
  async function* until(at: number): AsyncGenerator<AlertEvent> {
    while (heads.length > 0) {
      const head = earliest();
      if (head.event.at > at) return;
      yield head.event;
      const next = await head.rest.next();
      if (next.done) heads.splice(heads.indexOf(head), 1);
      else head.event = next.value;
    }
  }
  for await (const folder of folders) {
    let incoming: Head | null = null;
    try {
      const rest = sessionEvents(source, await source.readSession(folder));
      const first = await rest.next();
      if (!first.done) incoming = { event: first.value, rest };
    } catch (error) {
      if (!isCountersignError(error)) throw error;
      onProblem(`the session in ${folder} is left out: ${error.message}`);
    }
    if (!incoming) continue;
    yield* until(incoming.event.at);
    heads.push(incoming);
  }
  yield* until(Number.POSITIVE_INFINITY);
}
