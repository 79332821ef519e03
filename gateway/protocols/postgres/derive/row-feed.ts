import type { FieldShape } from '../../../pipeline/derive.ts';
import type { FrameScanner } from '../codec/frame-scanner.ts';
import { decodeLenient, decodeStrict } from '../codec/reader.ts';
import { MAX_SHOWN_ROW, rowValues } from './rows.ts';
import { hex, MAX_VALUE_CHARS } from './values.ts';

const HEADER = 5;

/** Bodies of streamed messages (DataRow, CopyData), one by one; of those above MAX_SHOWN_ROW the beginning. */
export class RowFeed {
  #gathered: Uint8Array[] = [];
  #held = 0;
  #cut = 0;

  /** @param body gets a message's body at bytes[start, end), and how many of its bytes are missing there. */
  step(scanner: FrameScanner, body: (bytes: Uint8Array, start: number, end: number, cut: number) => void): void {
    const { bytes, start, end, first, last } = scanner;
    if (first && last) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      for (let at = start; at < end; ) {
        const next = at + 1 + view.getUint32(at + 1);
        if (next - at > MAX_SHOWN_ROW) body(bytes, at + HEADER, at + MAX_SHOWN_ROW, next - at - MAX_SHOWN_ROW);
        else body(bytes, at + HEADER, next, 0);
        at = next;
      }
      return;
    }
    if (first) {
      this.#gathered = [];
      this.#held = 0;
      this.#cut = 0;
    }
    const from = first ? start + HEADER : start;
    const kept = Math.min(Math.max(end - from, 0), MAX_SHOWN_ROW - this.#held);
    this.#gathered.push(bytes.slice(from, from + kept));
    this.#held += kept;
    this.#cut += end - from - kept;
    if (!last) return;
    const whole = new Uint8Array(this.#held);
    let at = 0;
    for (const piece of this.#gathered) {
      whole.set(piece, at);
      at += piece.length;
    }
    this.#gathered = [];
    body(whole, 0, whole.length, this.#cut);
  }

  static values(bytes: Uint8Array, start: number, end: number, fields: FieldShape[], cut: number): (string | null)[] {
    return rowValues(bytes, start, end, fields, (column) => fields[column]?.format ?? 'text', cut);
  }

  /** A COPY row as a line without its newline; what is not text is shown as hexadecimal. */
  static line(bytes: Uint8Array, start: number, end: number, cut: number): string {
    const shown = bytes.subarray(start, Math.min(end, start + MAX_VALUE_CHARS));
    const left = end - start - shown.length + cut;
    const text = (decodeStrict(shown) ?? (left > 0 ? decodeLenient(shown) : hex(shown))).replace(/\r?\n$/, '');
    return left > 0 ? `${text}… (${left} more bytes in the recording)` : text;
  }
}
