import type { Decision } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { EventKeeping, SessionRecorder, StatementSummary } from '../pipeline/ports.ts';
import { shapeObjects } from './bounds.ts';
import {
  MAX_RECORD_PAYLOAD,
  RECORD_END,
  RECORD_EVENT,
  RECORD_OWN,
  RECORD_REQUEST,
  RECORD_RESPONSE,
  RECORD_SHAPE,
  RECORD_STATEMENT,
} from './format/journal.ts';
import { MAX_UNIT_BYTES } from './format/units.ts';
import type { FolderRecorder } from './recorder.ts';
import type { EventRecord } from './worker-messages.ts';

/** Longer texts are in the request's own bytes only. */
const MAX_TEXT = 64 * 1024;
const MAX_SHAPES = 4096;
const MAX_OBJECTS = 4096;
const MAX_FLAGS = 32;

interface KnownShape {
  class: string;
  op: string;
  decision: Decision;
  objects: readonly string[];
  flags: readonly string[];
  number: number;
}

/** The main thread's half of a session: puts records into the shared batch, and what must survive into the journal. */
export class RecordedSessionWriter implements SessionRecorder {
  readonly index: number;
  readonly id: string;
  /** The journal that already names this session. */
  journal = -1;
  private readonly recorder: FolderRecorder;
  private readonly shapes = new Map<string, KnownShape[]>();
  private nextShape = 0;
  private n = 0;
  private last = 0;
  private closed: Promise<void> | null = null;

  constructor(recorder: FolderRecorder, index: number, id: string) {
    this.recorder = recorder;
    this.index = index;
    this.id = id;
  }

  private time(): number {
    const now = this.recorder.now();
    if (now > this.last) this.last = now;
    return this.last;
  }

  private assertOpen(): void {
    this.recorder.assertWorking();
    if (this.closed !== null) throw new CountersignError('RECORDING_CLOSED', 'This session has been closed.');
  }

  request(exchange: number, bytes: Uint8Array): void {
    this.assertOpen();
    const { recorder } = this;
    const at = this.time();
    let start = -1;
    let offset = 0;
    do {
      const length = Math.min(MAX_UNIT_BYTES, bytes.length - offset);
      if (start >= 0 && !recorder.fits(length)) {
        recorder.commit(start, this);
        start = -1;
      }
      const to = recorder.put(RECORD_REQUEST, length, this.index, exchange, at, this.n);
      if (start < 0) start = to - 40;
      recorder.buffer.set(
        offset === 0 && length === bytes.length ? bytes : bytes.subarray(offset, offset + length),
        to,
      );
      recorder.seal(to, length);
      this.n += 1;
      offset += length;
    } while (offset < bytes.length);
    recorder.commit(start, this);
  }

  response(exchange: number, bytes: Uint8Array): void {
    this.assertOpen();
    const { recorder } = this;
    const at = this.time();
    for (let offset = 0; offset < bytes.length; offset += MAX_UNIT_BYTES) {
      const length = Math.min(MAX_UNIT_BYTES, bytes.length - offset);
      const to = recorder.put(RECORD_RESPONSE, length, this.index, exchange, at, 0);
      recorder.buffer.set(
        offset === 0 && length === bytes.length ? bytes : bytes.subarray(offset, offset + length),
        to,
      );
      recorder.keep();
    }
  }

  statement(exchange: number, summary: StatementSummary): void {
    this.assertOpen();
    const text = summary.text !== null && summary.text.length > MAX_TEXT ? null : summary.text;
    if (summary.own) {
      const objects = summary.objects.slice(0, MAX_OBJECTS);
      this.json(RECORD_OWN, exchange, { ...summary, text, objects }, true);
      return;
    }
    const { recorder } = this;
    const shape = this.shapeOf(summary);
    let extra = '';
    if (
      text !== null ||
      summary.error !== null ||
      summary.heldMs > 0 ||
      summary.masked !== null ||
      summary.maskedColumns ||
      summary.digest !== null
    ) {
      extra = JSON.stringify({
        ...(text === null ? {} : { text, fingerprint: summary.fingerprint }),
        ...(summary.error === null ? {} : { error: summary.error }),
        ...(summary.heldMs > 0 ? { heldMs: summary.heldMs } : {}),
        ...(summary.masked === null ? {} : { masked: summary.masked }),
        ...(summary.maskedColumns ? { maskedColumns: summary.maskedColumns } : {}),
        ...(summary.digest === null ? {} : { digest: summary.digest }),
      });
    }
    const length = extra === '' ? 0 : Buffer.byteLength(extra);
    const to = recorder.put(RECORD_STATEMENT, 16 + length, this.index, exchange, this.time(), 0);
    recorder.buffer.writeDoubleLE(summary.rows, to);
    recorder.buffer.writeUInt32LE(shape, to + 8);
    recorder.buffer.writeUInt32LE(length, to + 12);
    if (length > 0) recorder.buffer.write(extra, to + 16);
    recorder.keep();
  }

  /** The worker knows shapes by number; a new one is told to it first. */
  private shapeOf(summary: StatementSummary): number {
    const known = this.shapes.get(summary.fingerprint);
    for (const one of known ?? []) if (sameShape(one, summary)) return one.number;
    if (this.nextShape >= MAX_SHAPES) {
      this.shapes.clear();
      this.nextShape = 0;
    }
    const number = this.nextShape++;
    const { fingerprint, op, decision, objects, flags = [] } = summary;
    const shape: KnownShape = { class: summary.class, op, decision, objects, flags, number };
    if (known !== undefined && this.shapes.has(fingerprint)) known.push(shape);
    else this.shapes.set(fingerprint, [shape]);
    const facts = {
      ...(objects.length > 0 ? { objects: shapeObjects(objects) } : {}),
      ...(flags.length > 0 ? { flags: flags.slice(0, MAX_FLAGS) } : {}),
    };
    this.json(RECORD_SHAPE, number, { fingerprint, class: summary.class, op, decision, ...facts }, false);
    return number;
  }

  end(exchange: number): void {
    this.assertOpen();
    this.recorder.put(RECORD_END, 0, this.index, exchange, this.time(), 0);
    this.recorder.keep();
  }

  durable(): Promise<void> {
    return this.recorder.durable();
  }

  event(type: string, detail: Record<string, unknown>, how: EventKeeping = 'line'): void {
    this.assertOpen();
    const record: EventRecord = how === 'line' ? { type, detail } : { type, detail, how };
    this.json(RECORD_EVENT, 0, record, true);
  }

  /** Opening and closing records; journalled. */
  begin(kind: number, value: unknown): void {
    this.recorder.assertWorking();
    this.json(kind, 0, value, true);
  }

  private json(kind: number, exchange: number, value: unknown, journalled: boolean): void {
    const { recorder } = this;
    const bytes = Buffer.from(JSON.stringify(value));
    if (bytes.length > MAX_RECORD_PAYLOAD) {
      throw new CountersignError(
        'RECORDING_EVENT_TOO_LARGE',
        `An event of ${bytes.length} bytes is more than a recording takes (1 MiB).`,
      );
    }
    const to = recorder.put(kind, bytes.length, this.index, exchange, this.time(), journalled ? this.n : 0);
    recorder.buffer.set(bytes, to);
    if (!journalled) {
      recorder.keep();
      return;
    }
    recorder.seal(to, bytes.length);
    this.n += 1;
    recorder.commit(to - 40, this);
  }

  close(reason: string): Promise<void> {
    if (this.closed === null) {
      try {
        this.closed = this.recorder.closeSession(this.index, this, reason);
      } catch (error) {
        this.closed = Promise.reject(error);
        this.closed.catch(() => {});
      }
    }
    return this.closed;
  }

  get at(): number {
    return this.last;
  }

  get backlog(): number {
    return this.recorder.backlog;
  }

  drained(): Promise<void> {
    return this.recorder.drained();
  }
}

function sameShape(known: KnownShape, summary: StatementSummary): boolean {
  return (
    known.op === summary.op &&
    known.class === summary.class &&
    sameDecision(known.decision, summary.decision) &&
    sameList(known.objects, summary.objects) &&
    sameList(known.flags, summary.flags ?? [])
  );
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((one, i) => one === b[i]));
}

function sameDecision(a: Decision, b: Decision): boolean {
  if (a === b) return true;
  return (
    a.effect === b.effect &&
    a.observed === b.observed &&
    a.approvalId === b.approvalId &&
    a.grantId === b.grantId &&
    a.decidedBy === b.decidedBy &&
    a.channel === b.channel &&
    a.message === b.message &&
    a.emergency?.id === b.emergency?.id &&
    (a.verdict === b.verdict ||
      (a.verdict.policyHash === b.verdict.policyHash &&
        a.verdict.effect === b.verdict.effect &&
        a.verdict.reason === b.verdict.reason &&
        a.verdict.level === b.verdict.level &&
        a.verdict.expiresSeconds === b.verdict.expiresSeconds &&
        a.verdict.grantable === b.verdict.grantable &&
        a.verdict.policyIds.join() === b.verdict.policyIds.join()))
  );
}
