import { KeyedBytes } from '../../../masking/keyed-bytes.ts';
import { decodeNumeric, encodeNumeric } from './numeric.ts';
import type { TypeKind } from './types.ts';

/**
 * Values for types in which no marker fits. Redacting and showing a part give NULL; hash and stand-in
 * give a value of the type that depends on the original and the connection's key alone, the same in
 * text and binary format, so that equal values stay equal and joins still work.
 */

const encoder = new TextEncoder();
const ascii = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(0, 200));
const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const INTEGER_LIMIT: Readonly<Record<string, bigint>> = {
  int2: 32_767n,
  int4: 2_147_483_647n,
  int8: 9_223_372_036_854_775_807n,
};
/** 1950-01-01 in days of PostgreSQL, whose epoch is 2000-01-01. */
const FIRST_DAY = -18_262;
const DAYS = 36_524;
const DAY_SECONDS = 86_400;

export interface NeutralInput {
  kind: TypeKind;
  format: 'text' | 'binary';
  key: Uint8Array;
  purpose: string;
}

/** @returns null where the value or its type allows none. */
export function neutralValue(input: NeutralInput, value: Uint8Array): Uint8Array | null {
  switch (input.kind) {
    case 'int2':
    case 'int4':
    case 'int8':
      return integer(input, value);
    case 'numeric':
      return numeric(input, value);
    case 'float4':
    case 'float8':
      return float(input, value);
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return moment(input, value);
    case 'uuid':
      return uuid(input, value);
    case 'inet':
      return inet(input, value);
    default:
      return null;
  }
}

/** As many digits as the text has, the first of each run not zero; sign and point stay. */
function otherDigits(input: NeutralInput, text: string): string | null {
  if (!/^-?\d+(\.\d+)?$/.test(text)) return null;
  const source = new KeyedBytes(input.key, `${input.purpose} number`, encoder.encode(text));
  let leading = true;
  return text.replace(/\d/g, () => {
    const digit = leading ? 1 + source.below(9) : source.below(10);
    leading = false;
    return String(digit);
  });
}

function integer(input: NeutralInput, value: Uint8Array): Uint8Array | null {
  const { kind, format } = input;
  const size = kind === 'int2' ? 2 : kind === 'int4' ? 4 : 8;
  if (format === 'binary' && value.length !== size) return null;
  const v = view(value);
  const text =
    format === 'text'
      ? ascii(value)
      : String(size === 2 ? v.getInt16(0) : size === 4 ? v.getInt32(0) : v.getBigInt64(0));
  const other = otherDigits(input, text);
  if (other === null || other.includes('.')) return null;
  const limit = INTEGER_LIMIT[kind]!;
  let number = BigInt(other);
  if (number > limit) number %= limit;
  if (number < -limit) number = -(-number % limit);
  if (format === 'text') return encoder.encode(String(number));
  const out = new Uint8Array(size);
  if (size === 2) view(out).setInt16(0, Number(number));
  else if (size === 4) view(out).setInt32(0, Number(number));
  else view(out).setBigInt64(0, number);
  return out;
}

function numeric(input: NeutralInput, value: Uint8Array): Uint8Array | null {
  const text = input.format === 'text' ? ascii(value) : decodeNumeric(value);
  const other = text === null || text.length > 150 ? null : otherDigits(input, text);
  if (other === null) return null;
  return input.format === 'text' ? encoder.encode(other) : encodeNumeric(other);
}

function float(input: NeutralInput, value: Uint8Array): Uint8Array | null {
  const size = input.kind === 'float4' ? 4 : 8;
  if (input.format === 'binary' && value.length !== size) return null;
  const v = view(value);
  const number = input.format === 'text' ? Number(ascii(value)) : size === 4 ? v.getFloat32(0) : v.getFloat64(0);
  // A float4 has no more than its own digits in text; both formats have to begin from the same ones.
  const text = size === 4 ? String(Number(number.toPrecision(6))) : String(number);
  const other = otherDigits(input, text);
  if (other === null) return null;
  if (input.format === 'text') return encoder.encode(other);
  const out = new Uint8Array(size);
  if (size === 4) view(out).setFloat32(0, Number(other));
  else view(out).setFloat64(0, Number(other));
  return out;
}

/** A day of the century from 1950, and a second of it. */
function moment(input: NeutralInput, value: Uint8Array): Uint8Array | null {
  const { kind, format } = input;
  let canonical: string;
  if (format === 'text') {
    // Other DateStyles than ISO, infinity and years BC have no stand-in.
    const match = /^(\d{4,6})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-]\d\d(?::?\d\d)?)?)?$/.exec(
      ascii(value),
    );
    if (match === null) return null;
    const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = '+00'] = match;
    const offset =
      (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3).replace(':', ''))) * (zone[0] === '-' ? -1 : 1);
    const milliseconds = Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour),
      Number(minute) - offset,
      Number(second),
    );
    canonical = String(BigInt(milliseconds / 1000 - 946_684_800) * 1_000_000n + BigInt(fraction.padEnd(6, '0')));
  } else if (kind === 'date') {
    if (value.length !== 4) return null;
    canonical = String(BigInt(view(value).getInt32(0)) * BigInt(DAY_SECONDS) * 1_000_000n);
  } else {
    if (value.length !== 8) return null;
    canonical = String(view(value).getBigInt64(0));
  }
  const source = new KeyedBytes(input.key, `${input.purpose} ${kind}`, encoder.encode(canonical));
  const word = () => ((source.byte() << 16) | (source.byte() << 8) | source.byte()) >>> 0;
  const day = FIRST_DAY + (word() % DAYS);
  const second = kind === 'date' ? 0 : word() % DAY_SECONDS;
  if (format === 'text') {
    const iso = new Date((day * DAY_SECONDS + second + 946_684_800) * 1000).toISOString();
    const time = kind === 'date' ? '' : ` ${iso.slice(11, 19)}${kind === 'timestamptz' ? '+00' : ''}`;
    return encoder.encode(`${iso.slice(0, 10)}${time}`);
  }
  const out = new Uint8Array(kind === 'date' ? 4 : 8);
  if (kind === 'date') view(out).setInt32(0, day);
  else view(out).setBigInt64(0, BigInt(day * DAY_SECONDS + second) * 1_000_000n);
  return out;
}

/** RFC 9562 version 8: bits that the application chose. */
function uuid(input: NeutralInput, value: Uint8Array): Uint8Array | null {
  const hex =
    input.format === 'text'
      ? ascii(value).replaceAll('-', '').toLowerCase()
      : Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (!/^[0-9a-f]{32}$/.test(hex)) return null;
  const source = new KeyedBytes(input.key, `${input.purpose} uuid`, encoder.encode(hex));
  const out = Uint8Array.from({ length: 16 }, () => source.byte());
  out[6] = (out[6]! & 0x0f) | 0x80;
  out[8] = (out[8]! & 0x3f) | 0x80;
  if (input.format === 'binary') return out;
  const text = Array.from(out, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return encoder.encode(
    `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`,
  );
}

/** 240.0.0.0/4 (reserved, RFC 1112) and 2001:db8::/32 (documentation, RFC 3849), always a single host. */
function inet(input: NeutralInput, value: Uint8Array): Uint8Array | null {
  const text = input.format === 'text' ? ascii(value) : inetText(value);
  if (text === null) return null;
  const six = text.includes(':');
  // Binary IPv6 is not brought into the server's short form, so equality across formats is IPv4's only.
  const source = new KeyedBytes(input.key, `${input.purpose} inet`, encoder.encode(text));
  const address = six ? [0x20, 0x01, 0x0d, 0xb8] : [240];
  while (address.length < (six ? 16 : 4)) address.push(source.byte());
  if (input.format === 'binary')
    return Uint8Array.from([six ? 3 : 2, six ? 128 : 32, value[2] ?? 0, address.length, ...address]);
  if (!six) return encoder.encode(address.join('.'));
  const groups = Array.from({ length: 8 }, (_, i) => ((address[2 * i]! << 8) | address[2 * i + 1]!).toString(16));
  return encoder.encode(groups.join(':'));
}

/** inet_send: family, bits, is_cidr, length, address. */
function inetText(value: Uint8Array): string | null {
  const [family, bits, , length] = value;
  if (value.length < 8 || length !== value.length - 4 || bits === undefined) return null;
  const address = value.subarray(4);
  if (family === 2 && length === 4) return `${address.join('.')}${bits === 32 && value[2] === 0 ? '' : `/${bits}`}`;
  return family === 3 && length === 16 ? `v6:${address.join('.')}/${bits}` : null;
}
