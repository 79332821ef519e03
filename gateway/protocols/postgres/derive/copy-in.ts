import { FrameScanner } from '../codec/frame-scanner.ts';
import { frontendLimits } from '../codec/limits.ts';
import { frontend } from '../codec/messages.ts';
import { decodeLenient, decodeStrict } from '../codec/reader.ts';
import { hex, MAX_VALUE_CHARS } from './values.ts';

/**
 * Lines that the client sent in the `nth` COPY FROM STDIN of an exchange (from 0). CopyData messages
 * need not end where lines do; what is not UTF-8 (binary format) is shown as hexadecimal, a message a line.
 * @param pieces the exchange's pieces; those of the server are passed over.
 */
export async function* copyInLines(
  pieces: AsyncIterable<{ direction: 'up' | 'down'; bytes: Uint8Array | null }>,
  nth: number,
): AsyncGenerator<string> {
  const scanner = new FrameScanner('frontend', frontendLimits(), [frontend.CopyData]);
  const lines = new LineBuffer();
  let copy = -1;
  let copying = false;
  for await (const { direction, bytes } of pieces) {
    if (direction !== 'up' || bytes === null) continue;
    scanner.feed(bytes);
    while (scanner.next()) {
      if (scanner.type !== frontend.CopyData) {
        if (scanner.type === frontend.CopyDone || scanner.type === frontend.CopyFail) {
          // A COPY without data has no CopyData that would have counted it.
          if (!copying) copy++;
          if (copy === nth) {
            yield* lines.end();
            return;
          }
          copying = false;
        }
        continue;
      }
      if (!copying) {
        copying = true;
        copy++;
      }
      if (copy !== nth) continue;
      yield* lines.add(payloads(scanner));
    }
  }
  if (copy === nth) yield* lines.end();
}

/** Payload bytes of the scanner's step, without the headers of the messages in it. */
function* payloads({ bytes, start, end, first, last }: FrameScanner): Generator<Uint8Array> {
  if (!first) yield bytes.subarray(start, end);
  else if (!last) yield bytes.subarray(Math.min(start + 5, end), end);
  else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = start; at < end; ) {
      const next = at + 1 + view.getUint32(at + 1);
      yield bytes.subarray(at + 5, next);
      at = next;
    }
  }
}

/** Cuts at newlines; a line above the limit comes in parts. */
class LineBuffer {
  #kept: Uint8Array = new Uint8Array(0);

  *add(payloads: Iterable<Uint8Array>): Generator<string> {
    for (const payload of payloads) {
      let rest = payload;
      for (let at = rest.indexOf(10); at !== -1; at = rest.indexOf(10)) {
        yield this.#line(rest.subarray(0, at));
        rest = rest.subarray(at + 1);
      }
      if (rest.length > 0) this.#keep(rest);
      if (this.#kept.length > MAX_VALUE_CHARS) yield this.#line(new Uint8Array(0));
    }
  }

  *end(): Generator<string> {
    if (this.#kept.length > 0) yield this.#line(new Uint8Array(0));
  }

  #keep(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#kept.length + bytes.length);
    joined.set(this.#kept);
    joined.set(bytes, this.#kept.length);
    this.#kept = joined;
  }

  #line(tail: Uint8Array): string {
    if (this.#kept.length > 0) this.#keep(tail);
    const line = this.#kept.length > 0 ? this.#kept : tail;
    this.#kept = new Uint8Array(0);
    const text = decodeStrict(line);
    if (text === null || text.includes('\0')) return line.length > 1024 ? decodeLenient(line) : hex(line);
    return text.replace(/\r$/, '');
  }
}
