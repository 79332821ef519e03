/** Small results are cut from slabs: a typed array of its own for each costs more than masking it. */
const SLAB_BYTES = 256 * 1024;
let slab = new Uint8Array(0);
let slabAt = 0;

/** Bytes that nobody else writes to; their content is not defined. */
export function allocate(length: number): Uint8Array {
  if (length > SLAB_BYTES / 8) return new Uint8Array(length);
  if (slabAt + length > slab.length) {
    slab = new Uint8Array(SLAB_BYTES);
    slabAt = 0;
  }
  const out = slab.subarray(slabAt, slabAt + length);
  slabAt += length;
  return out;
}

/** Grows by doubling; `take` hands the bytes out and starts anew. */
export class ByteWriter {
  private bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    let capacity = this.bytes.length * 2;
    while (capacity < this.length + more) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length] = value;
    this.length += 1;
  }

  int32(value: number): void {
    this.room(4);
    writeInt32(this.bytes, this.length, value);
    this.length += 4;
  }

  range(source: Uint8Array, start: number, end: number): void {
    this.room(end - start);
    copyBytes(source, start, end, this.bytes, this.length);
    this.length += end - start;
  }

  all(source: Uint8Array): void {
    this.range(source, 0, source.length);
  }

  patchInt32(at: number, value: number): void {
    writeInt32(this.bytes, at, value);
  }

  /** What was written so far; valid until the next write. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  take(): Uint8Array {
    const out = allocate(this.length);
    copyBytes(this.bytes, 0, this.length, out, 0);
    this.length = 0;
    return out;
  }
}

/** Short ranges byte by byte: a subarray for `set` costs more than they do. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > 96) target.set(source.subarray(start, end), at);
  else for (let i = start, j = at; i < end; i += 1, j += 1) target[j] = source[i]!;
}

export function readInt32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function readInt16(bytes: Uint8Array, at: number): number {
  return (((bytes[at]! << 8) | bytes[at + 1]!) << 16) >> 16;
}

export function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
