import type { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { CountersignError } from '../contract/errors.ts';
import { HaltView } from '../contract/halt.ts';
import type { Clock } from '../pipeline/ports.ts';

/** Leave taken away from everything at once, until a person gives it back or its time is over. */
export interface Halt {
  /** null: nothing is halted. */
  readonly view: HaltView | null;
  /** Whatever needs a person is denied for so long; grants do not count meanwhile. Never ends another halt early. */
  pause(minutes: number, by: string): HaltView;
  /** Every session is cut and none begins. A pause becomes this; never ends another panic early. */
  panic(minutes: number, by: string): HaltView;
  resume(by: string): void;
  close(): void;
}

export interface HaltDeps {
  /** Outlives the gateway: stopping and starting it is no way around. */
  file: string;
  clock: Clock;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  /** Whatever waits for a person is denied. */
  denyWaiting(by: string, message: string): void;
  /** Ends every session. */
  cut(reason: string): void;
  /** After each change, its end by time among them. @param by who made it; null where its time was over. */
  onChange(view: HaltView | null, by: string | null): void;
  onProblem(sentence: string): void;
}

const Stored = HaltView.omit({ sentence: true });
type Stored = z.infer<typeof Stored>;

export function createHalt(deps: HaltDeps): Halt {
  const { file, clock } = deps;
  let state: Stored | null = read();
  let cancelTimer: (() => void) | null = null;

  /** A file that cannot be understood was about something: nothing begins until a person has looked. */
  function read(): Stored | null {
    try {
      const text = readFileIfThere(file);
      return text === null ? null : Stored.nullable().parse(JSON.parse(text));
    } catch {
      deps.onProblem(`${file} cannot be read, so nothing is let in until a person resumes with the PIN`);
      const since = new Date(clock.now()).toISOString();
      return { kind: 'panic', since, until: null, by: 'the gateway, which could not read its own state' };
    }
  }

  function set(next: Stored | null, by: string | null): void {
    state = next;
    watch();
    try {
      writeFileAtomic(file, `${JSON.stringify(next)}\n`);
    } catch (error) {
      deps.onProblem(`${file} could not be written, so a restart would not know of this: ${String(error)}`);
    }
    deps.onChange(view(), by);
  }

  /** The clock decides, not the timer: a laptop may have slept. */
  function current(): Stored | null {
    return state !== null && state.until !== null && Date.parse(state.until) <= clock.now() ? null : state;
  }

  function view(): HaltView | null {
    const now = current();
    return now === null ? null : { ...now, sentence: sentenceOf(now) };
  }

  function watch(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (state === null || state.until === null) return;
    cancelTimer = deps.schedule(Math.max(1, Date.parse(state.until) - clock.now()), () => {
      if (current() === null) set(null, null);
      else watch();
    });
  }

  function start(kind: Stored['kind'], minutes: number, by: string): HaltView {
    const before = current();
    const now = clock.now();
    const end = now + minutes * 60_000;
    const until =
      before === null || before.kind !== kind
        ? end
        : before.until === null
          ? null
          : Math.max(end, Date.parse(before.until));
    set(
      {
        kind,
        since: new Date(now).toISOString(),
        until: until === null ? null : new Date(until).toISOString(),
        by,
      },
      by,
    );
    const { sentence } = view()!;
    deps.denyWaiting(by, sentence);
    return view()!;
  }

  watch();
  return {
    get view() {
      return view();
    },
    pause(minutes, by) {
      // A panic is more than a pause: it stays.
      if (current()?.kind === 'panic') return view()!;
      return start('pause', minutes, by);
    },
    panic(minutes, by) {
      const started = start('panic', minutes, by);
      deps.cut(started.sentence);
      return started;
    },
    resume(by) {
      if (current() === null) throw new CountersignError('HALT_NONE', 'Nothing is paused or cut.');
      set(null, by);
    },
    close: () => cancelTimer?.(),
  };
}

function sentenceOf({ kind, until, by }: Stored): string {
  const end = until === null ? null : `until ${until.slice(0, 16).replace('T', ' ')} UTC`;
  return kind === 'pause'
    ? `${by} paused the gateway: what needs a person is denied ${end ?? 'until a person resumes with the PIN'}`
    : `${by} cut every connection: nothing is let in ${end === null ? 'until a person resumes with the PIN' : `${end}, or until a person resumes with the PIN`}`;
}
