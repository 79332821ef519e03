import type { CopyShape } from '../ports.ts';
import { ByteWriter } from './byte-writer.ts';
import { createPlainRows, equals } from './copy-fields.ts';
import type { CopyRows } from './copy-masker.ts';
import { type CopyPlan, maskAt } from './plan.ts';
import type { ValueMasker } from './value-masker.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** COPY's csv format: line ends may stand inside quotes; an unquoted null text is NULL. */
export function createCsvRows(shape: CopyShape, plan: CopyPlan, values: ValueMasker): CopyRows {
  const encoder = new TextEncoder();
  const delimiter = shape.delimiter.charCodeAt(0);
  const quote = shape.quote.charCodeAt(0);
  const escapeByte = shape.escape.charCodeAt(0);
  const nullText = encoder.encode(shape.null);
  const writer = new ByteWriter(4096);
  const cell = new ByteWriter(1024);
  let header = shape.header;
  // State of the row that is being read, kept while it is incomplete.
  let quoted = false;
  let skip = false;
  let anyQuotes = false;
  const unquoted = createPlainRows(shape.delimiter, nullText, plan, values, (value) => {
    write(cell, value);
    return cell.take();
  });

  function write(to: ByteWriter, value: Uint8Array): void {
    let plain = value.length > 0 && !equals(value, 0, value.length, nullText) && value[0] !== 0x5c;
    for (let i = 0; i < value.length && plain; i += 1) {
      const byte = value[i]!;
      plain = byte !== delimiter && byte !== quote && byte !== escapeByte && byte !== NEWLINE && byte !== RETURN;
    }
    if (plain) {
      to.all(value);
      return;
    }
    to.byte(quote);
    for (const byte of value) {
      if (byte === quote || byte === escapeByte) to.byte(escapeByte);
      to.byte(byte);
    }
    to.byte(quote);
  }

  return {
    endOfRow(bytes, _start, from, end) {
      for (let i = from; i < end; i += 1) {
        const byte = bytes[i]!;
        if (skip) skip = false;
        else if (byte === escapeByte && escapeByte !== quote && quoted) skip = true;
        else if (byte === quote) {
          quoted = !quoted;
          anyQuotes = true;
        } else if (byte === NEWLINE && !quoted) return i + 1;
      }
      return -1;
    },
    mask(bytes, start, end) {
      const hasQuotes = anyQuotes;
      anyQuotes = false;
      if (header) {
        header = false;
        return undefined;
      }
      const last = bytes[end - 2] === RETURN ? end - 2 : end - 1;
      if (!hasQuotes) {
        const masked = unquoted.mask(bytes, start, last, end);
        if (masked !== null) return masked;
      }
      let changed = false;
      let position = 0;
      let at = start;
      writer.length = 0;
      for (;;) {
        let i = at;
        let inside = false;
        let anyQuote = false;
        while (i < last && (inside || bytes[i] !== delimiter)) {
          const byte = bytes[i]!;
          if (
            inside &&
            byte === escapeByte &&
            i + 1 < last &&
            (bytes[i + 1] === quote || bytes[i + 1] === escapeByte)
          ) {
            cell.byte(bytes[i + 1]!);
            i += 2;
            continue;
          }
          if (byte === quote) {
            inside = !inside;
            anyQuote = true;
          } else cell.byte(byte);
          i += 1;
        }
        const value = cell.take();
        values.column = position;
        const isNull = !anyQuote && equals(bytes, at, i, nullText);
        const next = isNull ? undefined : values.copied(maskAt(plan, position), value, 0, value.length);
        if (next === undefined) writer.range(bytes, at, i);
        else {
          changed = true;
          if (next === null) writer.all(nullText);
          else write(writer, next);
        }
        position += 1;
        if (i >= last) break;
        writer.byte(delimiter);
        at = i + 1;
      }
      writer.range(bytes, last, end);
      return changed ? writer.take() : undefined;
    },
  };
}
