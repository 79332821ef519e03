import { CountersignError } from '../../../contract/errors.ts';
import { LARGE_MESSAGE } from './limits.ts';

const encoder = new TextEncoder();

/**
 * Builds messages into one growing buffer; lengths are filled in by end().
 *
 *   new MessageWriter().begin(type).int32(1).cstring('a').end().finish()
 *
 * Throws PG_MESSAGE_TOO_LARGE above 1 GiB, PG_TEXT_HAS_NUL for a string that would end early.
 */
export class MessageWriter {
  #bytes: Uint8Array;
  #length = 0;
  #lengthAt = -1;

  constructor(capacity = 64) {
    this.#bytes = new Uint8Array(capacity);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > LARGE_MESSAGE) throw new CountersignError('PG_MESSAGE_TOO_LARGE', 'a message is above 1 GiB');
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    this.#length = needed;
    return at;
  }

  begin(type: number): this {
    this.uint8(type);
    return this.beginPacket();
  }

  /** A packet without a type byte. */
  beginPacket(): this {
    this.#lengthAt = this.#reserve(4);
    return this;
  }

  end(): this {
    const at = this.#lengthAt;
    this.#setInt32(at, this.#length - at);
    this.#lengthAt = -1;
    return this;
  }

  #setInt32(at: number, value: number): void {
    const b = this.#bytes;
    b[at] = value >>> 24;
    b[at + 1] = value >>> 16;
    b[at + 2] = value >>> 8;
    b[at + 3] = value;
  }

  uint8(value: number): this {
    // The position first: reserving may replace the buffer.
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  /** Signed or unsigned: the low 16 bits. */
  int16(value: number): this {
    const at = this.#reserve(2);
    this.#bytes[at] = value >>> 8;
    this.#bytes[at + 1] = value;
    return this;
  }

  /** Signed or unsigned: the low 32 bits. */
  int32(value: number): this {
    this.#setInt32(this.#reserve(4), value);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  cstring(value: string): this {
    if (value.includes('\0')) throw new CountersignError('PG_TEXT_HAS_NUL', 'a text contains a zero byte');
    return this.bytes(encoder.encode(value)).uint8(0);
  }

  /** All messages so far, as a view of exactly their bytes; the writer must not be used after. */
  finish(): Uint8Array {
    if (this.#lengthAt !== -1) throw new CountersignError('PG_WRITER_MISUSED', 'a message was not ended');
    return this.#bytes.subarray(0, this.#length);
  }
}
