import { CountersignError } from '../../../contract/errors.ts';
import type { FieldShape } from '../../../pipeline/derive.ts';
import { MAX_VALUE_CHARS, valueText } from './values.ts';

/** Bytes of one row that are gathered for showing; of a larger row the values behind are cut. */
export const MAX_SHOWN_ROW = 4 * 1024 * 1024;
const MAX_COLUMNS = 65_535;

/**
 * The values of a DataRow body as text. A body that was cut (`cut` bytes are missing at its end)
 * gives its values as far as they go; what is missing is said in their place.
 */
export function rowValues(
  bytes: Uint8Array,
  start: number,
  end: number,
  fields: readonly FieldShape[] | null,
  formatOf: (column: number) => 'text' | 'binary',
  cut = 0,
): (string | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (end - start < 2) throw malformedRow();
  const count = view.getUint16(start);
  const values: (string | null)[] = [];
  let at = start + 2;
  for (let column = 0; column < count; column++) {
    if (end - at < 4) {
      if (cut === 0) throw malformedRow();
      values.push('… (in the recording)');
      continue;
    }
    const length = view.getInt32(at);
    at += 4;
    if (length > end - at && cut === 0) throw malformedRow();
    const field = fields?.[column];
    const format = field?.format ?? formatOf(column);
    const there = Math.min(length, end - at);
    if (there < length) {
      const shown = Math.min(there, MAX_VALUE_CHARS);
      const text = valueText(bytes, at, shown, field?.typeOid ?? 0, format) ?? '';
      values.push(`${text}… (${length - shown} more bytes in the recording)`);
    } else values.push(valueText(bytes, at, length, field?.typeOid ?? 0, format));
    at += Math.max(there, 0);
  }
  if (at !== end) throw malformedRow();
  return values;
}

function malformedRow(): CountersignError {
  return new CountersignError('PG_MESSAGE_MALFORMED', 'malformed message: a row is not what its lengths say');
}

/** A result whose columns nothing describes. */
export function unnamedColumns(count: number): FieldShape[] {
  const fields: FieldShape[] = [];
  for (let i = 1; i <= Math.min(count, MAX_COLUMNS); i++) {
    fields.push({ name: `column${i}`, typeOid: 0, format: 'text' });
  }
  return fields;
}
