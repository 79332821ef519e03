import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { EmergencySettings, type EmergencyState, EmergencyView } from '../contract/emergency.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Clock } from '../pipeline/ports.ts';

export interface EmergencyDeps {
  /** `<home>/emergency.json`: settings, and what is under way; it outlives the gateway. */
  file: string;
  clock: Clock;
  newId(): string;
  /** Runs once after so many milliseconds; returns what cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
  /** What an administrator fixed for all of the organisation; null: what is set here counts. */
  fixed(): { settings: EmergencySettings; by: string } | null;
  /** Rejects where the device's log does not take it: then nothing begins. */
  log(state: 'begun' | 'ended' | 'over', emergency: EmergencyView, by: string): Promise<void>;
  /** After each change. */
  onChange(active: EmergencyView | null, before: EmergencyView | null): void;
  onProblem(sentence: string): void;
}

export interface Emergency {
  /** null: there is none. */
  readonly active: EmergencyView | null;
  state(): EmergencyState;
  /** Goes on with one that a restart interrupted, or ends it; once whoever is told can be. */
  start(): void;
  /** The caller has proved the PIN. Rejects EMERGENCY_FORBIDDEN, EMERGENCY_ACTIVE, DEVICE_LOG_FAILED. */
  begin(reason: string, minutes: number | undefined, by: string): Promise<EmergencyState>;
  /** Throws EMERGENCY_NONE. */
  end(by: string): EmergencyState;
  /** Throws EMERGENCY_LOCKED. */
  configure(settings: EmergencySettings): EmergencyState;
  /** What is fixed may be another now: an emergency that is not allowed any more ends. */
  fixedChanged(): void;
  close(): void;
}

const Stored = z.strictObject({ settings: EmergencySettings, active: EmergencyView.nullable() });
type Stored = z.infer<typeof Stored>;
const NOTHING: Stored = { settings: EmergencySettings.parse({}), active: null };

/** Emergency access: at most 30 minutes, with a reason, in the device's log before it begins. */
export function createEmergency(deps: EmergencyDeps): Emergency {
  const { file, clock } = deps;
  let stored = read();
  let beginning = false;
  let cancelTimer: (() => void) | null = null;

  /** What cannot be understood gives no leave. */
  function read(): Stored {
    try {
      const text = readFileIfThere(file);
      return text === null ? NOTHING : Stored.parse(JSON.parse(text));
    } catch {
      deps.onProblem(`${file} cannot be read, so there is no emergency access until it is allowed again`);
      return NOTHING;
    }
  }

  const settings = () => deps.fixed()?.settings ?? stored.settings;

  /** The clock decides, not the timer: a laptop may have slept. A clock that was set back gives no more time. */
  function active(): EmergencyView | null {
    const now = stored.active;
    if (now === null) return null;
    const at = clock.now();
    return at >= Date.parse(now.since) && at < Date.parse(now.until) ? now : null;
  }

  function set(next: EmergencyView | null): void {
    const before = stored.active;
    stored = { ...stored, active: next };
    writeFileAtomic(file, `${JSON.stringify(stored)}\n`);
    watch();
    deps.onChange(next, before);
  }

  function stop(state: 'ended' | 'over', by: string): void {
    const before = stored.active;
    if (before === null) return;
    set(null);
    // What the log does not take is said by its problem, and stops everything.
    void deps.log(state, before, by).catch(() => {});
  }

  function watch(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (stored.active === null) return;
    cancelTimer = deps.schedule(Math.max(1, Date.parse(stored.active.until) - clock.now()), () => {
      if (active() === null) stop('over', 'the clock');
      else watch();
    });
  }

  function refusal(): string | null {
    const fixed = deps.fixed();
    if (settings().allowed) return null;
    return fixed === null
      ? 'Emergency access is not allowed on this machine; an admin allows it with: countersign emergency allow'
      : `Emergency access is not allowed: ${fixed.by} has fixed that for the organisation`;
  }

  const state = (): EmergencyState => ({ active: active(), settings: settings(), refusal: refusal() });

  return {
    get active() {
      return active();
    },
    state,
    start() {
      if (stored.active !== null && active() === null) stop('over', 'the clock');
      watch();
    },
    async begin(reason, minutes, by) {
      const why = refusal();
      if (why !== null) throw new CountersignError('EMERGENCY_FORBIDDEN', `${why}.`);
      if (beginning || active() !== null)
        throw new CountersignError('EMERGENCY_ACTIVE', 'There is emergency access already; end it first.');
      beginning = true;
      try {
        const now = clock.now();
        const length = Math.min(minutes ?? settings().minutes, settings().minutes) * 60_000;
        const next: EmergencyView = {
          id: deps.newId(),
          reason,
          by,
          since: new Date(now).toISOString(),
          until: new Date(now + length).toISOString(),
        };
        await deps.log('begun', next, by);
        set(next);
      } finally {
        beginning = false;
      }
      return state();
    },
    end(by) {
      if (active() === null) throw new CountersignError('EMERGENCY_NONE', 'There is no emergency access to end.');
      stop('ended', by);
      return state();
    },
    configure(next) {
      const fixed = deps.fixed();
      if (fixed !== null)
        throw new CountersignError('EMERGENCY_LOCKED', `${fixed.by} has fixed this for the organisation; ask them.`);
      stored = { ...stored, settings: next };
      writeFileAtomic(file, `${JSON.stringify(stored)}\n`);
      if (!next.allowed && active() !== null) stop('ended', 'who forbade it');
      return state();
    },
    fixedChanged() {
      if (active() !== null && !settings().allowed) stop('ended', deps.fixed()?.by ?? 'the configuration');
    },
    close: () => cancelTimer?.(),
  };
}
