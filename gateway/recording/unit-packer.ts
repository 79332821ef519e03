import * as crypto from 'node:crypto';
import type { Primitives } from './format/primitives.ts';
import {
  CONTAINER_TARGET_BYTES,
  MAX_CONTAINER_RAW,
  MAX_CONTAINER_UNITS,
  SALT_BYTES,
  sealContainer,
  UNIT_DOWN,
  UNIT_UP,
} from './format/units.ts';

/** Bytes that have to be writable in front of a unit's content: salt, kind and time are put there to be hashed. */
export const UNIT_PREFIX = 25;

const ZERO_BLOCK = Buffer.alloc(16);
const ZEROS = Buffer.alloc(SALT_BYTES * 256);
const TWO_32 = 0x1_0000_0000;

class Area {
  bytes = Buffer.alloc(0);
  length = 0;
  add(from: Buffer, start: number, end: number): void {
    const need = this.length + end - start;
    if (need > this.bytes.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.max(4096, need, Math.min(this.bytes.length * 2, CONTAINER_TARGET_BYTES)),
      );
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    from.copy(this.bytes, this.length, start, end);
    this.length = need;
  }
}

const raw = Buffer.alloc(MAX_CONTAINER_RAW);

/**
 * Packs units into containers (SPEC.md, "Unit containers"); the fast twin of format/units.ts, which
 * a test holds it to. One per session; the layout buffer is shared by all of a thread.
 */
export class UnitPacker {
  /** Units so far, in this and earlier containers. */
  total: number;
  /** Containers that are complete. */
  readonly sealed: Uint8Array[] = [];
  sealedBytes = 0;
  private count = 0;
  private dataBytes = 0;
  private kinds = new Uint8Array(64);
  private lengths = new Uint16Array(64);
  private deltas = new Uint32Array(64);
  private base = 0;
  private last = 0;
  private readonly areas = [new Area(), new Area(), new Area()] as const;
  private key: Buffer = ZERO_BLOCK;
  private cipher: crypto.Cipheriv | null = null;
  private salts: Buffer = ZERO_BLOCK;
  private saltAt = 0;
  private readonly p: Primitives;

  constructor(p: Primitives, total: number) {
    this.p = p;
    this.total = total;
  }

  get pendingBytes(): number {
    return this.dataBytes + this.sealedBytes;
  }

  /**
   * Adds content `buffer[start, end)` and gives the unit's hash as a latin1 string of 32 characters.
   * Overwrites the 25 bytes before `start`. @param at never earlier than the unit before.
   */
  add(kind: number, at: number, buffer: Buffer, start: number, end: number): string {
    if (
      this.count > 0 &&
      (this.count === MAX_CONTAINER_UNITS ||
        this.dataBytes + end - start > CONTAINER_TARGET_BYTES ||
        at - this.base >= TWO_32)
    ) {
      this.seal();
    }
    if (this.count === 0) this.begin(at);
    const i = this.count;
    if (i === this.kinds.length) this.grow();
    this.kinds[i] = kind;
    this.lengths[i] = end - start;
    this.deltas[i] = at - this.last;
    this.last = at;
    this.count += 1;
    this.total += 1;
    this.dataBytes += end - start;
    if (this.saltAt === this.salts.length) this.moreSalts();
    const prefix = start - UNIT_PREFIX;
    this.salts.copy(buffer, prefix, this.saltAt, this.saltAt + SALT_BYTES);
    this.saltAt += SALT_BYTES;
    buffer[prefix + 16] = kind;
    buffer.writeUInt32BE(Math.floor(at / TWO_32), prefix + 17);
    buffer.writeUInt32BE(at % TWO_32, prefix + 21);
    this.areas[kind === UNIT_UP ? 0 : kind === UNIT_DOWN ? 1 : 2].add(buffer, start, end);
    return crypto.hash('sha256', buffer.subarray(prefix, end), 'binary');
  }

  private begin(at: number): void {
    this.base = at;
    this.last = at;
    this.key = crypto.randomBytes(16);
    this.cipher = crypto.createCipheriv('aes-128-ctr', this.key, ZERO_BLOCK);
    this.salts = this.cipher.update(ZEROS.subarray(0, SALT_BYTES * 16));
    this.saltAt = 0;
  }

  private moreSalts(): void {
    this.salts = this.cipher!.update(ZEROS);
    this.saltAt = 0;
  }

  private grow(): void {
    const size = this.kinds.length * 2;
    const [kinds, lengths, deltas] = [new Uint8Array(size), new Uint16Array(size), new Uint32Array(size)];
    kinds.set(this.kinds);
    lengths.set(this.lengths);
    deltas.set(this.deltas);
    [this.kinds, this.lengths, this.deltas] = [kinds, lengths, deltas];
  }

  /** Completes the open container, if there is one. */
  seal(): void {
    const n = this.count;
    if (n === 0) return;
    raw[0] = 0;
    this.key.copy(raw, 1);
    raw.set(this.kinds.subarray(0, n), 17);
    const planes = 17 + n;
    for (let i = 0; i < n; i += 1) {
      const length = this.lengths[i]!;
      const delta = this.deltas[i]!;
      const at = planes + i;
      raw[at] = length;
      raw[at + n] = length >>> 8;
      raw[at + 2 * n] = delta;
      raw[at + 3 * n] = delta >>> 8;
      raw[at + 4 * n] = delta >>> 16;
      raw[at + 5 * n] = delta >>> 24;
    }
    let offset = planes + 6 * n;
    for (const area of this.areas) {
      area.bytes.copy(raw, offset, 0, area.length);
      offset += area.length;
      area.length = 0;
    }
    const container = sealContainer(this.p, raw.subarray(0, offset), n, this.total - n, this.base);
    this.sealed.push(container);
    this.sealedBytes += container.length;
    this.count = 0;
    this.dataBytes = 0;
    this.cipher = null;
  }

  /** Complete containers, for the file; they are the caller's from here. */
  take(): Uint8Array {
    const all = Buffer.concat(this.sealed);
    this.sealed.length = 0;
    this.sealedBytes = 0;
    return all;
  }
}
