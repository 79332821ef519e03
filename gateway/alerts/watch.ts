import type { Alert } from '../contract/alert.ts';
import type { AlertBook } from './book.ts';
import { createAlertEngine, type Fired, toAlert } from './engine.ts';
import type { AlertEvent } from './event.ts';
import type { AlertRules } from './rules-file.ts';

export interface AlertWatchDeps {
  rules: AlertRules;
  book: AlertBook;
  /** Each alert once; `fired` is what it came of. Must not throw. */
  onAlert(alert: Alert, fired: Fired): void;
  /** Sentences for the log: a rule that fails (once each), statements that were not looked at. */
  onProblem(sentence: string): void;
  maxWaiting?: number;
}

export interface AlertWatch {
  /** Takes it and returns: rules are looked at later. */
  happened(event: AlertEvent): void;
  /** Events that were not looked at, because too many came at once. */
  readonly missed: number;
  /** Looks at what waits. */
  close(): void;
}

const MAX_WAITING = 20_000;
/** As many as take about a millisecond, so that no session waits for rules. */
const SLICE = 200;

export function createAlertWatch(deps: AlertWatchDeps): AlertWatch {
  const { book, onAlert, onProblem, maxWaiting = MAX_WAITING } = deps;
  const engine = createAlertEngine(deps.rules.rules, book, (rule, sentence) =>
    onProblem(`the alert rule ${rule} fails, and counts as not matching where it does: ${sentence}`),
  );
  let waiting: AlertEvent[] = [];
  let at = 0;
  let scheduled: NodeJS.Immediate | null = null;
  let missed = 0;
  let toldMissed = 0;

  function look(event: AlertEvent): void {
    try {
      for (const fired of engine.evaluate(event)) {
        const alert = toAlert(fired);
        if (book.add(alert)) onAlert(alert, fired);
      }
    } catch (error) {
      // A full disk under the book: statements go on, and this is said.
      missed += 1;
      onProblem(`alerts do not work: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  function step(most: number): void {
    scheduled = null;
    const end = Math.min(waiting.length, at + most);
    while (at < end) look(waiting[at++]!);
    if (at < waiting.length) {
      scheduled = setImmediate(step, SLICE);
      return;
    }
    waiting = [];
    at = 0;
    if (missed === toldMissed) return;
    onProblem(`${missed - toldMissed} statements came too fast for the alert rules, and were not looked at`);
    toldMissed = missed;
  }

  return {
    happened(event) {
      if (engine.settled(event)) return;
      if (waiting.length - at >= maxWaiting) {
        missed += 1;
        return;
      }
      waiting.push(event);
      scheduled ??= setImmediate(step, SLICE);
    },
    get missed() {
      return missed;
    },
    close() {
      if (scheduled) clearImmediate(scheduled);
      step(Number.POSITIVE_INFINITY);
    },
  };
}
