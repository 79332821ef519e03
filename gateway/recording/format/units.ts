import { FormatError, type Primitives } from './primitives.ts';

/**
 * A unit is the smallest thing that can be redacted: bytes of one direction of one exchange, a
 * disclosed text, or a run's map. Containers of units carry no commitment of their own: events bind
 * units by digest, so containers can be packed anew (SPEC.md, "Unit containers").
 */
export const UNIT_UP = 1;
export const UNIT_DOWN = 2;
/** A text or JSON that an event line discloses. */
export const UNIT_DETAIL = 3;
/** Which exchange each unit of a run belongs to, and its statements. */
export const UNIT_MAP = 4;
/** In place of the kind of a unit whose content was taken out: only its hash is left. */
export const UNIT_REDACTED = 0x80;

export const SALT_BYTES = 16;
export const MAX_UNIT_BYTES = 32_768;
export const MAX_CONTAINER_UNITS = 4096;
/** Of the raw container; a unit that would go beyond starts the next one. */
export const CONTAINER_TARGET_BYTES = 262_144;
export const MAX_CONTAINER_RAW = CONTAINER_TARGET_BYTES + MAX_UNIT_BYTES + 1024 + MAX_CONTAINER_UNITS * 24;
export const CONTAINER_HEADER_BYTES = 36;
const MAGIC = 0x31555343; // "CSU1"
const KEYED = 0;
const EXPLICIT = 1;
/** Bytes of the planes per unit: kind, length (2), time delta (4). */
const PLANES = 7;

export interface Unit {
  kind: number;
  /** Microseconds since the epoch; of a redacted unit, the time of the one before it. */
  at: number;
  /** 16 bytes; zeros when redacted. */
  salt: Uint8Array;
  /** Content, or the 32-byte hash of a redacted unit. */
  bytes: Uint8Array;
}

/** SHA-256(salt ‖ kind ‖ time as 8 bytes big-endian ‖ content); of a redacted unit the hash it left. */
export function unitHash(sha256: Primitives['sha256'], unit: Unit): Uint8Array {
  if (unit.kind === UNIT_REDACTED) return unit.bytes;
  const input = new Uint8Array(25 + unit.bytes.length);
  input.set(unit.salt, 0);
  input[16] = unit.kind;
  const view = new DataView(input.buffer);
  view.setUint32(17, Math.floor(unit.at / 0x1_0000_0000));
  view.setUint32(21, unit.at % 0x1_0000_0000);
  input.set(unit.bytes, 25);
  return sha256(input);
}

export interface ContainerHeader {
  /** Bytes after the header. */
  length: number;
  rawLength: number;
  count: number;
  firstUnit: number;
  /** Time of the first unit that is not redacted, or 0. */
  at: number;
  crc: number;
}

/** Reads the 36 bytes before a container's frame; throws FormatError. */
export function parseContainerHeader(bytes: Uint8Array, offset = 0): ContainerHeader {
  if (bytes.length - offset < CONTAINER_HEADER_BYTES) throw new FormatError('a container header is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, CONTAINER_HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC) throw new FormatError('a container does not begin with CSU1');
  const header = {
    length: view.getUint32(4, true),
    rawLength: view.getUint32(8, true),
    count: view.getUint32(12, true),
    firstUnit: Number(view.getBigUint64(16, true)),
    at: Number(view.getBigUint64(24, true)),
    crc: view.getUint32(32, true),
  };
  if (
    header.count < 1 ||
    header.count > MAX_CONTAINER_UNITS ||
    header.rawLength > MAX_CONTAINER_RAW ||
    header.length > MAX_CONTAINER_RAW + 4096 ||
    !Number.isSafeInteger(header.firstUnit) ||
    !Number.isSafeInteger(header.at)
  ) {
    throw new FormatError('a container header is out of bounds');
  }
  return header;
}

/** CRC-32 over the header without its magic and crc, then the frame. */
function containerCrc(p: Primitives, bytes: Uint8Array, offset: number, length: number): number {
  return p.crc32(bytes.subarray(offset + 36, offset + 36 + length), p.crc32(bytes.subarray(offset + 4, offset + 32)));
}

/** @param raw the container's content; gives header and frame together. */
export function sealContainer(
  p: Primitives,
  raw: Uint8Array,
  count: number,
  firstUnit: number,
  at: number,
): Uint8Array {
  const frame = p.compress(raw);
  const out = new Uint8Array(CONTAINER_HEADER_BYTES + frame.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, frame.length, true);
  view.setUint32(8, raw.length, true);
  view.setUint32(12, count, true);
  view.setBigUint64(16, BigInt(firstUnit), true);
  view.setBigUint64(24, BigInt(at), true);
  out.set(frame, CONTAINER_HEADER_BYTES);
  view.setUint32(32, containerCrc(p, out, 0, frame.length), true);
  return out;
}

/** Order of content in a container: up, then down, then everything else; compresses better than as they came. */
const bucket = (kind: number): number => (kind === UNIT_UP ? 0 : kind === UNIT_DOWN ? 1 : 2);

/** Lays units out. `key` gives keyed salts: then `unit.salt` has to be the key's own keystream. */
export function layOutContainer(units: readonly Unit[], key: Uint8Array | null): { raw: Uint8Array; at: number } {
  const count = units.length;
  const dataLength = units.reduce((sum, unit) => sum + unit.bytes.length, 0);
  const planes = 17;
  const salts = planes + count * PLANES;
  const data = salts + (key === null ? count * SALT_BYTES : 0);
  const raw = new Uint8Array(data + dataLength);
  raw[0] = key === null ? EXPLICIT : KEYED;
  if (key !== null) raw.set(key, 1);
  const base = units.find((unit) => unit.kind !== UNIT_REDACTED)?.at ?? 0;
  let last = base;
  units.forEach((unit, i) => {
    const at = unit.kind === UNIT_REDACTED ? last : unit.at;
    const delta = at - last;
    if (delta < 0 || delta > 0xffff_ffff || unit.bytes.length > 0xffff) {
      throw new FormatError('a unit does not fit its container');
    }
    last = at;
    raw[planes + i] = unit.kind;
    raw[planes + count + i] = unit.bytes.length & 0xff;
    raw[planes + 2 * count + i] = unit.bytes.length >>> 8;
    for (let b = 0; b < 4; b += 1) raw[planes + (3 + b) * count + i] = Math.floor(delta / 256 ** b) & 0xff;
    if (key === null) raw.set(unit.salt, salts + i * SALT_BYTES);
  });
  let offset = data;
  for (const which of [0, 1, 2]) {
    for (const unit of units) {
      if (bucket(unit.kind) !== which) continue;
      raw.set(unit.bytes, offset);
      offset += unit.bytes.length;
    }
  }
  return { raw, at: base };
}

/** A container's units by column: most of what reads units asks for a digest or a few of them, not for objects. */
export interface UnitColumns {
  count: number;
  raw: Uint8Array;
  kinds: Uint8Array;
  /** Content of unit i is `raw[offsets[i], offsets[i] + lengths[i])`. */
  offsets: Uint32Array;
  lengths: Uint32Array;
  times: Float64Array;
  /** 16 bytes a unit. */
  salts: Uint8Array;
}

const allZero = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i += 1) if (bytes[i] !== 0) return false;
  return true;
};

/** Reads the raw content; throws FormatError on anything that is not canonical. */
export function parseContainer(p: Primitives, raw: Uint8Array, header: ContainerHeader): UnitColumns {
  const { count } = header;
  const flags = raw[0];
  const planes = 17;
  const saltsAt = planes + count * PLANES;
  const data = saltsAt + (flags === EXPLICIT ? count * SALT_BYTES : 0);
  if (raw.length < data || (flags !== KEYED && flags !== EXPLICIT)) throw new FormatError('a container is cut short');
  if (flags === EXPLICIT && !allZero(raw, 1, 17)) throw new FormatError('a container with its own salts names a key');
  const salts = flags === KEYED ? p.keystream(raw.subarray(1, 17), count * SALT_BYTES) : raw.subarray(saltsAt, data);
  const kinds = raw.subarray(planes, planes + count);
  const lengths = new Uint32Array(count);
  const starts = [0, 0, 0];
  for (let i = 0; i < count; i += 1) {
    const length = raw[planes + count + i]! | (raw[planes + 2 * count + i]! << 8);
    lengths[i] = length;
    starts[bucket(kinds[i]!)]! += length;
  }
  const total = starts[0]! + starts[1]! + starts[2]!;
  if (data + total !== raw.length) throw new FormatError('a container has bytes that no unit owns, or too few');
  const next = [data, data + starts[0]!, data + starts[0]! + starts[1]!];
  const offsets = new Uint32Array(count);
  const times = new Float64Array(count);
  const deltas = planes + 3 * count;
  let at = header.at;
  let seen = false;
  for (let i = 0; i < count; i += 1) {
    const kind = kinds[i]!;
    const length = lengths[i]!;
    const delta =
      raw[deltas + i]! +
      raw[deltas + count + i]! * 0x100 +
      raw[deltas + 2 * count + i]! * 0x1_0000 +
      raw[deltas + 3 * count + i]! * 0x100_0000;
    if (kind === UNIT_REDACTED) {
      if (length !== 32 || delta !== 0 || flags !== EXPLICIT || !allZero(salts, i * SALT_BYTES, (i + 1) * SALT_BYTES)) {
        throw new FormatError('a redacted unit is not in canonical form');
      }
    } else if (kind < UNIT_UP || kind > UNIT_MAP || length > MAX_UNIT_BYTES || (!seen && delta !== 0)) {
      throw new FormatError('a unit has an unknown kind or size');
    } else {
      seen = true;
    }
    at += delta;
    if (!Number.isSafeInteger(at) || at - header.at > 0xffff_ffff)
      throw new FormatError('a unit has an impossible time');
    times[i] = at;
    const which = bucket(kind);
    offsets[i] = next[which]!;
    next[which]! += length;
  }
  if (!seen && header.at !== 0) throw new FormatError('a container without content names a time');
  return { count, raw, kinds, offsets, lengths, times, salts };
}

export function unitAt(columns: UnitColumns, i: number): Unit {
  const offset = columns.offsets[i]!;
  return {
    kind: columns.kinds[i]!,
    at: columns.times[i]!,
    salt: columns.salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES),
    bytes: columns.raw.subarray(offset, offset + columns.lengths[i]!),
  };
}

/** Header and frame at `offset`; throws FormatError. */
export function openColumns(
  p: Primitives,
  bytes: Uint8Array,
  offset = 0,
): { header: ContainerHeader; columns: UnitColumns; end: number } {
  const header = parseContainerHeader(bytes, offset);
  const end = offset + CONTAINER_HEADER_BYTES + header.length;
  if (end > bytes.length) throw new FormatError('a container is cut short');
  if (containerCrc(p, bytes, offset, header.length) !== header.crc)
    throw new FormatError("a container's checksum differs");
  let raw: Uint8Array;
  try {
    raw = p.decompress(bytes.subarray(offset + CONTAINER_HEADER_BYTES, end), header.rawLength);
  } catch {
    throw new FormatError('a container does not decompress');
  }
  if (raw.length !== header.rawLength) throw new FormatError('a container has another length than it says');
  return { header, columns: parseContainer(p, raw, header), end };
}

/** Header and frame at `offset` to units; throws FormatError. */
export function openContainer(
  p: Primitives,
  bytes: Uint8Array,
  offset = 0,
): { header: ContainerHeader; units: Unit[]; end: number } {
  const { header, columns, end } = openColumns(p, bytes, offset);
  return { header, units: Array.from({ length: columns.count }, (_, i) => unitAt(columns, i)), end };
}

/**
 * Takes the content of units out, leaving their hashes; all events stay verifiable.
 * The key would give the salts of the rest only, but salts become explicit so that nothing depends on it.
 */
export function redactUnits(p: Primitives, units: readonly Unit[], indexes: ReadonlySet<number>): Unit[] {
  return units.map((unit, i) =>
    indexes.has(i) && unit.kind !== UNIT_REDACTED
      ? { kind: UNIT_REDACTED, at: unit.at, salt: new Uint8Array(SALT_BYTES), bytes: unitHash(p.sha256, unit) }
      : unit,
  );
}
