import { CountersignError } from '../../../contract/errors.ts';
import type { LengthLimits } from './limits.ts';
import { messageName } from './messages.ts';

const HEADER = 5;
/** Carries up to this size are kept for the next one; larger ones are given back to the collector. */
const KEPT_CARRY = 64 * 1024;
const EMPTY = new Uint8Array(0);

/**
 * Walks the messages of one direction in place, read buffer by read buffer:
 *
 *   scanner.feed(chunk);
 *   while (scanner.next()) { scanner.type, scanner.bytes, scanner.start, scanner.end, … }
 *
 * A whole message inside the chunk is seen in the chunk itself (`bytes === chunk`). One that straddles
 * reads is gathered in a carry (`bytes !== chunk`), which grows with the bytes that really came, never
 * with the length that was announced, and never above the type's limit.
 *
 * Types marked in `streamed` are not gathered: they come as parts (`first`, `last`) so that bulk data
 * needs no memory, and a run of whole ones that follow each other in a chunk comes as one step
 * (`count`). A header that is itself split comes from the carry, as a part of its own.
 *
 * The parts in order are exactly the bytes that were fed. `bytes` is valid until the next call.
 *
 * Errors, after which the scanner must not be used: PG_MESSAGE_MALFORMED (unknown type here, length
 * under 4 or negative), PG_MESSAGE_TOO_LARGE (above the limit of its type).
 */
export class FrameScanner {
  /** Type byte of the present message. */
  type = 0;
  /** The present step lies at bytes[start, end), header included where `first`. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;
  /** The step begins with a header. */
  first = true;
  /** The step ends its message. */
  last = true;
  /** Messages that end in this step; more than 1 only for streamed types, 0 for a part that is not the last. */
  count = 0;
  /** 1 at a type byte: do not gather messages of this type. May be changed between calls of next(). */
  readonly streamed: Uint8Array;

  readonly #direction: 'frontend' | 'backend';
  #limits: LengthLimits;
  #chunk: Uint8Array = EMPTY;
  #position = 0;
  #carry: Uint8Array = EMPTY;
  #carried = 0;
  /** Whole size (with type byte) of the carried message; 0 while its header is not complete. */
  #carrySize = 0;
  /** Bytes of a streamed message that are still to come. */
  #remaining = 0;
  #streaming = false;

  constructor(direction: 'frontend' | 'backend', limits: LengthLimits, streamed: readonly number[] = []) {
    this.#direction = direction;
    this.#limits = limits;
    this.streamed = new Uint8Array(256);
    for (const type of streamed) this.streamed[type] = 1;
  }

  /** Limits of the state that begins with the next message. */
  setLimits(limits: LengthLimits): void {
    this.#limits = limits;
  }

  /** Offset of the body in `bytes`; only where `first` and `count` is at most 1. */
  get bodyStart(): number {
    return this.start + HEADER;
  }

  /** Between two messages: nothing is carried, no streamed message is open, the chunk is used up. */
  get idle(): boolean {
    return this.#carried === 0 && !this.#streaming && this.#position === this.#chunk.length;
  }

  /** Bytes of an unfinished message that are held. */
  get carried(): number {
    return this.#carried;
  }

  /** Gives the next read. The chunk before must be used up (next() returned false). */
  feed(chunk: Uint8Array): void {
    if (this.#position !== this.#chunk.length) {
      throw new CountersignError('PG_SCANNER_MISUSED', 'a read was fed before the one before it was used up');
    }
    this.#chunk = chunk;
    this.#position = 0;
  }

  /** Takes what of the chunk was not walked yet; the scanner has then seen nothing of it. */
  takeRest(): Uint8Array {
    const held = this.#carried;
    const rest = this.#chunk.subarray(this.#position);
    const all = new Uint8Array(held + rest.length);
    all.set(this.#carry.subarray(0, held));
    all.set(rest, held);
    this.#carried = 0;
    this.#carrySize = 0;
    this.#chunk = EMPTY;
    this.#position = 0;
    return all;
  }

  /** Steps to the next message, part or run. False: the chunk is used up. */
  next(): boolean {
    if (this.#streaming) return this.#continueStream();
    if (this.#carried > 0) return this.#continueCarry();
    const chunk = this.#chunk;
    const start = this.#position;
    const available = chunk.length - start;
    if (available < HEADER) return this.#keep(available, 0);
    const type = chunk[start]!;
    const size = this.#size(chunk, start);
    if (this.streamed[type] === 1) return this.#stream(chunk, start, type, size);
    if (size > available) return this.#keep(available, size);
    this.type = type;
    this.bytes = chunk;
    this.start = start;
    this.end = start + size;
    this.#position = this.end;
    this.first = true;
    this.last = true;
    this.count = 1;
    return true;
  }

  /** Size with the type byte, checked against the limits. */
  #size(bytes: Uint8Array, at: number): number {
    const type = bytes[at]!;
    const length = ((bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!) >>> 0;
    const limit = this.#limits[type]!;
    if (limit === 0) {
      const name = messageName(this.#direction, type);
      throw new CountersignError('PG_MESSAGE_MALFORMED', `message type ${name} is not expected here`);
    }
    // A negative length reads as 2^31 and above: no limit reaches that.
    if (length < 4 || length > 0x7fffffff) {
      const name = messageName(this.#direction, type);
      throw new CountersignError('PG_MESSAGE_MALFORMED', `${name} has the impossible length ${length | 0}`);
    }
    if (length > limit) {
      const name = messageName(this.#direction, type);
      throw new CountersignError(
        'PG_MESSAGE_TOO_LARGE',
        `${name} of ${length} bytes is above its limit of ${limit} bytes`,
      );
    }
    return length + 1;
  }

  #stream(chunk: Uint8Array, start: number, type: number, firstSize: number): boolean {
    const limit = chunk.length;
    let end = start + firstSize;
    this.type = type;
    this.bytes = chunk;
    this.start = start;
    this.first = true;
    if (end > limit) {
      this.#remaining = end - limit;
      this.#streaming = true;
      end = limit;
      this.last = false;
      this.count = 0;
    } else {
      const longest = this.#limits[type]!;
      const lastHeader = limit - HEADER;
      let count = 1;
      while (end <= lastHeader && chunk[end] === type) {
        const length = (chunk[end + 1]! << 24) | (chunk[end + 2]! << 16) | (chunk[end + 3]! << 8) | chunk[end + 4]!;
        // Negative as a signed number: refused by #size with the others.
        if (length < 4 || length > longest) this.#size(chunk, end);
        if (length >= limit - end) break;
        end += length + 1;
        count++;
      }
      this.last = true;
      this.count = count;
    }
    this.end = end;
    this.#position = end;
    return true;
  }

  #continueStream(): boolean {
    const start = this.#position;
    const available = this.#chunk.length - start;
    if (available === 0) return false;
    const taken = Math.min(available, this.#remaining);
    this.#remaining -= taken;
    this.#streaming = this.#remaining > 0;
    this.bytes = this.#chunk;
    this.start = start;
    this.end = start + taken;
    this.#position = this.end;
    this.first = false;
    this.last = !this.#streaming;
    this.count = this.last ? 1 : 0;
    return true;
  }

  #keep(available: number, size: number): false {
    if (available === 0) return false;
    this.#carrySize = size;
    this.#append(available);
    return false;
  }

  #append(amount: number): void {
    const needed = this.#carried + amount;
    if (this.#carry.length < needed) {
      const doubled = Math.max(needed, Math.min(this.#carry.length * 2, this.#carrySize), 256);
      const grown = new Uint8Array(doubled);
      grown.set(this.#carry.subarray(0, this.#carried));
      this.#carry = grown;
    }
    this.#carry.set(this.#chunk.subarray(this.#position, this.#position + amount), this.#carried);
    this.#carried = needed;
    this.#position += amount;
  }

  #continueCarry(): boolean {
    const available = this.#chunk.length - this.#position;
    if (available === 0) return false;
    if (this.#carrySize === 0) {
      this.#append(Math.min(HEADER - this.#carried, available));
      if (this.#carried < HEADER) return false;
      const size = this.#size(this.#carry, 0);
      const type = this.#carry[0]!;
      if (this.streamed[type] === 1) {
        this.#emitCarry();
        this.#remaining = size - HEADER;
        this.#streaming = this.#remaining > 0;
        this.last = !this.#streaming;
        this.count = this.last ? 1 : 0;
        return true;
      }
      this.#carrySize = size;
    }
    this.#append(Math.min(this.#carrySize - this.#carried, this.#chunk.length - this.#position));
    if (this.#carried < this.#carrySize) return false;
    this.#emitCarry();
    return true;
  }

  #emitCarry(): void {
    this.type = this.#carry[0]!;
    this.bytes = this.#carry;
    this.start = 0;
    this.end = this.#carried;
    this.first = true;
    this.last = true;
    this.count = 1;
    this.#carried = 0;
    this.#carrySize = 0;
    if (this.#carry.length > KEPT_CARRY) this.#carry = EMPTY;
  }
}
