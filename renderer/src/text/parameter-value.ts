import type { Parameter } from '../../../gateway/contract/operation.ts';

/** Names of the types a person meets, by OID (pg_type.dat). */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  16: 'boolean',
  17: 'bytea',
  18: '"char"',
  19: 'name',
  20: 'bigint',
  21: 'smallint',
  23: 'integer',
  25: 'text',
  26: 'oid',
  114: 'json',
  700: 'real',
  701: 'double precision',
  1042: 'character',
  1043: 'varchar',
  1082: 'date',
  1114: 'timestamp',
  1184: 'timestamptz',
  1700: 'numeric',
  2950: 'uuid',
  3802: 'jsonb',
};
const TEXT_TYPES = new Set([18, 19, 25, 114, 1042, 1043]);
const POSTGRES_EPOCH_MS = Date.UTC(2000, 0, 1);

export interface DecodedParameter {
  /** null is SQL NULL. */
  value: string | null;
  type: string;
  /** raw: the bytes in hex, because the type is not known here. */
  form: 'text' | 'decoded' | 'raw';
}

function hex(bytes: Uint8Array): string {
  let out = '\\x';
  for (const byte of bytes) out += byte.toString(16).padStart(2, '0');
  return out;
}

function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Binary send formats of the protocol (src/backend/utils/adt, *send functions); null where not known. */
function decodeBinary(type: number, bytes: Uint8Array): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sized = (length: number) => bytes.length === length;
  if (TEXT_TYPES.has(type)) return utf8(bytes);
  if (type === 16 && sized(1)) return bytes[0] === 0 ? 'false' : 'true';
  if (type === 21 && sized(2)) return String(view.getInt16(0));
  if (type === 23 && sized(4)) return String(view.getInt32(0));
  if (type === 26 && sized(4)) return String(view.getUint32(0));
  if (type === 20 && sized(8)) return String(view.getBigInt64(0));
  if (type === 700 && sized(4)) return String(view.getFloat32(0));
  if (type === 701 && sized(8)) return String(view.getFloat64(0));
  if (type === 3802 && bytes[0] === 1) return utf8(bytes.subarray(1));
  if (type === 2950 && sized(16)) {
    const digits = hex(bytes).slice(2);
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }
  if (type === 1082 && sized(4))
    return isoDate(POSTGRES_EPOCH_MS + view.getInt32(0) * 86_400_000)?.slice(0, 10) ?? null;
  if ((type === 1114 || type === 1184) && sized(8)) {
    const iso = isoDate(POSTGRES_EPOCH_MS + Number(view.getBigInt64(0)) / 1000);
    return iso === null ? null : type === 1184 ? iso : iso.slice(0, -1);
  }
  return null;
}

function isoDate(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Makes a bound parameter readable; what cannot be decoded is shown as hex, never guessed. */
export function decodeParameter(parameter: Parameter): DecodedParameter {
  const type = TYPE_NAMES[parameter.type] ?? (parameter.type === 0 ? '' : `type ${parameter.type}`);
  if (parameter.value === null) return { value: null, type, form: 'text' };
  const bytes = Uint8Array.from(atob(parameter.value), (character) => character.charCodeAt(0));
  if (parameter.format === 'text') {
    const text = utf8(bytes);
    return text === null ? { value: hex(bytes), type, form: 'raw' } : { value: text, type, form: 'text' };
  }
  const decoded = decodeBinary(parameter.type, bytes);
  return decoded === null ? { value: hex(bytes), type, form: 'raw' } : { value: decoded, type, form: 'decoded' };
}
