import { join } from 'node:path';
import { isCountersignError } from '../contract/errors.ts';
import { Outbox } from './outbox/outbox.ts';
import { type StagedFile, Staging } from './outbox/staging.ts';
import { type Backoff, Pace } from './pace.ts';
import { MAX_PART_RANGES_BYTES } from './part.ts';
import { PartMaker } from './part-maker.ts';
import type { StoreCapabilities, StoreTarget } from './ports.ts';
import { Uploader } from './uploader.ts';

export interface EngineOptions {
  /** Holds `outbox.db` and the staging folder `outbox/`. */
  home: string;
  recordingsDir: string;
  now: () => number;
  random: () => number;
  onProblem: (sentence: string) => void;
  tuning?: Partial<Tuning>;
}

export interface Tuning {
  /** An open session's next part is made no sooner after the one before. */
  partEveryMs: number;
  /** Of a session's files in one part, at most. */
  partBytes: number;
  /** Bytes that wait in the staging folder at most; the rest stays where it was recorded. */
  stagedBytes: number;
  /** Objects on their way at the same time, each of another lane. */
  lanes: number;
  backoff: { unreachable: Backoff; refused: Backoff };
}

const TUNING: Tuning = {
  partEveryMs: 5000,
  partBytes: MAX_PART_RANGES_BYTES,
  stagedBytes: 64 * 1024 * 1024,
  lanes: 4,
  backoff: { unreachable: { firstMs: 1000, mostMs: 60_000 }, refused: { firstMs: 5000, mostMs: 15 * 60_000 } },
};

/** Parts of one session that wait: one on its way and one after it. */
const LANE_DEPTH = 2;
const LONGEST_SLEEP_MS = 60_000;
const DISK_RETRY_MS = 5000;
const NOTE_EVERY_MS = 5000;
/** The more sessions run, the more each part is to hold: parts are made every 12 s at most, so nothing is 15 s behind. */
const PART_SHARE_MS = 40;
const LONGEST_PART_MS = 12_000;

/** What the device is for the store; set anew whenever it changes. */
export interface EngineSettings {
  /** Another one is another store: everything goes there from the beginning. null: none is set up. */
  store: string | null;
  /** `<org>/<device>`; null: the device belongs to no organisation, and nothing is sent. */
  prefix: string | null;
  /** age recipients; none: parts are not encrypted. */
  recipients: readonly string[];
  /** Bytes a second. */
  bandwidth: number | null;
  /** Nothing is made or sent. */
  paused: boolean;
}

export interface ObjectToStage {
  name: string;
  bytes: Uint8Array;
}

/** Makes parts and brings them to the store. Runs on a thread of its own (worker.ts), or where a test wants it. */
export class SyncEngine {
  readonly outbox: Outbox;
  readonly #options: EngineOptions;
  readonly #tuning: Tuning;
  readonly #staging: Staging;
  readonly #maker: PartMaker;
  readonly #uploader: Uploader;
  readonly #pace: Pace;
  readonly #stop = new AbortController();
  /** Sessions that may have something for a part, in turn; and when the last part of an open one was made. */
  readonly #dirty = new Map<string, { hurry: boolean }>();
  readonly #madeAt = new Map<string, number>();
  readonly #busy = new Set<string>();
  /** Sessions whose size has to be written down. */
  readonly #grown = new Set<string>();
  #notedAt = Number.NEGATIVE_INFINITY;
  #uploads = new AbortController();
  #target: StoreTarget | null = null;
  #settings: EngineSettings = { store: null, prefix: null, recipients: [], bandwidth: null, paused: false };
  #diskUntil = 0;
  #diskProblem: string | null = null;
  #wake: () => void = () => {};
  #woken = false;
  readonly #running: Promise<void>;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#tuning = { ...TUNING, ...options.tuning };
    const { home, recordingsDir, now, random } = options;
    this.#staging = new Staging(join(home, 'outbox'));
    this.outbox = new Outbox(join(home, 'outbox.db'));
    this.#staging.sweep(this.outbox.stagedFiles());
    this.#pace = new Pace(now);
    this.#maker = new PartMaker({
      outbox: this.outbox,
      staging: this.#staging,
      recordingsDir,
      now,
      partBytes: this.#tuning.partBytes,
    });
    this.#uploader = new Uploader({
      outbox: this.outbox,
      staging: this.#staging,
      pace: this.#pace,
      now,
      random,
      backoff: this.#tuning.backoff,
      onTakenBack: (sid) => this.#mark(sid, true),
    });
    this.#running = this.#run();
  }

  /** From here on this store, with these settings. The target before is closed. */
  async configure(settings: EngineSettings, target: StoreTarget | null): Promise<void> {
    const { outbox } = this;
    if (this.#target !== target || settings.paused) {
      this.#uploads.abort();
      this.#uploads = new AbortController();
      const before = this.#target;
      if (before !== target) {
        this.#target = null;
        await before?.close().catch(() => {});
      }
    }
    if (settings.store !== null && outbox.meta('store') !== settings.store) {
      if (outbox.meta('store') !== null) {
        outbox.startOver(this.#options.now());
        this.#staging.sweep(outbox.stagedFiles());
      }
      outbox.setMeta('store', settings.store);
    }
    this.#settings = settings;
    this.#pace.limit = settings.bandwidth;
    this.#target = target;
    for (const sid of outbox.unfinished()) this.#mark(sid, true);
    this.#uploader.tryAgain();
    this.#signal();
  }

  /** A session's recording grew or was closed. */
  async sealed(sid: string, closed: boolean): Promise<void> {
    if (!(await this.#maker.know(sid))) return;
    this.#grown.add(sid);
    if (closed) this.#noteGrown(true);
    this.#mark(sid, closed);
    this.#signal();
  }

  /** How much there is, in one write for all that grew: each costs the disk a sync. */
  #noteGrown(now: boolean): void {
    const since = this.#options.now() - this.#notedAt;
    if (this.#grown.size === 0 || (!now && since >= 0 && since < NOTE_EVERY_MS)) return;
    this.#notedAt = this.#options.now();
    const grown = [...this.#grown];
    this.#grown.clear();
    this.#maker.noteGrowth(grown);
  }

  /** Finds what was recorded while nobody looked. */
  async discover(): Promise<void> {
    await this.#maker.discover(this.#stop.signal);
    if (this.#stop.signal.aborted) return;
    for (const sid of this.outbox.unfinished()) this.#mark(sid, true);
    this.#signal();
  }

  #mark(sid: string, hurry: boolean): void {
    const known = this.#dirty.get(sid);
    this.#dirty.set(sid, { hurry: hurry || known?.hurry === true });
  }

  /** Objects that are made elsewhere: the device's log, identity documents. In order, after those before of the lane. */
  stage(
    lane: 'log' | 'document',
    objects: readonly ObjectToStage[],
    meta: Readonly<Record<string, string>> = {},
  ): void {
    const { outbox } = this;
    const staged: (ObjectToStage & StagedFile)[] = objects.map((object) => ({
      ...object,
      ...this.#staging.write(object.bytes),
    }));
    const fresh = staged.filter(({ name, sha256 }) => lane === 'log' || !outbox.isPublished(name, sha256));
    for (const { file } of staged.filter((one) => !fresh.includes(one))) this.#staging.remove(file);
    outbox.stage(
      fresh.map(({ name, file, size, sha256 }) => ({ lane, kind: lane, name, file, size, sha256 })),
      this.#options.now(),
      meta,
    );
    this.#signal();
  }

  /** Tries at once, whatever was said about waiting. */
  now(): void {
    this.#uploader.tryAgain();
    this.#diskUntil = 0;
    for (const sid of this.outbox.unfinished()) this.#mark(sid, true);
    this.#signal();
  }

  status() {
    const { outbox } = this;
    this.#noteGrown(true);
    const queue = outbox.queue();
    const waiting = outbox.waiting();
    const oldest = [queue.oldest, waiting.oldest].filter((at) => at !== null);
    return {
      failing: this.#uploader.failing || this.#diskProblem !== null,
      sending: this.#busy.size,
      queue: { objects: queue.objects, bytes: queue.bytes + waiting.bytes, sessions: waiting.sessions },
      oldestWaiting: oldest.length === 0 ? null : Math.min(...oldest),
      rate: Math.round(this.#pace.rate),
      lastError: this.#uploader.lastError ?? this.#diskError(),
      confirmed: {
        objects: Number(outbox.meta('confirmed-objects') ?? 0),
        bytes: Number(outbox.meta('confirmed-bytes') ?? 0),
        at: outbox.meta('confirmed-at') === null ? null : Number(outbox.meta('confirmed-at')),
      },
      localSessions: waiting.local,
      localBytes: outbox.localBytes(),
      capabilities: JSON.parse(outbox.meta('capabilities') ?? 'null') as StoreCapabilities | null,
      problems: waiting.problems,
      findings: outbox.findings(),
    };
  }

  #diskError(): { at: number; sentence: string } | null {
    return this.#diskProblem === null ? null : { at: this.#options.now(), sentence: this.#diskProblem };
  }

  get target(): StoreTarget | null {
    return this.#target;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#uploads.abort();
    this.#signal();
    await this.#running;
    await this.#target?.close().catch(() => {});
    this.outbox.close();
  }

  // ---- the loop ----------------------------------------------------------------------------

  #signal(): void {
    this.#woken = true;
    this.#wake();
  }

  async #sleep(milliseconds: number): Promise<void> {
    if (this.#woken || this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(milliseconds, LONGEST_SLEEP_MS));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #run(): Promise<void> {
    const uploads = new Set<Promise<void>>();
    while (!this.#stop.signal.aborted) {
      this.#woken = false;
      let wait = LONGEST_SLEEP_MS;
      try {
        this.#noteGrown(false);
        wait = Math.min(await this.#makeNext(), this.#startUploads(uploads));
      } catch (error) {
        wait = this.#diskFailed(error);
      }
      await this.#sleep(wait);
    }
    await Promise.allSettled(uploads);
  }

  /** The outbox or the staging folder cannot be written: what was recorded stays where it is. */
  #diskFailed(error: unknown): number {
    const code = (error as NodeJS.ErrnoException | null)?.code ?? '';
    const why = isCountersignError(error) ? error.message : String((error as Error)?.message ?? error);
    const sentence =
      code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL'
        ? 'The disk of the outbox is full; nothing is sent until there is room.'
        : `What is to be sent cannot be prepared: ${why}`;
    if (this.#diskProblem !== sentence) this.#options.onProblem(sentence);
    this.#diskProblem = sentence;
    this.#diskUntil = this.#options.now() + DISK_RETRY_MS;
    return DISK_RETRY_MS;
  }

  /** Makes one part, where one is due and has room. @returns how long nothing will be due. */
  async #makeNext(): Promise<number> {
    const { prefix, recipients, paused } = this.#settings;
    const { now } = this.#options;
    if (this.#target === null || prefix === null || paused) return LONGEST_SLEEP_MS;
    const disk = this.#diskUntil - now();
    if (disk > 0 && disk <= DISK_RETRY_MS) return disk;
    if (this.outbox.queue().bytes >= this.#tuning.stagedBytes) return LONGEST_SLEEP_MS;
    let wait = LONGEST_SLEEP_MS;
    const every = Math.max(this.#tuning.partEveryMs, Math.min(LONGEST_PART_MS, this.#dirty.size * PART_SHARE_MS));
    for (const [sid, { hurry }] of this.#dirty) {
      if (this.outbox.inLane(sid) >= LANE_DEPTH) continue;
      const since = now() - (this.#madeAt.get(sid) ?? Number.NEGATIVE_INFINITY);
      if (!hurry && since >= 0 && since < every) {
        wait = Math.min(wait, every - since);
        continue;
      }
      this.#dirty.delete(sid);
      let outcome: 'made' | 'more' | 'none' = 'more';
      try {
        outcome = await this.#maker.make(sid, prefix, recipients);
      } finally {
        // To the end of the line, whether there is more or the disk let it down.
        if (outcome === 'more') this.#mark(sid, true);
      }
      this.#diskProblem = null;
      if (outcome === 'none') continue;
      this.#noteMade(sid);
      return 0;
    }
    return wait;
  }

  #noteMade(sid: string): void {
    this.#madeAt.delete(sid);
    this.#madeAt.set(sid, this.#options.now());
    if (this.#madeAt.size > 10_000) this.#madeAt.delete(this.#madeAt.keys().next().value!);
  }

  #startUploads(uploads: Set<Promise<void>>): number {
    const { lanes, backoff } = this.#tuning;
    const { now } = this.#options;
    const target = this.#target;
    if (target === null || this.#settings.paused) return LONGEST_SLEEP_MS;
    if (this.#uploader.wait > 0) return this.#uploader.wait;
    // After a failure one object tries the store for all.
    const free = (this.#uploader.failing ? 1 : lanes) - this.#busy.size;
    if (free > 0) {
      for (const object of this.outbox.due(now(), backoff.refused.mostMs, this.#busy, free)) {
        this.#busy.add(object.lane);
        const upload = this.#uploader
          .upload(object, target, this.#uploads.signal)
          .catch((error: unknown) => {
            this.#diskFailed(error);
          })
          .finally(() => {
            this.#busy.delete(object.lane);
            uploads.delete(upload);
            this.#signal();
          });
        uploads.add(upload);
      }
    }
    const next = this.outbox.nextDue(now());
    return next === null ? LONGEST_SLEEP_MS : Math.max(1, next - now());
  }
}
