import * as crypto from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Decision } from '../contract/decision.ts';
import type { RecorderSessionInfo, StatementSummary } from '../pipeline/ports.ts';
import { boundedDecision, boundedInfo, boundedObjects, isShared } from './bounds.ts';
import {
  append,
  headsName,
  KEY_NAME,
  numbered,
  OPEN_NAME,
  recoveryKeyName,
  SUMS_NAME,
  SUMS_SIGNATURE_NAME,
  segmentName,
  unitsName,
} from './files.ts';
import { toBase64 } from './format/bytes.ts';
import type { CloseLine, Shape } from './format/lines.ts';
import { Frontier } from './format/merkle.ts';
import { keyHash, originOf, signHead } from './format/note.ts';
import { MapWriter } from './format/run-map.ts';
import { MAX_LINE_BYTES, sealLines } from './format/segments.ts';
import { MAX_UNIT_BYTES, UNIT_DETAIL, UNIT_DOWN, UNIT_MAP, UNIT_UP } from './format/units.ts';
import { nodePrimitives as p, publicKeyPem, type SessionKey } from './primitives.ts';
import { readBounded, scanSegment } from './scan.ts';
import { UNIT_PREFIX, UnitPacker } from './unit-packer.ts';
import type { EventRecord } from './worker-messages.ts';

const MAX_RUN_UNITS = 2040;
const MAX_RUN_BYTES = 1024 * 1024;
const MAX_MAP_BYTES = 24 * 1024;
const MAX_RUN_SHAPES = 128;
const MAX_NEW_SHAPE_BYTES = 24 * 1024;
const MAX_KNOWN_SHAPES = 4096;
const MAX_INLINE_DETAIL = 16 * 1024;
const MAX_TEXT_BYTES = 64 * 1024;
const MAX_HEAD_LINES = 256;
const MAX_PENDING_BYTES = 1024 * 1024;
const RUN_MICROSECONDS = 1_000_000;
const SEGMENT_FILE_BYTES = 1024 * 1024;
const UNITS_FILE_BYTES = 8 * 1024 * 1024;

/** Where recovery takes a session up again. */
export interface Resume {
  seq: number;
  prev: string;
  frontier: Frontier;
  units: number;
  journalled: number;
  nextExchange: number;
  nextShape: number;
  counts: CloseLine['counts'];
  /** First number for new files. */
  fileNumber: number;
}

export interface OwnPending {
  exchange: number;
  summary: StatementSummary;
  text: [number, number] | null;
}

export const noCounts = (): CloseLine['counts'] => ({
  exchanges: 0,
  statements: 0,
  asked: 0,
  denied: 0,
  errors: 0,
  rows: 0,
  bytesUp: 0,
  bytesDown: 0,
  masked: {},
});

const scratch = Buffer.alloc(UNIT_PREFIX + MAX_UNIT_BYTES);
const lineScratch = Buffer.alloc(MAX_LINE_BYTES * 3 + 2);

/**
 * Makes one session's recording from what is handed over in order: units, event lines, tree, heads, files.
 * Runs on the recorder's worker, and in recovery. Throws what the file system throws; a sealer that threw is done for.
 */
export class SessionSealer {
  readonly id: string;
  readonly folder: string;
  /** Files touched since the last sync. */
  readonly unsynced = new Set<string>();
  lastFlush = 0;
  /** Journalled records of the session so far; the next one has this number. */
  journalled = 0;
  private readonly key: SessionKey;
  private readonly origin: string;
  private readonly keyHash: Uint8Array;
  private seq = 0;
  private prev = '';
  private frontier = new Frontier(p.sha256);
  private readonly packer: UnitPacker;
  private counts = noCounts();
  private nextExchange = 0;
  private last = 0;
  // The run that is being made.
  private runUnits = 0;
  private runBytes = 0;
  private runStart = 0;
  private runHashes = Buffer.alloc(64 * 32);
  private low = Number.POSITIVE_INFINITY;
  private high = -1;
  private readonly map = new MapWriter(1024);
  private readonly sums = new Map<number, [number, number, number]>();
  private newShapes: [number, Shape][] = [];
  private newShapeBytes = 0;
  private texts: [string, number, number][] = [];
  private own: OwnPending | null = null;
  private cutAtEnd = -1;
  // Shapes: the caller's numbers, and the numbers under which they are in the log.
  private readonly localShapes: (number | undefined)[] = [];
  private readonly shapeNumbers = new Map<string, number>();
  private nextShape = 0;
  // What is not in the files yet.
  private lines: string[] = [];
  private linesBytes = 0;
  private linesFirstSeq = 0;
  private linesFirstUnit = 0;
  private boundUnits: number;
  private fileNumber = { segment: 0, units: 0 };
  private fileBytes = { segment: 0, units: 0 };

  /** @param resume null makes a new session: its folder must not exist yet. */
  constructor(folder: string, id: string, key: SessionKey, resume: Resume | null) {
    this.folder = folder;
    this.id = id;
    this.key = key;
    this.origin = originOf(id);
    this.keyHash = keyHash(p.sha256, this.origin, key.publicKey);
    this.packer = new UnitPacker(p, resume?.units ?? 0);
    this.boundUnits = resume?.units ?? 0;
    if (resume === null) return;
    this.seq = resume.seq;
    this.prev = resume.prev;
    this.frontier = resume.frontier;
    this.journalled = resume.journalled;
    this.nextExchange = resume.nextExchange;
    this.nextShape = resume.nextShape;
    this.counts = resume.counts;
    this.fileNumber = { segment: resume.fileNumber, units: resume.fileNumber };
  }

  /** The open event; journalled record 0. */
  open(info: RecorderSessionInfo, at: number): void {
    fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.journalled = 1;
    const line = this.line(
      {
        type: 'open',
        format: 'countersign-recording/1',
        sid: this.id,
        key: toBase64(this.key.publicKey),
        nonce: nonce(),
        info: boundedInfo(info),
      },
      at,
    );
    this.writeOpen(Buffer.from(`${line}\n`));
    this.write(KEY_NAME, Buffer.from(publicKeyPem(this.key.publicKey)));
    this.flush(0);
  }

  /** Recovery's first event under its own key; the next lines cover journalled records from `journalled` on. */
  recovered(detail: Record<string, unknown>, at: number): void {
    this.line({ type: 'recovered', key: toBase64(this.key.publicKey), nonce: nonce(), ...detail }, at);
    this.write(recoveryKeyName(this.seq - 1), Buffer.from(publicKeyPem(this.key.publicKey)));
  }

  /** Content is `buffer[start, end)`, at most 32 KiB; the 25 bytes before it are overwritten. */
  request(exchange: number, at: number, buffer: Buffer, start: number, end: number): void {
    this.makeRoom(end - start, at);
    this.journalled += 1;
    this.counts.bytesUp += end - start;
    this.traffic(UNIT_UP, exchange, at, buffer, start, end);
  }

  response(exchange: number, at: number, buffer: Buffer, start: number, end: number): void {
    this.makeRoom(end - start, at);
    this.counts.bytesDown += end - start;
    this.traffic(UNIT_DOWN, exchange, at, buffer, start, end);
  }

  private traffic(kind: number, exchange: number, at: number, buffer: Buffer, start: number, end: number): void {
    const begins = exchange >= this.nextExchange;
    if (begins) {
      this.nextExchange = exchange + 1;
      this.counts.exchanges += 1;
    }
    this.map.unit(exchange, kind === UNIT_DOWN, begins);
    this.touch(exchange);
    this.unit(kind, at, buffer, start, end);
  }

  private makeRoom(bytes: number, at: number): void {
    if (
      this.runUnits >= MAX_RUN_UNITS ||
      this.runBytes + bytes > MAX_RUN_BYTES ||
      this.map.length > MAX_MAP_BYTES ||
      (this.runUnits > 0 && at - this.runStart > RUN_MICROSECONDS)
    ) {
      this.cut();
    }
  }

  private touch(exchange: number): void {
    if (exchange < this.low) this.low = exchange;
    if (exchange > this.high) this.high = exchange;
  }

  private unit(kind: number, at: number, buffer: Buffer, start: number, end: number): void {
    if (at > this.last) this.last = at;
    if (this.runUnits === 0) this.runStart = this.last;
    const hash = this.packer.add(kind, this.last, buffer, start, end);
    if ((this.runUnits + 1) * 32 > this.runHashes.length) {
      const grown = Buffer.alloc(this.runHashes.length * 2);
      this.runHashes.copy(grown);
      this.runHashes = grown;
    }
    this.runHashes.write(hash, this.runUnits * 32, 32, 'latin1');
    this.runUnits += 1;
    this.runBytes += end - start;
  }

  /** Discloses bytes as units of the run that is being made; gives their range. */
  private disclose(bytes: Uint8Array, at: number): [number, number] {
    const first = this.packer.total;
    for (let offset = 0; offset < bytes.length || offset === 0; offset += MAX_UNIT_BYTES) {
      const part = bytes.subarray(offset, offset + MAX_UNIT_BYTES);
      scratch.set(part, UNIT_PREFIX);
      this.map.detail();
      this.unit(UNIT_DETAIL, at, scratch, UNIT_PREFIX, UNIT_PREFIX + part.length);
    }
    return [first, this.packer.total - first];
  }

  /** A shape under the caller's own number. */
  shape(local: number, shape: Shape): void {
    this.localShapes[local] = this.intern({ ...shape, decision: boundedDecision(shape.decision) });
  }

  private intern(shape: Shape): number {
    const text = JSON.stringify(shape);
    const known = this.shapeNumbers.get(text);
    if (known !== undefined) return known;
    if (this.shapeNumbers.size >= MAX_KNOWN_SHAPES) this.shapeNumbers.clear();
    const number = this.nextShape++;
    this.shapeNumbers.set(text, number);
    if (this.newShapeBytes + text.length > MAX_NEW_SHAPE_BYTES) this.cut();
    this.newShapes.push([number, shape]);
    this.newShapeBytes += text.length;
    return number;
  }

  /** A statement without a line of its own. @param extra JSON of {error, heldMs, masked, maskedColumns, digest, text}, where there is any. */
  statement(exchange: number, at: number, local: number, rows: number, extra: string | null): void {
    this.makeRoom(0, at);
    const shape = this.localShapes[local];
    if (shape === undefined) throw new Error('a statement names a shape that was not given');
    let kept: string | null = null;
    let failed = false;
    if (extra !== null) {
      const { text, fingerprint, ...rest } = JSON.parse(extra) as {
        text?: string;
        fingerprint?: string;
        error?: string;
        masked?: Record<string, number>;
      };
      if (text !== undefined && fingerprint !== undefined && Buffer.byteLength(text) <= MAX_TEXT_BYTES) {
        if (this.texts.length >= 256) this.cut();
        const [first, count] = this.disclose(Buffer.from(text), at);
        this.texts.push([fingerprint, first, count]);
      }
      failed = rest.error !== undefined;
      this.countMasked(rest.masked);
      if (Object.keys(rest).length > 0) kept = JSON.stringify(rest);
    }
    this.touch(exchange);
    this.map.statement(exchange, shape, rows, kept);
    const sum = this.sums.get(shape);
    if (sum === undefined) {
      if (this.sums.size >= MAX_RUN_SHAPES) this.cutAtEnd = exchange;
      this.sums.set(shape, [1, rows, failed ? 1 : 0]);
    } else {
      sum[0] += 1;
      sum[1] += rows;
      if (failed) sum[2] += 1;
    }
    this.counts.statements += 1;
    this.counts.rows += rows;
    if (failed) {
      this.counts.errors += 1;
      this.cutAtEnd = exchange;
    }
  }

  private countMasked(masked: Readonly<Record<string, number>> | null | undefined): void {
    for (const [entity, count] of Object.entries(masked ?? {})) {
      this.counts.masked[entity] = (this.counts.masked[entity] ?? 0) + count;
    }
  }

  /** A statement with a line of its own; the line is made when its exchange ends, or something else needs a line. */
  ownStatement(exchange: number, at: number, summary: StatementSummary): void {
    if (this.own !== null) this.cut();
    this.makeRoom(0, at);
    const text = summary.text === null ? null : Buffer.from(summary.text);
    const where = text === null || text.length > MAX_TEXT_BYTES ? null : this.disclose(text, at);
    this.journalled += 1;
    this.touch(exchange);
    this.own = { exchange, summary, text: where };
    const { counts } = this;
    counts.statements += 1;
    counts.rows += summary.rows;
    if (summary.decision.verdict.effect === 'ask') counts.asked += 1;
    if (summary.decision.effect === 'deny') counts.denied += 1;
    if (summary.error !== null) counts.errors += 1;
    this.countMasked(summary.masked);
  }

  end(exchange: number): void {
    this.map.end(exchange);
    this.touch(exchange);
    if (this.own?.exchange === exchange || this.cutAtEnd === exchange) this.cut();
  }

  event({ type, detail, how = 'line' }: EventRecord, at: number): void {
    this.cut();
    const text = JSON.stringify(detail);
    const small = text.length * 3 <= MAX_INLINE_DETAIL || Buffer.byteLength(text) <= MAX_INLINE_DETAIL;
    if (how === 'line' && small) {
      this.journalled += 1;
      this.line({ type: 'event', name: type.slice(0, 200), detail, nonce: nonce() }, at);
      return;
    }
    const range = this.disclose(Buffer.from(text), at);
    this.journalled += 1;
    const part = this.endRun();
    this.line({ type: 'event', name: type.slice(0, 200), detail: null, at: range, nonce: nonce(), ...part }, at);
  }

  /** True while something waits for a line. */
  get running(): boolean {
    return this.runUnits > 0 || this.map.length > 0 || this.own !== null;
  }

  get lastAt(): number {
    return this.last;
  }

  get pendingBytes(): number {
    return this.packer.pendingBytes + this.linesBytes;
  }

  /** True while something is not in the files yet. */
  get dirty(): boolean {
    return this.running || this.lines.length > 0;
  }

  /** True when waiting longer would hold too much. */
  get urgent(): boolean {
    return this.lines.length >= MAX_HEAD_LINES || this.pendingBytes >= MAX_PENDING_BYTES;
  }

  private endRun(): Record<string, unknown> {
    const { length } = this.map;
    scratch.set(this.map.bytes.subarray(0, length), UNIT_PREFIX);
    this.map.reset();
    this.unit(UNIT_MAP, this.last, scratch, UNIT_PREFIX, UNIT_PREFIX + length);
    const part: Record<string, unknown> = {
      u: [this.packer.total - this.runUnits, this.runUnits],
      ud: crypto.hash('sha256', this.runHashes.subarray(0, this.runUnits * 32), 'base64'),
    };
    if (this.high >= 0) part.x = [this.low, this.high];
    if (this.sums.size > 0) part.sum = [...this.sums].map(([shape, sum]) => [shape, ...sum]);
    if (this.newShapes.length > 0) part.shapes = this.newShapes;
    if (this.texts.length > 0) part.texts = this.texts;
    this.runUnits = 0;
    this.runBytes = 0;
    this.low = Number.POSITIVE_INFINITY;
    this.high = -1;
    this.sums.clear();
    this.newShapes = [];
    this.newShapeBytes = 0;
    this.texts = [];
    this.cutAtEnd = -1;
    return part;
  }

  /** Makes the line of the run that is being made, if there is one. */
  cut(): void {
    if (!this.running) return;
    const { own } = this;
    if (own === null) {
      this.line({ type: 'run', ...this.endRun() }, this.last);
      return;
    }
    this.own = null;
    const { summary } = own;
    const shape: Shape = {
      fingerprint: summary.fingerprint,
      class: summary.class,
      op: summary.op,
      decision: boundedDecision(summary.decision),
      ...(summary.flags?.length ? { flags: summary.flags } : {}),
    };
    const named = isShared(summary.decision as Decision) ? this.intern(shape) : shape;
    const line = {
      x: own.exchange,
      shape: named,
      text: own.text,
      digest: summary.digest,
      rows: summary.rows,
      error: summary.error,
      heldMs: summary.heldMs,
      masked: summary.masked,
      ...(summary.maskedColumns ? { maskedColumns: summary.maskedColumns } : {}),
      ...boundedObjects(summary.objects),
    };
    this.line({ type: 'statement', own: line, ...this.endRun() }, this.last);
  }

  private line(rest: Record<string, unknown>, at: number): string {
    if (at > this.last) this.last = at;
    const text = JSON.stringify({ v: 1, seq: this.seq, prev: this.prev, t: this.last, j: this.journalled, ...rest });
    const length = lineScratch.write(text, 1);
    if (length > MAX_LINE_BYTES) throw new Error(`an event line of ${length} bytes is too long`);
    const leaf = crypto.hash('sha256', lineScratch.subarray(0, length + 1), 'buffer');
    this.prev = leaf.toString('base64');
    this.frontier.add(leaf);
    if (this.lines.length === 0) {
      this.linesFirstSeq = this.seq;
      this.linesFirstUnit = this.boundUnits;
    }
    this.boundUnits = this.packer.total;
    this.seq += 1;
    this.lines.push(text);
    this.linesBytes += length + 1;
    return text;
  }

  /** At once as a whole: a folder with an open event is a session to whoever reads beside the recorder. */
  private writeOpen(bytes: Uint8Array): void {
    const path = join(this.folder, OPEN_NAME);
    const fresh = `${path}.new`;
    fs.writeFileSync(fresh, bytes, { mode: 0o600 });
    fs.renameSync(fresh, path);
    this.unsynced.add(path);
  }

  private write(name: string, bytes: Uint8Array): void {
    const path = join(this.folder, name);
    append(path, bytes);
    this.unsynced.add(path);
  }

  /** Cuts, and writes units, then lines, then a signed head: what is found after a crash never binds what is missing. */
  flush(now: number): boolean {
    this.cut();
    this.lastFlush = now;
    if (this.lines.length === 0) return false;
    this.packer.seal();
    const units = this.packer.take();
    if (units.length > 0) {
      this.write(unitsName(this.fileNumber.units), units);
      this.fileBytes.units += units.length;
    }
    const text = Buffer.from(`${this.lines.join('\n')}\n`);
    const frame = sealLines(p, text, this.lines.length, this.linesFirstSeq, this.linesFirstUnit);
    this.write(segmentName(this.fileNumber.segment), frame);
    this.fileBytes.segment += frame.length;
    this.lines = [];
    this.linesBytes = 0;
    const head = signHead(
      { origin: this.origin, size: this.seq, root: this.frontier.root() },
      this.keyHash,
      this.key.sign,
    );
    this.write(headsName(this.fileNumber.segment), Buffer.concat([head, Buffer.from('\n')]));
    if (this.fileBytes.segment > SEGMENT_FILE_BYTES) {
      this.fileNumber.segment += 1;
      this.fileBytes.segment = 0;
    }
    if (this.fileBytes.units > UNITS_FILE_BYTES) {
      this.fileNumber.units += 1;
      this.fileBytes.units = 0;
    }
    return true;
  }

  /** The last event, the last head and the signed sums. The key must be let go of afterwards. */
  close(state: 'closed' | 'incomplete', reason: string, at: number): void {
    this.cut();
    this.line(
      {
        type: 'close',
        state,
        reason: reason.slice(0, 500),
        counts: this.counts,
        size: this.seq,
        root: toBase64(this.frontier.root()),
        units: this.packer.total,
        nonce: nonce(),
      },
      at,
    );
    this.flush(0);
    const sums = Buffer.from(sumsOf(this.folder));
    this.write(SUMS_NAME, sums);
    this.write(SUMS_SIGNATURE_NAME, this.key.sign(sums));
  }
}

const nonce = (): string => crypto.randomBytes(16).toString('base64');

/** SHA256SUMS of a folder: plaintext of segments, heads, the open event. Streams; one file's frames at a time. */
export function sumsOf(folder: string): string {
  const entries: string[] = [];
  const add = (name: string, hash: string) => entries.push(`${hash}  ${name}\n`);
  for (const { path, name } of numbered(folder, 'heads'))
    add(name, crypto.hash('sha256', fs.readFileSync(path), 'hex'));
  add(OPEN_NAME, crypto.hash('sha256', fs.readFileSync(join(folder, OPEN_NAME)), 'hex'));
  for (const { path, name } of numbered(folder, 'segment')) {
    add(name.replace(/\.zst$/, ''), hashOfPlaintext(path));
  }
  return entries.join('');
}

function hashOfPlaintext(path: string): string {
  const hash = crypto.createHash('sha256');
  const newline = Buffer.from('\n');
  for (const found of scanSegment(readBounded(path))) {
    for (const line of found.lines ?? []) hash.update(line).update(newline);
  }
  return hash.digest('hex');
}
