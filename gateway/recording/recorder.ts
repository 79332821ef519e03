import { randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CountersignError } from '../contract/errors.ts';
import type { Clock, Recorder, RecorderSessionInfo, SessionRecorder } from '../pipeline/ports.ts';
import { isSessionId, journalDir, journalFiles, sessionsDir } from './files.ts';
import {
  MAX_RECORD_PAYLOAD,
  putRecordHeader,
  RECORD_CLOSE,
  RECORD_HEADER_BYTES,
  RECORD_OPEN,
  recordBytes,
} from './format/journal.ts';
import { JournalWriter } from './journal-writer.ts';
import { nodePrimitives as p, recordingFailed } from './primitives.ts';
import type { SessionFact } from './session-facts.ts';
import { RecordedSessionWriter } from './session-writer.ts';
import type { FromWorker, OpenHead, ToWorker, WorkerSettings } from './worker-messages.ts';

export interface RecorderOptions {
  /** Folder of the recordings: `sessions/` and `journal/` are made in it. */
  dir: string;
  clock?: Clock;
  /** Size of one journal file in bytes; default 16 MiB. */
  journalBytes?: number;
  /** Where the worker's entry is when this code has been bundled. */
  workerUrl?: URL;
}

const BATCH_BYTES = 1024 * 1024;
const BATCH_CAPACITY = MAX_RECORD_PAYLOAD + 64 * 1024;
const BATCH_MS = 50;
/** As many as the backlog's limit lets be under way. */
const MAX_SPARE_BATCHES = 16;
/** The port's limit; the caller pauses its upstream above it. */
export const BACKLOG_LIMIT = 16 * 1024 * 1024;

/** A recorder, and what the device's log needs of it. */
export interface OpenedRecorder extends Recorder {
  /** A session's open event, and later its end, are in its files. */
  onFact(listener: (fact: SessionFact) => void): void;
  /** The newest signed heads of the sessions that are open. */
  heads(): Promise<OpenHead[]>;
  /** Called once, when nothing can be recorded any more. */
  onFailure(listener: (sentence: string) => void): void;
  /** Records nothing more, for a reason outside of it: what is not to be recorded is not forwarded. */
  refuse(error: CountersignError): CountersignError;
}

/**
 * Starts the recorder. Call recoverRecordings(dir) before, with no other recorder on the folder.
 * Throws RECORDING_FAILED when the folder cannot be written.
 */
export function createRecorder(options: RecorderOptions): OpenedRecorder {
  return new FolderRecorder(options);
}

/** The main thread's half: journal, batches, worker. Sessions write through it. */
export class FolderRecorder implements OpenedRecorder {
  failure: string | null = null;
  private error: CountersignError | null = null;
  private readonly worker: Worker;
  private readonly journal: JournalWriter;
  private readonly listeners: ((sessionId: string, closed: boolean) => void)[] = [];
  private readonly factListeners: ((fact: SessionFact) => void)[] = [];
  private readonly failureListeners: ((sentence: string) => void)[] = [];
  private readonly asked = new Map<number, (heads: OpenHead[]) => void>();
  private readonly open_ = new Map<number, RecordedSessionWriter>();
  private readonly closing = new Map<number, { resolve: () => void; reject: (error: unknown) => void }>();
  private drains: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  private nextIndex = 0;
  private nextRequest = 0;
  private inFlight = 0;
  private timer: NodeJS.Timeout | null = null;
  private readonly spare: ArrayBuffer[] = [];
  private memory!: ArrayBuffer;
  private words!: Uint32Array;
  buffer!: Buffer;
  private used = 0;
  private stopped: Promise<void> | null = null;
  private onStopped: () => void = () => {};
  private readonly clock: Clock | null;
  /** Wall-clock microseconds at performance.now() = 0; taken anew for each batch, since clocks get set. */
  private epoch = 0;

  constructor(options: RecorderOptions) {
    const { dir, journalBytes = 16 * 1024 * 1024 } = options;
    this.clock = options.clock ?? null;
    const limit = Math.max(journalBytes, 4 * BATCH_CAPACITY);
    const runId = randomBytes(16);
    this.freshBatch();
    try {
      fs.mkdirSync(sessionsDir(dir), { recursive: true, mode: 0o700 });
      fs.mkdirSync(journalDir(dir), { recursive: true, mode: 0o700 });
      const first = (journalFiles(dir).at(-1)?.number ?? 0) + 1;
      this.journal = new JournalWriter(dir, first, limit, runId, (number) =>
        this.send({ type: 'prepare', journal: number + 1 }),
      );
    } catch (error) {
      throw recordingFailed(`the recordings' folder ${dir} cannot be used`, error);
    }
    const settings: WorkerSettings = { dir, journalBytes: limit, runId: runId.toString('base64') };
    this.worker = new Worker(options.workerUrl ?? new URL('./worker.ts', import.meta.url), {
      workerData: settings,
      name: 'recorder',
    });
    this.worker.on('message', (message: FromWorker) => this.receive(message));
    this.worker.on('error', (error) => this.fail('the recorder thread broke', error));
    this.worker.on('exit', () => {
      if (this.stopped === null) this.fail('the recorder thread ended', null);
      this.onStopped();
    });
    this.send({ type: 'prepare', journal: this.journal.number + 1 });
  }

  private send(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    this.worker.postMessage(message, transfer);
  }

  /** Microseconds since the epoch. */
  now(): number {
    return Math.floor(this.clock === null ? this.epoch + performance.now() * 1000 : this.clock.now() * 1000);
  }

  open(info: RecorderSessionInfo): SessionRecorder {
    this.assertWorking();
    if (!isSessionId(info.id)) throw new CountersignError('RECORDING_BAD_SESSION_ID', 'a session id must be a ULID');
    const index = this.nextIndex++;
    const session = new RecordedSessionWriter(this, index, info.id);
    session.begin(RECORD_OPEN, info);
    this.open_.set(index, session);
    return session;
  }

  onSealed(listener: (sessionId: string, closed: boolean) => void): void {
    this.listeners.push(listener);
  }

  onFact(listener: (fact: SessionFact) => void): void {
    this.factListeners.push(listener);
  }

  onFailure(listener: (sentence: string) => void): void {
    this.failureListeners.push(listener);
  }

  heads(): Promise<OpenHead[]> {
    if (this.error !== null || this.stopped !== null) return Promise.resolve([]);
    const request = this.nextRequest++;
    this.send({ type: 'heads', request });
    return new Promise((resolve) => this.asked.set(request, resolve));
  }

  assertWorking(): void {
    if (this.error !== null) throw this.error;
  }

  /**
   * Makes room for a record of `payload` bytes and writes its header; the payload goes to the returned
   * offset of `buffer`. Nothing else may be put before `seal()` or `keep()`.
   */
  put(kind: number, payload: number, session: number, exchange: number, at: number, n: number): number {
    const size = recordBytes(payload);
    if (this.used + size > BATCH_CAPACITY) this.ship();
    const offset = this.used;
    putRecordHeader(this.words, offset, kind, payload, session, exchange, at, n);
    this.used = offset + size;
    // Padding is written, so it must not carry what an earlier batch left there.
    for (let i = offset + RECORD_HEADER_BYTES + payload; i < this.used; i += 1) this.buffer[i] = 0;
    return offset + RECORD_HEADER_BYTES;
  }

  /** Checksums the record whose payload begins at `start`. */
  seal(start: number, payload: number): void {
    const header = start - RECORD_HEADER_BYTES;
    this.words[header >>> 2] = p.crc32(this.buffer.subarray(header + 4, start + payload));
  }

  /** Whether a record fits behind what is in the batch, so that several share one write. */
  fits(payload: number): boolean {
    return this.used + recordBytes(payload) <= BATCH_CAPACITY;
  }

  get position(): number {
    return this.used;
  }

  /** Writes sealed records `[start, used)` to the journal; on return they survive kill -9. */
  commit(start: number, session: { index: number; id: string; journal: number }): void {
    try {
      this.journal.append(this.buffer, start, this.used, session);
    } catch (error) {
      this.used = start;
      throw this.fail('the journal could not be written', error);
    }
    this.keep();
  }

  /** Lets what was put wait for the worker. */
  keep(): void {
    if (this.used >= BATCH_BYTES) this.ship();
    else if (this.timer === null) this.timer = setTimeout(() => this.ship(), BATCH_MS);
  }

  ship(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    if (this.used === 0) return;
    this.inFlight += this.used;
    this.send({ type: 'batch', buffer: this.memory, length: this.used, journal: this.journal.number }, [this.memory]);
    this.freshBatch();
  }

  private freshBatch(): void {
    this.memory = this.spare.pop() ?? new ArrayBuffer(BATCH_CAPACITY);
    this.words = new Uint32Array(this.memory);
    this.buffer = Buffer.from(this.memory);
    this.used = 0;
    this.epoch = (Date.now() - performance.now()) * 1000;
  }

  get backlog(): number {
    return this.inFlight + this.used;
  }

  drained(): Promise<void> {
    if (this.error !== null) return Promise.reject(this.error);
    if (this.backlog < BACKLOG_LIMIT / 2) return Promise.resolve();
    return new Promise((resolve, reject) => this.drains.push({ resolve, reject }));
  }

  async durable(): Promise<void> {
    this.assertWorking();
    try {
      await this.journal.durable();
    } catch (error) {
      throw this.fail('the journal could not be brought to disk', error);
    }
    this.assertWorking();
  }

  closeSession(index: number, session: RecordedSessionWriter, reason: string): Promise<void> {
    session.begin(RECORD_CLOSE, { reason });
    this.open_.delete(index);
    this.ship();
    return new Promise((resolve, reject) => this.closing.set(index, { resolve, reject }));
  }

  private receive(message: FromWorker): void {
    switch (message.type) {
      case 'done':
        this.inFlight -= message.length;
        if (this.spare.length < MAX_SPARE_BATCHES) this.spare.push(message.buffer);
        if (this.drains.length > 0 && this.backlog < BACKLOG_LIMIT / 2) {
          const drains = this.drains;
          this.drains = [];
          for (const one of drains) one.resolve();
        }
        return;
      case 'prepared':
        this.journal.ready(message.journal);
        return;
      case 'sealed':
        for (const { id, closed } of message.sessions) for (const listener of this.listeners) listener(id, closed);
        return;
      case 'fact':
        for (const listener of this.factListeners) listener(message.fact);
        return;
      case 'heads':
        this.asked.get(message.request)?.(message.heads);
        this.asked.delete(message.request);
        return;
      case 'closed':
        this.closing.get(message.session)?.resolve();
        this.closing.delete(message.session);
        return;
      case 'failed':
        this.fail(
          message.what,
          Object.assign(new Error(message.message), message.code === null ? {} : { code: message.code }),
        );
        return;
      case 'stopped':
        this.onStopped();
    }
  }

  private fail(what: string, cause: unknown): CountersignError {
    return this.refuse(recordingFailed(what, cause));
  }

  /** The first failure stays: nothing is recorded after it, so nothing may be forwarded. */
  refuse(error: CountersignError): CountersignError {
    if (this.error !== null) return this.error;
    this.error = error;
    this.failure = error.message;
    for (const one of [...this.drains, ...this.closing.values()]) one.reject(error);
    this.drains = [];
    this.closing.clear();
    for (const answer of this.asked.values()) answer([]);
    this.asked.clear();
    for (const listener of this.failureListeners) listener(error.message);
    return error;
  }

  /** Closes open sessions, seals everything and ends the worker. Idempotent; never rejects. */
  close(): Promise<void> {
    this.stopped ??= this.stop();
    return this.stopped;
  }

  private async stop(): Promise<void> {
    await Promise.allSettled([...this.open_.values()].map((session) => session.close('the gateway stopped')));
    if (this.timer !== null) clearTimeout(this.timer);
    this.ship();
    await new Promise<void>((resolve) => {
      this.onStopped = resolve;
      this.send({ type: 'stop' });
    });
    await this.worker.terminate();
    for (const answer of this.asked.values()) answer([]);
    this.error ??= new CountersignError('RECORDING_FAILED', 'Nothing is forwarded, because the recorder was closed.');
    this.journal.close();
  }
}
