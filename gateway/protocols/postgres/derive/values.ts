import { decodeLenient } from '../codec/reader.ts';

/** Type OIDs of pg_type.dat that have a readable form here. */
const OID = {
  bool: 16,
  bytea: 17,
  char: 18,
  name: 19,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  xml: 142,
  float4: 700,
  float8: 701,
  bpchar: 1042,
  varchar: 1043,
  date: 1082,
  time: 1083,
  timestamp: 1114,
  timestamptz: 1184,
  numeric: 1700,
  uuid: 2950,
  jsonb: 3802,
} as const;

/** Characters of one value that are shown; what is longer is cut with a mark, the recording has it all. */
export const MAX_VALUE_CHARS = 1024 * 1024;

/**
 * One value of a row or one parameter as text.
 * Text format: as sent. Binary format: the common types as PostgreSQL prints them (ISO dates, UTC),
 * all others, and what is not of its type's length, as `\x` and hexadecimal digits.
 * @param length -1 is NULL.
 */
export function valueText(
  bytes: Uint8Array,
  start: number,
  length: number,
  typeOid: number,
  format: 'text' | 'binary',
): string | null {
  if (length < 0) return null;
  const shown = Math.min(length, MAX_VALUE_CHARS);
  const value = bytes.subarray(start, start + shown);
  if (format === 'text') return marked(decodeLenient(value), length - shown);
  return (shown === length ? binaryText(value, typeOid) : null) ?? marked(hex(value), length - shown);
}

function marked(text: string, left: number): string {
  return left > 0 ? `${text}… (${left} more bytes in the recording)` : text;
}

export function hex(bytes: Uint8Array): string {
  let out = '\\x';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

function binaryText(value: Uint8Array, typeOid: number): string | null {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const { length } = value;
  switch (typeOid) {
    case OID.bool:
      return length === 1 ? (value[0] === 0 ? 'f' : 't') : null;
    case OID.int2:
      return length === 2 ? String(view.getInt16(0)) : null;
    case OID.int4:
      return length === 4 ? String(view.getInt32(0)) : null;
    case OID.oid:
      return length === 4 ? String(view.getUint32(0)) : null;
    case OID.int8:
      return length === 8 ? String(view.getBigInt64(0)) : null;
    case OID.float4:
      return length === 4 ? floatText(view.getFloat32(0), 9) : null;
    case OID.float8:
      return length === 8 ? floatText(view.getFloat64(0), 17) : null;
    case OID.char:
    case OID.name:
    case OID.text:
    case OID.json:
    case OID.xml:
    case OID.bpchar:
    case OID.varchar:
      return decodeLenient(value);
    case OID.jsonb:
      return value[0] === 1 ? decodeLenient(value.subarray(1)) : null;
    case OID.uuid:
      return length === 16
        ? hex(value)
            .slice(2)
            .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
        : null;
    case OID.date:
      return length === 4 ? dateText(view.getInt32(0)) : null;
    case OID.time:
      return length === 8 ? timeText(view.getBigInt64(0)) : null;
    case OID.timestamp:
      return length === 8 ? timestampText(view.getBigInt64(0), '') : null;
    case OID.timestamptz:
      return length === 8 ? timestampText(view.getBigInt64(0), '+00') : null;
    case OID.numeric:
      return numericText(view);
    default:
      return null;
  }
}

/** The shortest digits that read back as the same number, as the server prints them. */
function floatText(value: number, digits: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  if (Object.is(value, -0)) return '-0';
  if (digits === 17) return String(value);
  for (let precision = 6; precision < digits; precision++) {
    const text = value.toPrecision(precision);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(digits)));
}

const DAY_US = 86_400_000_000n;
/** Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01. */
const EPOCH_DAYS = 10_957;

function dateText(days: number): string {
  if (days === 0x7fffffff) return 'infinity';
  if (days === -0x80000000) return '-infinity';
  return civil(days + EPOCH_DAYS) ?? `${days} days from 2000-01-01`;
}

function civil(days: number): string | null {
  const date = new Date(days * 86_400_000);
  if (Number.isNaN(date.getTime())) return null;
  const year = date.getUTCFullYear();
  const pad = (n: number, width: number) => String(n).padStart(width, '0');
  const text = `${pad(year > 0 ? year : 1 - year, 4)}-${pad(date.getUTCMonth() + 1, 2)}-${pad(date.getUTCDate(), 2)}`;
  return year > 0 ? text : `${text} BC`;
}

function timeText(micros: bigint): string | null {
  if (micros < 0n || micros > DAY_US) return null;
  const seconds = micros / 1_000_000n;
  const pad = (n: bigint) => String(n).padStart(2, '0');
  const fraction = micros % 1_000_000n;
  const tail = fraction === 0n ? '' : `.${String(fraction).padStart(6, '0').replace(/0+$/, '')}`;
  return `${pad(seconds / 3600n)}:${pad((seconds / 60n) % 60n)}:${pad(seconds % 60n)}${tail}`;
}

function timestampText(micros: bigint, zone: string): string | null {
  if (micros === 0x7fffffffffffffffn) return 'infinity';
  if (micros === -0x8000000000000000n) return '-infinity';
  let days = micros / DAY_US;
  let rest = micros % DAY_US;
  if (rest < 0n) {
    rest += DAY_US;
    days -= 1n;
  }
  const date = civil(Number(days) + EPOCH_DAYS);
  const time = timeText(rest);
  if (date === null || time === null) return null;
  return date.endsWith(' BC') ? `${date.slice(0, -3)} ${time}${zone} BC` : `${date} ${time}${zone}`;
}

/** numeric_send (utils/adt/numeric.c): ndigits, weight, sign, dscale, then digits of base 10,000. */
function numericText(view: DataView): string | null {
  if (view.byteLength < 8) return null;
  const count = view.getUint16(0);
  const weight = view.getInt16(2);
  const sign = view.getUint16(4);
  const scale = view.getUint16(6);
  if (sign === 0xc000) return 'NaN';
  if (sign === 0xd000) return 'Infinity';
  if (sign === 0xf000) return '-Infinity';
  if (view.byteLength !== 8 + 2 * count || (sign !== 0 && sign !== 0x4000)) return null;
  const digit = (index: number) => (index >= 0 && index < count ? view.getUint16(8 + 2 * index) : 0);
  let whole = '';
  for (let i = 0; i <= weight; i++) whole += String(digit(i)).padStart(4, '0');
  whole = whole.replace(/^0+(?=.)/, '') || '0';
  let fraction = '';
  for (let i = weight + 1; fraction.length < scale; i++) fraction += String(digit(i)).padStart(4, '0');
  fraction = fraction.slice(0, scale);
  return `${sign === 0x4000 ? '-' : ''}${whole}${scale > 0 ? `.${fraction}` : ''}`;
}
