const BLOCK = 128 * 1024;

/**
 * Gathers what goes out for one read: contiguous ranges of a buffer stay one piece, so that an
 * unchanged read leaves as it came, in one write.
 */
export class Outflow {
  #pieces: Uint8Array[] = [];
  #bytes: Uint8Array | null = null;
  #from = 0;
  #to = 0;
  #block: Uint8Array | null = null;
  #blockUsed = 0;

  /** A range of a buffer that nobody will write to again. */
  add(bytes: Uint8Array, from: number, to: number): void {
    if (bytes === this.#bytes && from === this.#to) {
      this.#to = to;
      return;
    }
    this.#close();
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }

  /** A range that is only valid now: its bytes are copied. */
  copy(bytes: Uint8Array, from: number, to: number): void {
    const at = this.reserve(to - from);
    at.block.set(from === 0 && to === bytes.length ? bytes : bytes.subarray(from, to), at.offset);
  }

  /** Room for `size` bytes that the caller fills at once. */
  reserve(size: number): { block: Uint8Array; offset: number } {
    if (!this.#block || this.#block.length - this.#blockUsed < size) {
      // Only what was filled leaves, so there is no need for zeros.
      this.#block = new Uint8Array(Buffer.allocUnsafeSlow(Math.max(BLOCK, size)).buffer);
      this.#blockUsed = 0;
    }
    const block = this.#block;
    const offset = this.#blockUsed;
    this.#blockUsed += size;
    this.add(block, offset, offset + size);
    return { block, offset };
  }

  /** A range that begins there makes the present piece longer, or is the first: it costs nothing. */
  continues(bytes: Uint8Array, from: number): boolean {
    if (this.#bytes === null) return this.#pieces.length === 0;
    return bytes === this.#bytes && from === this.#to;
  }

  /** Hands over what was gathered, in order; nothing where there is nothing. */
  drain(sink: (pieces: readonly Uint8Array[]) => void): void {
    this.#close();
    if (this.#pieces.length === 0) return;
    const pieces = this.#pieces;
    this.#pieces = [];
    sink(pieces);
  }

  #close(): void {
    const bytes = this.#bytes;
    if (!bytes) return;
    this.#bytes = null;
    const whole = this.#from === 0 && this.#to === bytes.length;
    if (this.#to > this.#from) this.#pieces.push(whole ? bytes : bytes.subarray(this.#from, this.#to));
  }
}
