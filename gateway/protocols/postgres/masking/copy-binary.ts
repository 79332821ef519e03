import { CountersignError } from '../../../contract/errors.ts';
import { ByteWriter, readInt16, readInt32 } from './byte-writer.ts';
import type { CopyRows } from './copy-masker.ts';
import { type CopyPlan, maskAt } from './plan.ts';
import type { ValueMasker } from './value-masker.ts';

/** "PGCOPY\n\377\r\n\0", flags, length of the header's extension. */
const SIGNATURE = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00];
const HEADER_BYTES = 19;
/** The server's MaxTupleAttributeNumber is 1,664. */
const MAX_FIELDS = 1664;

function malformed(): CountersignError {
  return new CountersignError(
    'MASK_ROW_MALFORMED',
    'The server sent a COPY stream in binary that could not be read, so it was not forwarded.',
  );
}

/** COPY's binary format. The header and the trailer are rows of their own here. */
export function createBinaryRows(plan: CopyPlan, values: ValueMasker): CopyRows {
  const writer = new ByteWriter(4096);
  let state: 'header' | 'rows' | 'ended' = 'header';
  let headerRow = false;
  // Offset from the row's start up to which it was read, and fields left; kept while the row is incomplete.
  let seen = 0;
  let left = -1;

  return {
    endOfRow(bytes, start, _from, end) {
      if (state === 'header') {
        if (end - start < HEADER_BYTES) return -1;
        if (SIGNATURE.some((byte, i) => bytes[start + i] !== byte)) throw malformed();
        const extension = readInt32(bytes, start + 15);
        if (extension < 0 || extension > 65_536) throw malformed();
        if (end - start < HEADER_BYTES + extension) return -1;
        state = 'rows';
        headerRow = true;
        return start + HEADER_BYTES + extension;
      }
      if (state === 'ended') throw malformed();
      if (left === -1) {
        if (end - start < 2) return -1;
        const fields = readInt16(bytes, start);
        seen = 2;
        if (fields === -1) {
          state = 'ended';
          return start + 2;
        }
        if (fields < 0 || fields > MAX_FIELDS) throw malformed();
        left = fields;
      }
      while (left > 0) {
        if (start + seen + 4 > end) return -1;
        const length = readInt32(bytes, start + seen);
        if (length < -1) throw malformed();
        if (start + seen + 4 + Math.max(0, length) > end) return -1;
        seen += 4 + Math.max(0, length);
        left -= 1;
      }
      left = -1;
      return start + seen;
    },
    mask(bytes, start, end) {
      if (headerRow) {
        headerRow = false;
        return undefined;
      }
      if (state === 'ended' && end - start === 2 && readInt16(bytes, start) === -1) return undefined;
      let changed = false;
      let at = start + 2;
      writer.length = 0;
      writer.range(bytes, start, at);
      for (let position = 0; at < end; position += 1) {
        const length = readInt32(bytes, at);
        const stop = at + 4 + Math.max(0, length);
        values.column = position;
        const next = length === -1 ? undefined : values.copiedBinary(maskAt(plan, position), bytes, at + 4, stop);
        if (next === undefined) writer.range(bytes, at, stop);
        else {
          changed = true;
          writer.int32(next === null ? -1 : next.length);
          if (next !== null) writer.all(next);
        }
        at = stop;
      }
      return changed ? writer.take() : undefined;
    },
  };
}
