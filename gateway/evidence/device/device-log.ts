import { CountersignError } from '../../contract/errors.ts';
import type { Clock } from '../../pipeline/ports.ts';
import { deviceOrigin, signCheckpoint } from '../format/checkpoint.ts';
import { LogEntry, MAX_ENTRY_BYTES, type NewLogEntry } from '../format/log-entries.ts';
import { tileName, tilesBetween } from '../format/tiles.ts';
import { formatVkey, type Signer, type Vkey } from '../format/vkey.ts';
import { frameOf } from './entry-frames.ts';
import { keepCheckpoint, type OpenedLogFolder, openLogFolder } from './log-folder.ts';
import type { DeviceLog, LogCheckpoint } from './ports.ts';

/** More than this waiting for the disk means that the disk does not answer. */
const MAX_PENDING = 20_000;
const MAX_BATCH = 4096;
/** Between two checkpoints, so that many entries in a row share one. */
const GATHER_MS = 200;

export interface DeviceLogOptions {
  /** `<home>/device/log`. */
  folder: string;
  device: string;
  /** The organisation at the moment. */
  org?: () => string | null;
  /** Asked for once the entries were seen, which say which key is in use. */
  signer: () => Promise<Signer>;
  /** Keys that may have signed the newest checkpoint: the present one and those before it. */
  keys: readonly Vkey[];
  begun: boolean;
  clock: Clock;
  /** Each entry that is there already, in order. */
  see?: (entry: Buffer) => void;
  gatherMs?: number;
}

interface Pending {
  bytes: Buffer;
  /** The key whose entry this is: it signs what comes after. */
  next: Signer | null;
  resolve: () => void;
  reject: (error: unknown) => void;
}

/** Opens the log. A log that does not fit its checkpoint opens with a `problem`, and takes nothing more. */
export async function openDeviceLog(options: DeviceLogOptions): Promise<FolderLog> {
  let opened: OpenedLogFolder;
  try {
    opened = await openLogFolder(options.folder, options.keys, options.begun, options.see ?? (() => {}));
  } catch (cause) {
    throw logFailed(`the device's log in ${options.folder} cannot be opened`, cause);
  }
  try {
    return new FolderLog(options, opened, await options.signer());
  } catch (error) {
    await opened.file.close();
    throw error;
  }
}

/** Appends in groups: one write, one sync, one checkpoint, however many entries wait. No call holds up the thread. */
export class FolderLog implements DeviceLog {
  readonly device: string;
  readonly torn: number;
  problem: string | null = null;
  checkpoint: LogCheckpoint | null;
  /** When this program signed the newest checkpoint, milliseconds since the epoch; null before it did. */
  signedAt: number | null = null;
  private signer: Signer;
  private readonly options: DeviceLogOptions;
  private readonly opened: OpenedLogFolder;
  private readonly origin: string;
  private readonly listeners = new Set<(checkpoint: LogCheckpoint) => void>();
  private readonly failures = new Set<(error: CountersignError) => void>();
  private pending: Pending[] = [];
  private next: number;
  private working: Promise<void> | null = null;
  private hurry: () => void = () => {};
  private error: CountersignError | null = null;
  private closed = false;

  constructor(options: DeviceLogOptions, opened: OpenedLogFolder, signer: Signer) {
    this.options = options;
    this.opened = opened;
    this.device = options.device;
    this.origin = deviceOrigin(options.device);
    this.signer = signer;
    this.checkpoint = opened.checkpoint;
    this.torn = opened.torn;
    this.next = opened.tree.size;
    if (opened.damage !== null) {
      this.fail(
        new CountersignError(
          'DEVICE_LOG_FAILED',
          `Nothing is forwarded, because the device's log was changed: ${opened.damage}. Keep ${options.folder} for whoever looks into it; to begin anew as another device, move the folder above it away and enrol again.`,
        ),
      );
    }
  }

  get org(): string | null {
    return this.options.org?.() ?? null;
  }

  get size(): number {
    return this.checkpoint?.size ?? 0;
  }

  append(entry: NewLogEntry): Promise<void> {
    return this.queue(entry, null);
  }

  /** The entry that names the key; what comes after it is signed by that. */
  changeKey(next: Signer): Promise<void> {
    return this.queue({ type: 'key', vkey: formatVkey(next.vkey) }, next);
  }

  private async queue(entry: NewLogEntry, next: Signer | null): Promise<void> {
    if (this.error !== null) throw this.error;
    if (this.closed) throw new CountersignError('DEVICE_LOG_FAILED', 'the device’s log has been closed');
    if (this.pending.length >= MAX_PENDING) {
      throw this.fail(logFailed(`${MAX_PENDING} entries wait for the disk of the device's log`, null));
    }
    const t = new Date(this.options.clock.now()).toISOString();
    const bytes = Buffer.from(JSON.stringify(LogEntry.parse({ v: 1, n: this.next, t, ...entry })));
    if (bytes.length > MAX_ENTRY_BYTES) {
      throw new CountersignError('DEVICE_LOG_ENTRY_TOO_LARGE', `an entry of ${bytes.length} bytes is too long`);
    }
    this.next += 1;
    const written = new Promise<void>((resolve, reject) => this.pending.push({ bytes, next, resolve, reject }));
    this.working ??= this.work();
    await written;
  }

  private async work(): Promise<void> {
    await Promise.resolve();
    while (this.pending.length > 0 && this.error === null) {
      await this.commit(this.takeBatch());
      if (!this.closed) await this.pause(this.options.gatherMs ?? GATHER_MS);
    }
    this.working = null;
  }

  /** Cut by `close`, which has nothing to gather for. */
  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.hurry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Ends with an entry that changes the key, so that the old key signs for that and for nothing after it. */
  private takeBatch(): Pending[] {
    const change = this.pending.findIndex(({ next }) => next !== null);
    return this.pending.splice(0, Math.min(MAX_BATCH, change < 0 ? MAX_BATCH : change + 1));
  }

  private async commit(batch: readonly Pending[]): Promise<void> {
    const { file, tree } = this.opened;
    let checkpoint: LogCheckpoint;
    try {
      const bytes = Buffer.concat(batch.map((entry) => frameOf(entry.bytes)));
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await file.write(bytes, done, bytes.length - done, tree.end + done);
        if (bytesWritten === 0) throw Object.assign(new Error('the system wrote nothing'), { code: 'EIO' });
        done += bytesWritten;
      }
      await file.datasync();
      for (const entry of batch) tree.add(entry.bytes);
      const head = { origin: this.origin, size: tree.size, root: tree.root() };
      checkpoint = { size: head.size, root: head.root, note: signCheckpoint(head, this.signer) };
      await keepCheckpoint(this.options.folder, checkpoint);
    } catch (cause) {
      const error = this.fail(logFailed("the device's log could not be written", cause));
      for (const entry of batch) entry.reject(error);
      return;
    }
    this.checkpoint = checkpoint;
    this.signedAt = this.options.clock.now();
    this.signer = batch.at(-1)?.next ?? this.signer;
    for (const entry of batch) entry.resolve();
    for (const listener of [...this.listeners]) listener(checkpoint);
  }

  /** The first failure stays: what is not in the log must not happen. */
  private fail(error: CountersignError): CountersignError {
    if (this.error !== null) return this.error;
    this.error = error;
    this.problem = error.message;
    for (const entry of this.pending) entry.reject(error);
    this.pending = [];
    for (const listener of this.failures) listener(error);
    return error;
  }

  onCheckpoint(listener: (checkpoint: LogCheckpoint) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Called at once where it has failed already. */
  onFailure(listener: (error: CountersignError) => void): void {
    this.failures.add(listener);
    if (this.error !== null) listener(this.error);
  }

  tiles(since: number, size: number): string[] {
    return tilesBetween(since, Math.min(size, this.size)).map(tileName);
  }

  readTile(name: string): Promise<Uint8Array> {
    return this.opened.tree.readTile(name);
  }

  consistency(from: number, to: number): Promise<Uint8Array[]> {
    return this.opened.tree.consistency(from, to);
  }

  entries(from: number, until = this.size): AsyncIterable<Uint8Array> {
    return this.opened.tree.entries(from, Math.min(until, this.size));
  }

  /** Writes what waits, and takes nothing more. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.hurry();
    await this.working;
    await this.opened.file.close();
  }
}

function logFailed(what: string, cause: unknown): CountersignError {
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? '';
  const advice =
    code === 'ENOSPC' || code === 'EDQUOT'
      ? 'free space on its disk, then restart the gateway'
      : 'look at its folder and disk, then restart the gateway';
  return new CountersignError(
    'DEVICE_LOG_FAILED',
    `Nothing is forwarded, because ${what}${code === '' ? '' : ` (${code})`}; ${advice}.`,
    { cause },
  );
}
