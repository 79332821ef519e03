import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CountersignError, isCountersignError } from '../contract/errors.ts';
import type { KeepingRules, SyncSetup, SyncStatus } from '../contract/sync.ts';
import type { DeviceIdentity } from '../evidence/device/ports.ts';
import type { Vault } from '../pipeline/ports.ts';
import { parseSyncConfig, readSyncConfig, type SyncConfig, writeSyncConfig } from './config.ts';
import { Keeper, type KeeperDeps } from './keeper.ts';
import type { StoreCapabilities } from './ports.ts';
import { type Countersign, LogPublisher } from './publisher.ts';
import { recipientsOf } from './recipients.ts';
import { type SyncThread, startSyncThread } from './sync-worker.ts';
import { describe, secretIds } from './target-words.ts';
import type { TargetConfig } from './targets/config.ts';

export interface SyncDeps extends Omit<KeeperDeps, 'call' | 'config'> {
  every(milliseconds: number, run: () => void): () => void;
  vault: Vault;
  identity: Pick<DeviceIdentity, 'device' | 'org' | 'trust' | 'identityObjects' | 'onChanged' | 'takeTrust'>;
  countersign?: Countersign;
}

const TICK_MS = 5000;
const TRUST_EVERY_MS = 3_600_000;
const HOUR_MS = 3_600_000;
const PROBE_EVERY_MS = 10_000;
/** What was recorded last gets this long to leave before the gateway ends; the rest leaves at the next start. */
const LAST_MS = 3000;
const SECRET_PREFIX = 'store/';

const iso = (milliseconds: number | null): string | null =>
  milliseconds === null ? null : new Date(milliseconds).toISOString();

/** Recordings to the team's store, and what is kept on this disk. Lives on the main thread; the work is a worker's. */
export class Sync {
  readonly keeper: Keeper;
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
  #trustAt = Number.NEGATIVE_INFINITY;
  #housekeeping: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  #ticking = false;
  /** Somebody asked while it ran. */
  #again = false;
  #told = '';
  /** Recordings that the worker was told of and has not looked at yet. */
  #untold = 0;
  #probed: { at: number; store: object; found: Promise<StoreCapabilities> } | null = null;

  constructor(deps: SyncDeps) {
    const { home, recordingsDir, vault, log, identity } = deps;
    this.#deps = deps;
    this.#file = join(home, 'sync.json');
    this.#config = readSyncConfig(this.#file);
    this.#thread = startSyncThread({ home, recordingsDir }, vault, deps.onProblem);
    this.keeper = new Keeper({ ...deps, call: this.#thread.call, config: () => this.#config.retention });
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
    if (this.#stop.signal.aborted || sentence === this.#told) return;
    this.#told = sentence;
    this.#deps.onProblem(sentence);
  }

  /** A session's recording grew or was closed. */
  sealed(sid: string, closed: boolean): void {
    this.#untold += 1;
    this.#thread
      .call('sealed', sid, closed)
      .catch((error: unknown) => this.#tell(error))
      .finally(() => {
        this.#untold -= 1;
      });
  }

  /** What a change of the configuration changes; holds no secret. */
  get configuration(): unknown {
    return this.#config;
  }

  /** What of an agent's conversations is recorded, and what of it leaves. */
  get keeping(): KeepingRules {
    return this.#config.keeping;
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
    if (this.#stop.signal.aborted) return;
    this.#again = this.#ticking;
    if (this.#ticking) return;
    this.#ticking = true;
    this.#housekeeping = (async () => {
      for (const work of [
        () => this.#configure(),
        () => this.#publish(),
        () => this.#takeTrust(),
        () => this.#watch(),
        () => this.keeper.keep(this.#stop.signal),
      ])
        if (!this.#stop.signal.aborted) await work().catch((error: unknown) => this.#tell(error));
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

  // ---- for people ----------------------------------------------------------------------------

  async status(): Promise<SyncStatus> {
    const { clock, identity } = this.#deps;
    const unseen = this.#untold > 0 || (await this.#logWaits());
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
                : waiting !== null || unseen
                  ? 'sending'
                  : 'up-to-date',
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
      keeping: this.#config.keeping,
      disk: { bytes: found.localBytes, budget: this.#config.retention.budget?.bytes ?? null },
      capabilities: found.capabilities,
      findings: [
        ...found.problems.map((sentence) => ({ at: null, sentence })),
        ...found.findings.map(({ at, sentence }) => ({ at: iso(at), sentence })),
      ],
    };
  }

  /** Whether the device's log holds entries that were not even put in line: they are, at the next tick. */
  async #logWaits(): Promise<boolean> {
    const { identity, log } = this.#deps;
    if (this.#config.store === null || identity.org === null || log.checkpoint === null) return false;
    return (await this.#thread.call('logState', identity.org)).size < log.checkpoint.size;
  }

  async setPaused(paused: boolean): Promise<void> {
    await this.#change({ ...this.#config, paused });
  }

  /** On disk, and then in force. */
  async #change(next: SyncConfig): Promise<void> {
    writeSyncConfig(this.#file, next);
    this.#config = next;
    await this.#configure();
  }

  async now(): Promise<void> {
    this.#trustAt = Number.NEGATIVE_INFINITY;
    this.keeper.hurry();
    await this.#thread.call('discover');
    await this.#thread.call('now');
    this.#tick();
  }

  /** Tries the store that is set up. Rejects SYNC_OFF. */
  async probe() {
    const { store } = this.#config;
    if (store === null) throw new CountersignError('SYNC_OFF', 'No store is set up: countersign sync setup');
    const now = this.#deps.clock.now();
    const last = this.#probed;
    // Each leaves an object that the store may keep for ever, and whoever reaches the socket may ask.
    if (last !== null && last.store === store && now - last.at < PROBE_EVERY_MS && now >= last.at) return last.found;
    const found = this.#thread.call('probe', store.target, false);
    const probed = { at: now, store, found };
    this.#probed = probed;
    found.catch(() => {
      if (this.#probed === probed) this.#probed = null;
    });
    return found;
  }

  /**
   * Takes up another configuration: a store is tried before anything is written, and gets its secrets by ids of its own.
   * Rejects CONFIG_BROKEN, and what the store says.
   */
  async setUp({ target, sameStore, secrets, retention, keeping, ...rest }: SyncSetup): Promise<void> {
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
      {
        ...before,
        ...given,
        store,
        retention: { ...before.retention, ...retention },
        keeping: { ...before.keeping, ...keeping },
      },
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
    this.#stop.abort();
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
