import * as fs from 'node:fs';
import { dirname } from 'node:path';
import type { RecorderSessionInfo, StatementSummary } from '../pipeline/ports.ts';
import { fillWithZeros, journalFiles, journalPath, sessionFolder, syncPath, writeAll } from './files.ts';
import { toBase64 } from './format/bytes.ts';
import {
  journalHeader,
  RECORD_CLOSE,
  RECORD_END,
  RECORD_EVENT,
  RECORD_HEADER_BYTES,
  RECORD_NAME,
  RECORD_OPEN,
  RECORD_OWN,
  RECORD_REQUEST,
  RECORD_RESPONSE,
  RECORD_SHAPE,
  RECORD_STATEMENT,
  recordBytes,
} from './format/journal.ts';
import type { Shape } from './format/lines.ts';
import { createSessionKey, nodePrimitives as p } from './primitives.ts';
import { closedFact, lastHead, openedFact } from './session-facts.ts';
import { SessionSealer } from './session-sealer.ts';
import type { EventRecord, FromWorker, OpenHead, ToWorker, WorkerSettings } from './worker-messages.ts';

const TICK_MS = 50;
const FLUSH_MS = 1000;
const LINES_PER_SECOND = 1000;
const MAX_PENDING_BYTES = 48 * 1024 * 1024;
const SYNC_MS = 1000;
const SYNC_CONCURRENCY = 4;
const TWO_32 = 0x1_0000_0000;

/** Seals what the main thread hands over. Time is the machine's: it only paces. */
export class SealingWorker {
  private readonly sessions = new Map<number, SessionSealer>();
  private readonly dirty = new Set<SessionSealer>();
  private readonly settings: WorkerSettings;
  private readonly post: (message: FromWorker, transfer?: ArrayBuffer[]) => void;
  /** Paths whose content, and folders whose entries, are not yet known to be on disk. */
  private readonly unsynced = new Set<string>();
  private grown = new Map<string, boolean>();
  private timer: NodeJS.Timeout | null = null;
  private budget = LINES_PER_SECOND;
  private budgetAt = 0;
  private journal = 0;
  private syncing: Promise<void> | null = null;
  private syncedAt = 0;
  private syncTook = 0;
  private failed = false;

  constructor(settings: WorkerSettings, post: (message: FromWorker, transfer?: ArrayBuffer[]) => void) {
    this.settings = settings;
    this.post = post;
  }

  receive(message: ToWorker): void {
    if (message.type === 'batch') {
      this.guard('the recording could not be written', () => this.batch(message.buffer, message.length));
      this.post({ type: 'done', buffer: message.buffer, length: message.length }, [message.buffer]);
      this.guard('the recording could not be written', () => this.retire(message.journal));
      this.schedule();
    } else if (message.type === 'prepare') {
      this.prepare(message.journal);
    } else if (message.type === 'heads') {
      this.guard('the recording could not be read', () => this.heads(message.request));
    } else {
      void this.stop();
    }
  }

  private guard(what: string, run: () => void): void {
    if (this.failed) return;
    try {
      run();
    } catch (error) {
      this.fail(what, error);
    }
  }

  private fail(what: string, error: unknown): void {
    if (this.failed) return;
    this.failed = true;
    const { code = null, message } = error as NodeJS.ErrnoException;
    this.post({ type: 'failed', what, code, message });
  }

  private batch(memory: ArrayBuffer, length: number): void {
    const buffer = Buffer.from(memory, 0, length);
    const words = new Uint32Array(memory, 0, length >>> 2);
    const now = Date.now();
    for (let offset = 0; offset < length; ) {
      const w = offset >>> 2;
      const size = words[w + 1]!;
      const start = offset + RECORD_HEADER_BYTES;
      const exchange = words[w + 5]! * TWO_32 + words[w + 4]!;
      const at = words[w + 7]! * TWO_32 + words[w + 6]!;
      this.record(words[w + 2]!, words[w + 3]!, exchange, at, buffer, start, start + size, now);
      offset += recordBytes(size);
    }
  }

  private record(
    kind: number,
    index: number,
    exchange: number,
    at: number,
    buffer: Buffer,
    start: number,
    end: number,
    now: number,
  ): void {
    if (kind === RECORD_NAME) return;
    if (kind === RECORD_OPEN) {
      this.open(index, at, JSON.parse(buffer.toString('utf8', start, end)) as RecorderSessionInfo);
      return;
    }
    const sealer = this.sessions.get(index);
    if (sealer === undefined) throw new Error('a record of a session that is not open');
    if (kind === RECORD_REQUEST) sealer.request(exchange, at, buffer, start, end);
    else if (kind === RECORD_RESPONSE) sealer.response(exchange, at, buffer, start, end);
    else if (kind === RECORD_END) sealer.end(exchange);
    else if (kind === RECORD_STATEMENT) {
      const extra = buffer.readUInt32LE(start + 12);
      sealer.statement(
        exchange,
        at,
        buffer.readUInt32LE(start + 8),
        buffer.readDoubleLE(start),
        extra === 0 ? null : buffer.toString('utf8', start + 16, start + 16 + extra),
      );
    } else if (kind === RECORD_SHAPE) sealer.shape(exchange, JSON.parse(buffer.toString('utf8', start, end)) as Shape);
    else if (kind === RECORD_OWN) {
      sealer.ownStatement(exchange, at, JSON.parse(buffer.toString('utf8', start, end)) as StatementSummary);
    } else if (kind === RECORD_EVENT) {
      sealer.event(JSON.parse(buffer.toString('utf8', start, end)) as EventRecord, at);
    } else if (kind === RECORD_CLOSE) {
      this.close(index, sealer, at, (JSON.parse(buffer.toString('utf8', start, end)) as { reason: string }).reason);
      return;
    }
    if (sealer.urgent) this.flush(sealer, now);
    else this.dirty.add(sealer);
  }

  private open(index: number, at: number, info: RecorderSessionInfo): void {
    const folder = sessionFolder(this.settings.dir, info.id, info.openedAt);
    const sealer = new SessionSealer(folder, info.id, createSessionKey(), null);
    this.sessions.set(index, sealer);
    sealer.open(info, at);
    this.post({ type: 'fact', fact: openedFact(folder) });
    for (let path = folder, i = 0; i < 5; i += 1, path = dirname(path)) this.unsynced.add(path);
    this.collect(sealer, false);
  }

  /** The sealer holds the only reference to the session's key. */
  private close(index: number, sealer: SessionSealer, at: number, reason: string): void {
    sealer.close('closed', reason, at);
    this.collect(sealer, true);
    this.sessions.delete(index);
    this.dirty.delete(sealer);
    this.post({ type: 'fact', fact: closedFact(sealer.folder) });
    this.post({ type: 'closed', session: index });
  }

  private heads(request: number): void {
    const heads: OpenHead[] = [];
    for (const { id, folder } of this.sessions.values()) {
      const head = lastHead(folder);
      if (head !== null) heads.push([id, head.size, toBase64(head.root)]);
    }
    this.post({ type: 'heads', request, heads });
  }

  private collect(sealer: SessionSealer, closed: boolean): void {
    for (const path of sealer.unsynced) this.unsynced.add(path);
    sealer.unsynced.clear();
    this.grown.set(sealer.id, closed || this.grown.get(sealer.id) === true);
  }

  private flush(sealer: SessionSealer, now: number): void {
    if (sealer.flush(now)) this.collect(sealer, false);
    this.dirty.delete(sealer);
  }

  private flushAll(): void {
    const now = Date.now();
    for (const sealer of [...this.dirty]) this.flush(sealer, now);
  }

  private schedule(): void {
    this.announce();
    if (this.timer !== null || this.failed || (this.dirty.size === 0 && this.unsynced.size === 0)) return;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.guard('the recording could not be written', () => this.tick());
      this.schedule();
    }, TICK_MS);
  }

  private announce(): void {
    if (this.grown.size === 0) return;
    this.post({ type: 'sealed', sessions: [...this.grown].map(([id, closed]) => ({ id, closed })) });
    this.grown = new Map();
  }

  private tick(): void {
    const now = Date.now();
    if (now - this.budgetAt >= 1000) {
      this.budgetAt = now;
      this.budget = LINES_PER_SECOND;
    }
    let pending = 0;
    for (const sealer of [...this.dirty]) {
      const idle = now - sealer.lastAt / 1000 >= TICK_MS;
      if (idle && sealer.running && this.budget > 0) {
        this.budget -= 1;
        sealer.cut();
      }
      if (now - sealer.lastFlush >= FLUSH_MS) this.flush(sealer, now);
      else pending += sealer.pendingBytes;
    }
    if (pending > MAX_PENDING_BYTES) this.flushAll();
    // Disks that are slow, or many sessions, stretch the pace: syncing takes a tenth of the time at most.
    if (
      this.unsynced.size > 0 &&
      this.syncing === null &&
      now - this.syncedAt >= Math.max(SYNC_MS, 10 * this.syncTook)
    ) {
      void this.sync();
    }
  }

  /** fdatasync of everything written so far; journals before `below` hold nothing else and go. */
  private async sync(below = 0): Promise<void> {
    while (this.syncing !== null) await this.syncing;
    if (this.failed) return;
    const paths = [...this.unsynced];
    this.unsynced.clear();
    const started = Date.now();
    this.syncing = (async () => {
      try {
        const next = paths[Symbol.iterator]();
        const lane = async () => {
          for (const path of next) await syncAsync(path);
        };
        await Promise.all(Array.from({ length: SYNC_CONCURRENCY }, lane));
        if (below > 0) {
          for (const { path, number } of journalFiles(this.settings.dir)) if (number < below) fs.unlinkSync(path);
        }
      } catch (error) {
        this.fail('the recording could not be brought to disk', error);
      }
      this.syncedAt = Date.now();
      this.syncTook = this.syncedAt - started;
      this.syncing = null;
    })();
    await this.syncing;
  }

  private retire(journal: number): void {
    if (journal <= this.journal) return;
    this.journal = journal;
    this.flushAll();
    void this.sync(journal);
  }

  /** A journal filled with zeros: appends to it need no new blocks, so fdatasync has less to do. */
  private prepare(number: number): void {
    const path = journalPath(this.settings.dir, number);
    try {
      const fd = fs.openSync(`${path}.new`, 'w', 0o600);
      try {
        fillWithZeros(fd, this.settings.journalBytes);
        writeAll(fd, journalHeader(p, number, Buffer.from(this.settings.runId, 'base64')), 0);
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(`${path}.new`, path);
      syncPath(dirname(path));
      this.post({ type: 'prepared', journal: number });
    } catch (error) {
      // Without room for the next journal the current one can still be filled: failing here only comes early.
      this.fail('the next journal could not be made', error);
    }
  }

  private async stop(): Promise<void> {
    this.guard('the recording could not be written', () => this.flushAll());
    if (this.timer !== null) clearTimeout(this.timer);
    // Sessions still open keep their journals: recovery closes them.
    await this.sync(this.sessions.size === 0 ? Number.MAX_SAFE_INTEGER : 0);
    this.announce();
    this.post({ type: 'stopped' });
  }
}

function syncAsync(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.open(path, 'r', (openError, fd) => {
      if (openError !== null) {
        // A closed session may have been deleted (retention); an open one fails at its next write.
        if (openError.code === 'ENOENT') resolve();
        else reject(openError);
        return;
      }
      fs.fsync(fd, (error) => fs.close(fd, () => (error === null ? resolve() : reject(error))));
    });
  });
}
