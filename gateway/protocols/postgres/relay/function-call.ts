import { formatAt, readFunctionCall } from '../codec/frontend.ts';

const LO_OPEN = 'pg_catalog.lo_open';

/**
 * A FunctionCall as the statement that it amounts to. Its arguments are bytes of types that only the function
 * knows, so they are parameters; but lo_open()'s mode decides whether it writes, and is an int4.
 * @param name `schema.name`, quoted as SQL needs it.
 */
export function functionCallText(name: string, body: Uint8Array): string {
  const call = readFunctionCall(body, 0, body.length);
  const args = call.arguments.map((range, i) => {
    if (name !== LO_OPEN || i !== 1 || range.length < 0) return `$${i + 1}`;
    const value = body.subarray(range.start, range.start + range.length);
    const mode = readInteger(value, formatAt(call.argumentFormats, i));
    return mode === null ? `$${i + 1}` : String(mode);
  });
  return `SELECT ${name}(${args.join(', ')})`;
}

function readInteger(value: Uint8Array, format: 'text' | 'binary'): number | null {
  if (format === 'binary') {
    return value.length === 4 ? new DataView(value.buffer, value.byteOffset).getInt32(0) : null;
  }
  const text = new TextDecoder().decode(value);
  return /^[0-9]{1,9}$/.test(text) ? Number(text) : null;
}
