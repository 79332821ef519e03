import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { assertNever, CountersignError, isCountersignError } from '../contract/errors.ts';
import type { SyncSetup, SyncStatus } from '../contract/sync.ts';
import type { DeviceIdentity, DeviceLog } from '../evidence/device/ports.ts';
import type { Clock, Vault } from '../pipeline/ports.ts';
import { parseSyncConfig, readSyncConfig, type SyncConfig, writeSyncConfig } from './config.ts';
import { Holds } from './holds.ts';
import { type Countersign, LogPublisher } from './publisher.ts';
import { recipientsOf } from './recipients.ts';
import type { Removal } from './retention.ts';
import { type SyncThread, startSyncThread } from './sync-worker.ts';
import type { TargetConfig } from './targets/config.ts';

export interface SyncDeps {
  home: string;
  recordingsDir: string;
  clock: Clock;
  every(milliseconds: number, run: () => void): () => void;
  vault: Vault;
  log: DeviceLog;
  identity: Pick<DeviceIdentity, 'device' | 'org' | 'trust' | 'identityObjects' | 'onChanged' | 'takeTrust'>;
  /** The index forgets a recording before it is deleted. */
  forget(sid: string): Promise<unknown>;
  /** The configuration changed; goes to the device's log. */
  onConfigured(): void;
  /** Recordings that are not in the store fill the budget; null: they do not any more. */
  onBudget(sentence: string | null): void;
  onProblem(sentence: string): void;
  countersign?: Countersign;
}

const TICK_MS = 5000;
const TRUST_EVERY_MS = 3_600_000;
const RETENTION_EVERY_MS = 60_000;
const HOUR_MS = 3_600_000;
const REMOVALS_AT_ONCE = 20;
/** What was recorded last gets this long to leave before the gateway ends; the rest leaves at the next start. */
const LAST_MS = 3000;
const SECRET_PREFIX = 'sync/';

const iso = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString();

/** Recordings to the team's store, and what is kept on this disk. Lives on the main thread; the work is a worker's. */
export class Sync {
  readonly holds: Holds;
  readonly #deps: SyncDeps;
  readonly #file: string;
  readonly #thread: SyncThread;
  readonly #publisher: LogPublisher;
  readonly #stops: (() => void)[] = [];
  #config: SyncConfig;
  #problem: string | null = null;
  #encrypted: number | null = null;
  #settings = '';
  #queued = { objects: 0, bytes: 0 };
  #overdueSince: string | null = null;
  #over = false;
  #trustAt = Number.NEGATIVE_INFINITY;
  #retentionAt = Number.NEGATIVE_INFINITY;
  #housekeeping: Promise<void> = Promise.resolve();
  #closed = false;
  #ticking = false;
  /** Somebody asked while it ran. */
  #again = false;
  #told = '';

  constructor(deps: SyncDeps) {
    const { home, recordingsDir, vault, log, identity } = deps;
    this.#deps = deps;
    this.#file = join(home, 'sync.json');
    this.#config = readSyncConfig(this.#file);
    this.holds = new Holds(join(home, 'holds.json'));
    this.#thread = startSyncThread({ home, recordingsDir }, vault, deps.onProblem);
    this.#publisher = new LogPublisher({
      log,
      identity: identity as DeviceIdentity,
      call: this.#thread.call,
      countersign: deps.countersign ?? (() => Promise.resolve([])),
    });
  }

  /** Takes up where the last run stopped. */
  async start(): Promise<void> {
    await this.#configure();
    void this.#thread.call('discover').catch((error: unknown) => this.#tell(error));
    this.#stops.push(
      this.#deps.every(TICK_MS, () => this.#tick()),
      this.#deps.identity.onChanged(() => this.#tick()),
    );
    this.#tick();
  }

  /** The same again and again is told once. */
  #tell(error: unknown): void {
    const sentence = isCountersignError(error) ? error.message : `Sync failed: ${String((error as Error)?.message)}`;
    if (this.#closed || sentence === this.#told) return;
    this.#told = sentence;
    this.#deps.onProblem(sentence);
  }

  /** A session's recording grew or was closed. */
  sealed(sid: string, closed: boolean): void {
    this.#thread.call('sealed', sid, closed).catch((error: unknown) => this.#tell(error));
  }

  /** What a change of the configuration changes; holds no secret. */
  get configuration(): unknown {
    return this.#config;
  }

  /** As of a few seconds ago; for the heartbeat. */
  get queued(): { objects: number; bytes: number } {
    return this.#queued;
  }

  async #configure(): Promise<void> {
    const { identity, clock } = this.#deps;
    const { store, bandwidth, paused } = this.#config;
    const { recipients, problem } = recipientsOf(identity.trust, iso(clock.now())!);
    this.#problem =
      store !== null && identity.org === null
        ? 'Nothing is sent: this device belongs to no organisation yet. Enrol it with: countersign device enrol'
        : problem;
    this.#encrypted = recipients?.length ?? null;
    const prefix = identity.org === null || problem !== null ? null : `${identity.org}/${identity.device}`;
    const settings = { store: store?.id ?? null, prefix, recipients: recipients ?? [], bandwidth, paused };
    const text = JSON.stringify([settings, store]);
    if (text === this.#settings) return;
    this.#settings = text;
    await this.#thread.call('configure', settings, store?.target ?? null);
  }

  #tick(): void {
    if (this.#closed) return;
    this.#again = this.#ticking;
    if (this.#ticking) return;
    this.#ticking = true;
    this.#housekeeping = (async () => {
      for (const work of [
        () => this.#configure(),
        () => this.#publish(),
        () => this.#takeTrust(),
        () => this.#watch(),
        () => this.#retain(),
      ])
        if (!this.#closed) await work().catch((error: unknown) => this.#tell(error));
      this.#ticking = false;
      if (this.#again) this.#tick();
    })();
  }

  async #publish(): Promise<void> {
    if (this.#config.store !== null && this.#problem === null) await this.#publisher.publish();
  }

  async #takeTrust(): Promise<void> {
    const { identity, clock } = this.#deps;
    const since = clock.now() - this.#trustAt;
    if (this.#config.store === null || identity.org === null || (since >= 0 && since < TRUST_EVERY_MS)) return;
    this.#trustAt = clock.now();
    const from = (identity.trust?.n ?? 0) + 1;
    try {
      const notes = await this.#thread.call('trustNotes', identity.org, from);
      if (notes.length > 0) await identity.takeTrust(notes);
    } catch (error) {
      // A drop box gives nothing back; then notes come another way.
      if (!isCountersignError(error, 'SYNC_WRITE_ONLY') && !isCountersignError(error, 'SYNC_UNREACHABLE')) throw error;
    }
  }

  /** The device's log says when something has waited for too long, and when it no longer does. */
  async #watch(): Promise<void> {
    const { queue, oldestWaiting } = await this.#thread.call('status');
    this.#queued = { objects: queue.objects, bytes: queue.bytes };
    if (this.#config.store === null) return;
    const { clock, log } = this.#deps;
    const limit = this.#config.overdueHours * HOUR_MS;
    const overdue = oldestWaiting !== null && clock.now() - oldestWaiting > limit;
    const now = iso(clock.now())!;
    if (overdue && this.#overdueSince === null) {
      this.#overdueSince = iso(oldestWaiting)!;
      const detail = `${queue.sessions} sessions wait, ${queue.bytes} bytes`;
      await log.append({ type: 'gap', kind: 'sync-overdue', from: this.#overdueSince, until: '', detail });
    } else if (!overdue && this.#overdueSince !== null) {
      const from = this.#overdueSince;
      this.#overdueSince = null;
      await log.append({ type: 'gap', kind: 'sync-overdue', from, until: now, detail: '' });
    }
  }

  // ---- what is kept on this disk -------------------------------------------------------------

  /** What the rules and the budget would delete now. */
  plan(): Promise<{ removals: Removal[]; over: number }> {
    return this.#thread.call(
      'plan',
      this.#config.retention,
      this.holds.list().map(({ what }) => what),
    );
  }

  async #retain(): Promise<void> {
    const { clock } = this.#deps;
    const since = clock.now() - this.#retentionAt;
    if (since >= 0 && since < RETENTION_EVERY_MS) return;
    this.#retentionAt = clock.now();
    const { rules, budget } = this.#config.retention;
    if (rules.length === 0 && budget === null) {
      this.#setOver(0);
      return;
    }
    const { removals, over } = await this.plan();
    // Each waits for the device's log; what else there is to do must not wait for all of them.
    for (const removal of removals.slice(0, REMOVALS_AT_ONCE)) {
      if (this.#closed) return;
      await this.#remove(removal, 'the gateway');
    }
    if (removals.length > REMOVALS_AT_ONCE) this.#retentionAt = Number.NEGATIVE_INFINITY;
    this.#setOver(over);
  }

  #setOver(over: number): void {
    const budget = this.#config.retention.budget;
    if (over > 0 === this.#over && over === 0) return;
    this.#over = over > 0;
    const sentence = `Recordings take ${over} bytes more than the disk budget of ${budget?.bytes}, and what is not in the team's store yet is not deleted.`;
    if (over > 0) this.#deps.onProblem(sentence);
    this.#deps.onBudget(over > 0 && budget?.whenFull === 'stop-forwarding' ? sentence : null);
  }

  /** Deletes a recording; the device's log says so first. Rejects DEVICE_LOG_FAILED and what the disk says. */
  async #remove({ sid, folder, why, rule, synced }: Omit<Removal, 'bytes'>, by: string): Promise<void> {
    const { recordingsDir, log, forget } = this.#deps;
    await log.append({ type: 'removed', sid, why, rule, by, synced });
    await forget(sid);
    // Out of the way in one step, so that a stop in the middle leaves no half of a recording under its name.
    const bin = join(recordingsDir, 'removed');
    mkdirSync(bin, { recursive: true, mode: 0o700 });
    await rename(join(recordingsDir, folder), join(bin, basename(folder)));
    await this.#thread.call('removed', sid);
    await rm(bin, { recursive: true, force: true });
  }

  /** A person deletes a recording that has ended, in the store or not. Rejects SESSION_UNKNOWN, SESSION_OPEN, SESSION_HELD. */
  async removeByHand(sid: string, why: string, by: string): Promise<void> {
    const found = await this.#thread.call('find', sid);
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
    this.holds.set({ what, why, by, at: iso(this.#deps.clock.now())! });
    await this.#deps.log.append({ type: 'hold', what, set: true, by, why });
  }

  async liftHold(what: string, why: string, by: string): Promise<void> {
    // First the log: a hold that is gone without a word would be worse than one that is still there.
    if (!this.holds.list().some((hold) => hold.what === what)) this.holds.lift(what);
    await this.#deps.log.append({ type: 'hold', what, set: false, by, why });
    this.holds.lift(what);
  }

  // ---- for people ----------------------------------------------------------------------------

  async status(): Promise<SyncStatus> {
    const { clock, identity } = this.#deps;
    const found = await this.#thread.call('status');
    const { store } = this.#config;
    const waiting = found.oldestWaiting;
    return {
      state:
        store === null
          ? 'off'
          : this.#config.paused
            ? 'paused'
            : this.#problem !== null
              ? 'blocked'
              : found.failing
                ? 'failing'
                : waiting === null
                  ? 'up-to-date'
                  : 'sending',
      target: store === null ? null : describe(store.target),
      organisation: identity.org,
      encryption: { on: (this.#encrypted ?? 0) > 0, recipients: this.#encrypted ?? 0 },
      queue: found.queue,
      oldestWaiting: iso(waiting),
      behindSeconds: waiting === null ? 0 : Math.max(0, Math.round((clock.now() - waiting) / 1000)),
      rate: found.rate,
      confirmed: { ...found.confirmed, at: iso(found.confirmed.at) },
      lastError:
        this.#problem !== null
          ? { at: iso(clock.now())!, sentence: this.#problem }
          : found.lastError === null
            ? null
            : { at: iso(found.lastError.at)!, sentence: found.lastError.sentence },
      localSessions: found.localSessions,
      disk: { bytes: found.localBytes, budget: this.#config.retention.budget?.bytes ?? null },
      capabilities: found.capabilities,
      findings: [
        ...found.problems.map((sentence) => ({ at: null, sentence })),
        ...found.findings.map(({ at, sentence }) => ({ at: iso(at), sentence })),
      ],
    };
  }

  async setPaused(paused: boolean): Promise<void> {
    await this.#change({ ...this.#config, paused });
  }

  /** On disk, in the device's log, and then in force. */
  async #change(next: SyncConfig): Promise<void> {
    writeSyncConfig(this.#file, next);
    this.#config = next;
    this.#deps.onConfigured();
    await this.#configure();
  }

  async now(): Promise<void> {
    this.#trustAt = Number.NEGATIVE_INFINITY;
    this.#retentionAt = Number.NEGATIVE_INFINITY;
    await this.#thread.call('discover');
    await this.#thread.call('now');
    this.#tick();
  }

  /** Tries the store that is set up. Rejects SYNC_OFF. */
  async probe() {
    const { store } = this.#config;
    if (store === null) throw new CountersignError('SYNC_OFF', 'No store is set up: countersign sync setup');
    return this.#thread.call('probe', store.target, false);
  }

  /**
   * Takes up another configuration: a store is tried before anything is written, and gets its secrets by ids of its own.
   * Rejects CONFIG_BROKEN, and what the store says.
   */
  async setUp({ target, sameStore, secrets, retention, ...rest }: SyncSetup): Promise<void> {
    const before = this.#config;
    let store = before.store;
    if (target === null) store = null;
    else if (target !== undefined) {
      const id = sameStore && store !== null ? store.id : randomBytes(8).toString('hex');
      const parsed = parseSyncConfig({ version: 1, store: { id, target } }, 'the store').store!;
      await this.#keepSecrets(parsed.target, secrets);
      await this.#thread.call('probe', parsed.target, true);
      store = parsed;
    }
    const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
    const next = parseSyncConfig(
      { ...before, ...given, store, retention: { ...before.retention, ...retention } },
      'the configuration',
    );
    await this.#change(next);
    await this.now();
  }

  /**
   * Only secrets of sync's own may be named: a store that somebody else runs must not be handed a connection's password.
   * Another place gets none that was typed for the one before.
   */
  async #keepSecrets(target: TargetConfig, secrets: Readonly<Record<string, string>>): Promise<void> {
    const named = secretIds(target);
    const unchanged = JSON.stringify(this.#config.store?.target) === JSON.stringify(target);
    for (const id of named) {
      if (!id.startsWith(SECRET_PREFIX))
        throw new CountersignError('CONFIG_BROKEN', `The store's secrets have ids that begin with ${SECRET_PREFIX}.`);
      if (secrets[id] === undefined && !unchanged)
        throw new CountersignError('SYNC_SECRET_REQUIRED', `This is another store, so ${id} has to be entered again.`);
    }
    for (const [id, value] of Object.entries(secrets)) {
      if (!named.includes(id)) throw new CountersignError('CONFIG_BROKEN', `The configuration names no secret ${id}.`);
      await this.#deps.vault.write(id, value);
    }
  }

  /** Writes nothing into the device's log any more. */
  async quiesce(): Promise<void> {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    await this.#housekeeping;
  }

  /** After a last try to bring away what there is. */
  async close(): Promise<void> {
    await this.quiesce();
    if (this.#config.store !== null && !this.#config.paused && this.#problem === null) {
      await Promise.race([this.#last().catch(() => {}), delay(LAST_MS)]);
    }
    await this.#thread.close();
  }

  async #last(): Promise<void> {
    await this.#publisher.publish();
    for (;;) {
      const { oldestWaiting, failing } = await this.#thread.call('status');
      if (oldestWaiting === null || failing) return;
      await delay(50);
    }
  }
}

function describe(target: TargetConfig): string {
  switch (target.kind) {
    case 'folder':
      return `folder ${target.path}`;
    case 'sftp':
      return `sftp ${target.user}@${target.host}:${target.port} ${target.path}`;
    case 's3':
      return `s3 ${target.endpoint} ${target.bucket}`;
  }
}

function secretIds(target: TargetConfig): string[] {
  const ids = (() => {
    switch (target.kind) {
      case 'folder':
        return [];
      case 'sftp':
        switch (target.auth.method) {
          case 'key':
            return [target.auth.key, target.auth.passphrase];
          case 'key-file':
            return [target.auth.passphrase];
          case 'password':
            return [target.auth.password];
          case 'agent':
            return [];
          default:
            return assertNever(target.auth);
        }
      case 's3':
        return [target.secretAccessKey, target.sessionToken];
      default:
        return assertNever(target);
    }
  })();
  return ids.filter((id) => id !== undefined);
}
