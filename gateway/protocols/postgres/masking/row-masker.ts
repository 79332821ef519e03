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
    row(row) {
      if (row.length < 2 || readInt16(row, 0) !== columns) throw malformed();
      let at = 2;
      let length = row.length;
      let changed = false;
      for (let i = 0; i < columns; i += 1) {
        if (at + 4 > row.length) throw malformed();
        const size = readInt32(row, at);
        at += 4;
        if (size < -1 || at + size > row.length) throw malformed();
        let next: Replacement = uniform[i];
        if (size < 0 && (next === undefined || next === null)) continue;
        if (works[i] === 1) {
          if (next === undefined) next = constant[i];
          if (next === undefined) {
            values.column = i;
            next = change(plan[i]!, row, at, at + size);
            // A structure that cannot be read becomes NULL without anything to count.
            if (next === null) values.mark();
          } else redacted[i] = redacted[i]! + 1;
          if (next !== undefined) {
            changes[i] = next;
            changed = true;
            length += (next === null ? 0 : next.length) - Math.max(0, size);
          }
        }
        at += Math.max(0, size);
      }
      if (at !== row.length) throw malformed();
      if (!changed) return null;
      return rebuild(row, allocate(length));
    },
  };

  function rebuild(row: Uint8Array, out: Uint8Array): Uint8Array {
    let from = 0;
    let at = 2;
    let to = 0;
    for (let i = 0; i < columns; i += 1) {
      const size = readInt32(row, at);
      const next = changes[i];
      if (next !== undefined) {
        changes[i] = undefined;
        copyBytes(row, from, at, out, to);
        to += at - from;
        writeInt32(out, to, next === null ? -1 : next.length);
        to += 4;
        if (next !== null) {
          copyBytes(next, 0, next.length, out, to);
          to += next.length;
        }
        from = at + 4 + Math.max(0, size);
      }
      at += 4 + Math.max(0, size);
    }
    copyBytes(row, from, row.length, out, to);
    return out;
  }
}

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
