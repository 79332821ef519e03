import { mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CountersignError } from '../contract/errors.ts';
import type { DeviceLog } from '../evidence/device/ports.ts';
import type { Clock } from '../pipeline/ports.ts';
import { Holds } from './holds.ts';
import type { Removal, RetentionConfig } from './retention.ts';
import type { SyncThread } from './sync-worker.ts';

export interface KeeperDeps {
  home: string;
  recordingsDir: string;
  clock: Clock;
  log: DeviceLog;
  config(): RetentionConfig;
  call: SyncThread['call'];
  /** The index forgets a recording before it is deleted. */
  forget(sid: string): Promise<unknown>;
  /** Recordings that are not in the store fill the budget, and forwarding is to stop; null: it may go on. */
  onBudget(sentence: string | null): void;
  onProblem(sentence: string): void;
}

const EVERY_MS = 60_000;
const REMOVALS_AT_ONCE = 20;

/** What stays on this disk: rules, budget and holds. Every deletion is in the device's log before it happens. */
export class Keeper {
  readonly holds: Holds;
  readonly #deps: KeeperDeps;
  #lastAt = Number.NEGATIVE_INFINITY;
  #over = false;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.holds = new Holds(join(deps.home, 'holds.json'));
  }

  /** What the rules and the budget would delete now. */
  plan(): Promise<{ removals: Removal[]; over: number }> {
    return this.#deps.call(
      'plan',
      this.#deps.config(),
      this.holds.list().map(({ what }) => what),
    );
  }

  /** The next time is at once. */
  hurry(): void {
    this.#lastAt = Number.NEGATIVE_INFINITY;
  }

  /** Deletes what may go; once a minute. */
  async keep(signal: AbortSignal): Promise<void> {
    const since = this.#deps.clock.now() - this.#lastAt;
    if (since >= 0 && since < EVERY_MS) return;
    this.#lastAt = this.#deps.clock.now();
    const { rules, budget } = this.#deps.config();
    if (rules.length === 0 && budget === null) {
      this.#setOver(0);
      return;
    }
    const { removals, over } = await this.plan();
    // Each waits for the device's log; what else there is to do must not wait for all of them.
    for (const removal of removals.slice(0, REMOVALS_AT_ONCE)) {
      if (signal.aborted) return;
      await this.#remove(removal, 'the gateway');
    }
    if (removals.length > REMOVALS_AT_ONCE) this.hurry();
    this.#setOver(over);
  }

  #setOver(over: number): void {
    const { budget } = this.#deps.config();
    const sentence = `Recordings take more than the disk budget of ${budget?.bytes} bytes (by ${over}), and what is not in the team's store yet is not deleted.`;
    if (over > 0 && !this.#over) this.#deps.onProblem(sentence);
    this.#over = over > 0;
    this.#deps.onBudget(over > 0 && budget?.whenFull === 'stop-forwarding' ? sentence : null);
  }

  /** Rejects DEVICE_LOG_FAILED and what the disk says. */
  async #remove({ sid, folder, why, rule, synced }: Omit<Removal, 'bytes'>, by: string): Promise<void> {
    const { recordingsDir, log, forget, call } = this.#deps;
    await log.append({ type: 'removed', sid, why, rule, by, synced });
    await forget(sid);
    // Out of the way in one step, so that a stop in the middle leaves no half of a recording under its name.
    const bin = join(recordingsDir, 'removed');
    mkdirSync(bin, { recursive: true, mode: 0o700 });
    await rename(join(recordingsDir, folder), join(bin, basename(folder)));
    await call('removed', sid);
    await rm(bin, { recursive: true, force: true });
  }

  /** A person deletes a recording that has ended, in the store or not. Rejects SESSION_UNKNOWN, SESSION_OPEN, SESSION_HELD. */
  async removeByHand(sid: string, why: string, by: string): Promise<void> {
    const found = await this.#deps.call('find', sid);
    if (found === null) throw new CountersignError('SESSION_UNKNOWN', `There is no recording of session ${sid} here.`);
    if (!found.ended) throw new CountersignError('SESSION_OPEN', 'This session is open; end it first.');
    const hold = this.holds.of(sid, found.connection);
    if (hold !== null) {
      throw new CountersignError(
        'SESSION_HELD',
        `Session ${sid} is under a legal hold (${hold.what}: ${hold.why}); it is not deleted.`,
      );
    }
    await this.#remove({ sid, folder: found.folder, why, rule: 'by hand', synced: found.synced }, by);
  }

  async setHold(what: string, why: string, by: string): Promise<void> {
    this.holds.set({ what, why, by, at: new Date(this.#deps.clock.now()).toISOString() });
    await this.#deps.log.append({ type: 'hold', what, set: true, by, why });
  }

  async liftHold(what: string, why: string, by: string): Promise<void> {
    this.holds.assertHeld(what);
    // First the log: a hold that is gone without a word would be worse than one that is still there.
    await this.#deps.log.append({ type: 'hold', what, set: false, by, why });
    this.holds.lift(what);
  }
}
