import { CountersignError } from '../../../contract/errors.ts';
import { marker } from '../../../masking/actions.ts';
import type { RowMasker } from '../ports.ts';
import { allocate, copyBytes, readInt16, readInt32, writeInt32 } from './byte-writer.ts';
import type { ColumnPlan } from './plan.ts';
import type { Replacement } from './structures.ts';
import type { ValueMasker } from './value-masker.ts';

function malformed(): CountersignError {
  return new CountersignError(
    'MASK_ROW_MALFORMED',
    'The server sent a row that does not match its description, so it could not be masked and was not forwarded.',
  );
}

/**
 * Masks DataRow bodies. Rows without findings cost one pass over their text and no allocation.
 * @throws CountersignError MASK_ROW_MALFORMED for a row that does not fit the plan: nothing of it may be forwarded.
 */
export function createRowMasker(plan: readonly ColumnPlan[], values: ValueMasker): RowMasker {
  const columns = plan.length;
  const changes: Replacement[] = new Array<Replacement>(columns).fill(undefined);
  const works = Uint8Array.from(plan, ({ mask, detect }) => (mask !== null || detect ? 1 : 0));
  // Redacted text is the same bytes for every row; how often is counted here and handed over when asked.
  const constant = plan.map((column) => values.constant(column));
  const redacted = new Float64Array(columns);
  // Of uniform columns the server's NULL is replaced as well.
  const uniform = plan.map(({ mask, ...column }) => (mask?.uniform ? values.uniform({ mask, ...column }) : undefined));

  /** The row whose changes are in `changes`. */
  let measured: Uint8Array = NOTHING;
  let from = 0;
  let to = 0;

  /** Hands over what was counted here. */
  const tally = () => {
    plan.forEach(({ mask }, i) => {
      values.column = i;
      if (mask !== null && redacted[i]! > 0) values.count(mask.entity, redacted[i]!);
      redacted[i] = 0;
    });
  };

  const change = (column: ColumnPlan, row: Uint8Array, start: number, end: number): Replacement => {
    if (column.mask === null) return values.detect(column.oid, column.format, row, start, end, column.hints);
    const masked = values.tagged(column.mask, column.oid, column.format, row, start, end);
    if (masked === null || column.maxCharacters === 0) return masked;
    // A part of a token stands for nothing.
    const whole = column.mask.tokens !== null && masked.length > column.maxCharacters;
    return shortened(whole ? marker(column.mask.entity) : masked, column.maxCharacters);
  };

  return {
    get counts() {
      tally();
      return values.counts;
    },
    get maskedColumns() {
      tally();
      return values.maskedColumns;
    },
    measure,
    write,
    row(row) {
      const length = measure(row, 0, row.length);
      if (length === -1) return null;
      const out = allocate(length);
      write(out, 0);
      return out;
    },
  };

  function measure(bytes: Uint8Array, start: number, end: number): number {
    if (end - start < 2 || readInt16(bytes, start) !== columns) throw malformed();
    let at = start + 2;
    let length = end - start;
    let changed = false;
    for (let i = 0; i < columns; i += 1) {
      if (at + 4 > end) throw malformed();
      const size = readInt32(bytes, at);
      at += 4;
      if (size < -1 || at + size > end) throw malformed();
      let next: Replacement = uniform[i];
      if (size < 0 && (next === undefined || next === null)) continue;
      const stop = size < 0 ? at : at + size;
      if (works[i] === 1) {
        if (next === undefined) next = constant[i];
        if (next === undefined) {
          values.column = i;
          next = change(plan[i]!, bytes, at, stop);
          // A structure that cannot be read becomes NULL without anything to count.
          if (next === null) values.mark();
        } else redacted[i] = redacted[i]! + 1;
        if (next !== undefined) {
          changes[i] = next;
          changed = true;
          length += (next === null ? 0 : next.length) - (stop - at);
        }
      }
      at = stop;
    }
    if (at !== end) throw malformed();
    if (!changed) return -1;
    measured = bytes;
    from = start;
    to = end;
    return length;
  }

  function write(out: Uint8Array, offset: number): void {
    const bytes = measured;
    let kept = from;
    let at = from + 2;
    let written = offset;
    for (let i = 0; i < columns; i += 1) {
      const size = readInt32(bytes, at);
      const next = changes[i];
      const stop = at + 4 + (size < 0 ? 0 : size);
      if (next !== undefined) {
        changes[i] = undefined;
        copyBytes(bytes, kept, at, out, written);
        written += at - kept;
        writeInt32(out, written, next === null ? -1 : next.length);
        written += 4;
        if (next !== null) {
          copyBytes(next, 0, next.length, out, written);
          written += next.length;
        }
        kept = stop;
      }
      at = stop;
    }
    copyBytes(bytes, kept, to, out, written);
    measured = NOTHING;
  }
}

const NOTHING = new Uint8Array(0);

/** Cuts at a character of UTF-8. */
function shortened(value: Uint8Array, characters: number): Uint8Array {
  let seen = 0;
  for (let i = 0; i < value.length; i += 1) {
    if ((value[i]! & 0xc0) === 0x80) continue;
    if (seen === characters) return value.subarray(0, i);
    seen += 1;
  }
  return value;
}
