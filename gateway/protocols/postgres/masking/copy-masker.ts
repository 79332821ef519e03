import { CountersignError } from '../../../contract/errors.ts';
import type { CopyMasker, CopyShape } from '../ports.ts';
import { ByteWriter } from './byte-writer.ts';
import { createBinaryRows } from './copy-binary.ts';
import { createCsvRows } from './copy-csv.ts';
import { createTextRows } from './copy-text.ts';
import type { CopyPlan } from './plan.ts';
import type { ValueMasker } from './value-masker.ts';

/** The longest row that is held back until it is complete. */
export const MAX_COPY_ROW = 64 * 1024 * 1024;

/** The rows of one COPY format. */
export interface CopyRows {
  /**
   * Where the row that begins at `start` ends, or -1 while it is incomplete. Called again with the same
   * row and more bytes, it goes on at `from`, before which it has seen everything.
   */
  endOfRow(bytes: Uint8Array, start: number, from: number, end: number): number;
  /** Masks one complete row; `undefined` when nothing changed. */
  mask(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined;
}

/**
 * Masks the CopyData payloads of a COPY TO STDOUT. Whole rows go out with the payload that completes
 * them, so a payload of whole rows (what the server sends) stays one payload.
 * @throws CountersignError MASK_ROW_TOO_LARGE, MASK_ROW_MALFORMED: nothing more may be forwarded.
 */
export function createCopyMasker(shape: CopyShape, plan: CopyPlan, values: ValueMasker): CopyMasker {
  const rows =
    shape.format === 'binary'
      ? createBinaryRows(plan, values)
      : shape.format === 'csv'
        ? createCsvRows(shape, plan, values)
        : createTextRows(shape, plan, values);
  let pending: ByteWriter | null = null;
  const writer = new ByteWriter(64 * 1024);

  function data(payload: Uint8Array): Uint8Array[] {
    let bytes = payload;
    let from = 0;
    if (pending !== null) {
      from = pending.length;
      pending.all(payload);
      bytes = pending.view();
    }
    let changed = false;
    let start = 0;
    let kept = 0;
    for (;;) {
      const end = start < bytes.length ? rows.endOfRow(bytes, start, Math.max(from, start), bytes.length) : -1;
      if (end === -1) break;
      const masked = rows.mask(bytes, start, end);
      if (masked !== undefined) {
        if (start === 0 && end === bytes.length) {
          // What the server sends: one row a payload.
          pending = null;
          return [masked];
        }
        changed = true;
        writer.range(bytes, kept, start);
        writer.all(masked);
        kept = end;
      }
      start = end;
    }
    if (bytes.length - start > MAX_COPY_ROW) throw tooLarge();
    const whole = start === bytes.length;
    let out: Uint8Array[] = [];
    if (changed) {
      writer.range(bytes, kept, start);
      out = [writer.take()];
    } else if (start > 0) out = [whole && pending === null ? payload : bytes.slice(0, start)];
    if (whole) pending = null;
    else if (start > 0 || pending === null) {
      const rest = new ByteWriter(Math.max(4096, (bytes.length - start) * 2));
      rest.range(bytes, start, bytes.length);
      pending = rest;
    }
    return out;
  }

  return {
    counts: values.counts,
    get maskedColumns() {
      return values.maskedColumns;
    },
    data,
    end() {
      if (pending === null) return [];
      // A last row without its end: nothing that PostgreSQL sends. It is dropped rather than shown.
      pending = null;
      throw new CountersignError('MASK_ROW_MALFORMED', 'The server ended COPY in the middle of a row.');
    },
  };
}

function tooLarge(): CountersignError {
  return new CountersignError(
    'MASK_ROW_TOO_LARGE',
    'A row of this COPY is larger than 64 MiB, which is more than can be masked; it was not forwarded.',
  );
}
