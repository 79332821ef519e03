import type { ColumnTag, Entity, MaskAction } from '../../../contract/connection.ts';
import { type MaskActions, marker } from '../../../masking/actions.ts';
import { ascii, isLetter } from '../../../masking/detectors/bytes.ts';
import { type Finding, type Hints, NO_HINTS } from '../../../masking/detectors/findings.ts';
import type { Scanner } from '../../../masking/detectors/scanner.ts';
import { type ColumnTokens, uuidText } from '../../../masking/tokens.ts';
import { ByteWriter } from './byte-writer.ts';
import { mapJson, quote } from './json.ts';
import { neutralValue } from './neutral-values.ts';
import { mapArrayBinary, mapArrayText, mapRecordBinary, mapRecordText, type Replacement } from './structures.ts';
import { elementOf, kindOf, type TypeKind } from './types.ts';

export type Format = 'text' | 'binary';

/** How the values of one output column are masked. */
export interface ColumnMask {
  entity: Entity;
  action: MaskAction;
  /** What makes tokens of the column's values; `action` is then what is shown where there can be none. */
  tokens: ColumnTokens | null;
  /**
   * The value may be an expression that makes its form (NULL or not, number of elements, structure) out
   * of the tagged value: `nullif(ssn, '…')`. Then every row shows the same.
   */
  uniform: boolean;
}

/**
 * The mask of a column that depends on tags. An expression can steer what is shown of the original
 * (`substr(ssn, 1, 4)` under "last four") or test guesses against it (`coalesce('123-45-6789', ssn)`
 * under "hash"), so anything but the column itself is redacted.
 */
export function maskOf(
  tags: readonly ColumnTag[],
  derived: boolean,
  uniform = false,
  tokensOf: TokensOf | null = null,
): ColumnMask {
  const [{ entity, action }] = tags as readonly [ColumnTag, ...ColumnTag[]];
  if (derived || tags.length > 1) return { entity, action: 'redact', tokens: null, uniform };
  return action === 'token'
    ? { entity, action: 'redact', tokens: tokensOf?.(tags[0]!) ?? null, uniform }
    : { entity, action, tokens: null, uniform };
}

export type TokensOf = (tag: ColumnTag) => ColumnTokens;

const encoder = new TextEncoder();
const JSON_NULL = encoder.encode('null');
const NO_COLUMNS: readonly number[] = [];

/** Masks single values, and counts what it masked and in which columns, for one result. */
export class ValueMasker {
  readonly counts: Record<string, number> = {};
  /** Position of the column whose value is looked at: what is counted is counted there. */
  column = 0;
  private readonly masked: true[] = [];
  private readonly actions: MaskActions;
  private readonly scanner: Scanner | null;
  private readonly writer = new ByteWriter(1024);
  private readonly detected: Partial<Record<Entity, MaskAction>>;

  constructor(actions: MaskActions, scanner: Scanner | null, detected: Partial<Record<Entity, MaskAction>>) {
    this.actions = actions;
    this.scanner = scanner;
    this.detected = detected;
  }

  count(entity: Entity, times = 1): void {
    this.counts[entity] = (this.counts[entity] ?? 0) + times;
    this.mark();
  }

  /** A value of the present column is not what the server sent. */
  mark(): void {
    this.masked[this.column] = true;
  }

  /** Positions of the columns that have a masked value, ascending. */
  get maskedColumns(): readonly number[] {
    if (this.masked.length === 0) return NO_COLUMNS;
    const columns: number[] = [];
    for (let i = 0; i < this.masked.length; i += 1) if (this.masked[i] === true) columns.push(i);
    return columns;
  }

  /** What every value of the column becomes, where that does not depend on the value. */
  constant(column: { mask: ColumnMask | null; oid: number; maxCharacters: number }): Uint8Array | undefined {
    const { mask } = column;
    if (mask === null || mask.tokens !== null || kindOf(column.oid) !== 'text' || mask.action !== 'redact')
      return undefined;
    const whole = marker(mask.entity);
    return column.maxCharacters > 0 ? whole.subarray(0, column.maxCharacters) : whole;
  }

  /** What every row shows in a column whose mask is uniform, where the server may have sent NULL too; null is NULL. */
  uniform(column: { mask: ColumnMask; oid: number; format: Format; maxCharacters: number }): Uint8Array | null {
    const whole = marker(column.mask.entity);
    switch (kindOf(column.oid)) {
      case 'text':
        return column.maxCharacters > 0 ? whole.subarray(0, column.maxCharacters) : whole;
      case 'json':
        return quote(whole);
      case 'jsonb': {
        const value = quote(whole);
        return column.format === 'text' ? value : Uint8Array.of(1, ...value);
      }
      case 'bytea':
        return column.format === 'binary' ? whole : encoder.encode(`\\x${hex(whole)}`);
      default:
        return null;
    }
  }

  // ---- columns that are tagged -----------------------------------------------------------------

  /** @returns the value to send instead, never `undefined`; null is SQL NULL. */
  tagged(
    mask: ColumnMask,
    oid: number,
    format: Format,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): Uint8Array | null {
    const kind = kindOf(oid);
    if (mask.tokens !== null) {
      const token = tokenOf(mask.tokens, kind, format, bytes.subarray(start, end));
      if (token !== null) {
        this.count(mask.entity);
        return token;
      }
      return this.tagged({ ...mask, tokens: null }, oid, format, bytes, start, end);
    }
    const leaf = (value: Uint8Array, inner: number) =>
      inner === 0 ? this.untyped(mask, value) : this.tagged(mask, inner, format, value, 0, value.length);
    switch (kind) {
      case 'text':
        this.count(mask.entity);
        // A part or a look-alike of XML is seldom XML.
        if (mask.action === 'redact' || (oid === XML && mask.action !== 'hash')) return marker(mask.entity);
        return this.actions.apply(mask.action, mask.entity, bytes.subarray(start, end));
      case 'json':
        return this.taggedJson(mask, bytes, start, end) ?? null;
      case 'jsonb':
        return format === 'text'
          ? (this.taggedJson(mask, bytes, start, end) ?? null)
          : versioned(bytes, start, end, (from) => this.taggedJson(mask, bytes, from, end) ?? null);
      case 'array': {
        const changed =
          format === 'text'
            ? mapArrayText(bytes, start, end, elementOf(oid), leaf)
            : mapArrayBinary(bytes, start, end, leaf);
        return changed === undefined ? bytes.subarray(start, end) : changed;
      }
      case 'record': {
        const changed =
          format === 'text' ? mapRecordText(bytes, start, end, leaf) : mapRecordBinary(bytes, start, end, leaf);
        return changed === undefined ? bytes.subarray(start, end) : changed;
      }
      default:
        this.count(mask.entity);
        return this.neutral(mask, kind, format, bytes.subarray(start, end));
    }
  }

  private neutral(mask: ColumnMask, kind: TypeKind, format: Format, value: Uint8Array): Uint8Array | null {
    if (kind === 'bytea') {
      const masked = mask.action === 'hash' ? this.actions.apply('hash', mask.entity, value) : marker(mask.entity);
      return format === 'binary' ? masked : encoder.encode(`\\x${hex(masked)}`);
    }
    if (mask.action !== 'hash' && mask.action !== 'stand-in') return null;
    return neutralValue({ kind, format, key: this.actions.key, purpose: `${mask.action} ${mask.entity}` }, value);
  }

  /** Text of a value whose type is not known (a field of a composite, a column of COPY): NULL where a marker might not fit. */
  untyped(mask: ColumnMask, value: Uint8Array): Uint8Array | null {
    this.count(mask.entity);
    return looksTyped(value) ? null : marker(mask.entity);
  }

  /**
   * Strings become what the action says, numbers and booleans null or a number like them. Keys are
   * the document's structure and stay (content detection looks at them): where an expression could put
   * values into them, as `json_object_agg(ssn, 1)` does, the mask is uniform.
   */
  private taggedJson(mask: ColumnMask, bytes: Uint8Array, start: number, end: number): Replacement {
    const changed = mapJson(bytes, start, end, {
      string: (value, isKey) => {
        if (isKey) return this.spliceFound(value, 0, value.length, NO_HINTS);
        this.count(mask.entity);
        return this.actions.apply(mask.action, mask.entity, value);
      },
      scalar: (value) => {
        if (value.length === 4 && value[0] === 0x6e) return undefined;
        this.count(mask.entity);
        return this.neutral(mask, 'numeric', 'text', value) ?? JSON_NULL;
      },
    });
    return changed === undefined ? bytes.subarray(start, end) : changed;
  }

  // ---- content detection -----------------------------------------------------------------------

  /** @returns `undefined` when nothing was found. */
  detect(oid: number, format: Format, bytes: Uint8Array, start: number, end: number, hints: Hints): Replacement {
    const scanner = this.scanner;
    if (scanner === null) return undefined;
    const found = scanner.scan(bytes, start, end, hints);
    const kind = kindOf(oid);
    if (kind === 'text') return found === null ? undefined : this.splice(bytes, start, end, found);
    // Escapes can hide what was looked for ("\n123-45-6789"): then the leaves are looked at one by one.
    if (
      found === null &&
      !(format === 'text' ? escapes(bytes, start, end) : kind === 'jsonb' && escapes(bytes, start, end))
    )
      return undefined;
    const leaf = (value: Uint8Array, inner: number) =>
      this.detect(inner === 0 ? TEXT : inner, format, value, 0, value.length, hints);
    switch (kind) {
      case 'json':
        return this.detectJson(bytes, start, end, hints);
      case 'jsonb':
        return format === 'text'
          ? this.detectJson(bytes, start, end, hints)
          : versioned(bytes, start, end, (from) => this.detectJson(bytes, from, end, hints));
      case 'array':
        return format === 'text'
          ? mapArrayText(bytes, start, end, elementOf(oid), leaf)
          : mapArrayBinary(bytes, start, end, leaf);
      case 'record':
        return format === 'text' ? mapRecordText(bytes, start, end, leaf) : mapRecordBinary(bytes, start, end, leaf);
      case 'user':
        if (found === null) return undefined;
        return this.spliceUnknown(format, bytes, start, end, found);
      default:
        return undefined;
    }
  }

  private detectJson(bytes: Uint8Array, start: number, end: number, hints: Hints): Replacement {
    return mapJson(bytes, start, end, {
      string: (value) => this.spliceFound(value, 0, value.length, hints, bytes, start),
      scalar: (value) => {
        const masked = this.spliceFound(value, 0, value.length, hints, bytes, start);
        return masked === undefined ? undefined : quote(masked);
      },
    });
  }

  /** Looks at a leaf of `outer`; where it is a part of it, what stands before it is its context. */
  private spliceFound(
    value: Uint8Array,
    start: number,
    end: number,
    hints: Hints,
    outer?: Uint8Array,
    outerStart = 0,
  ): Uint8Array | undefined {
    const inside = outer !== undefined && value.buffer === outer.buffer;
    const shift = inside ? value.byteOffset - outer.byteOffset : 0;
    const bytes = inside ? outer : value;
    const found = this.scanner?.scan(bytes, shift + start, shift + end, hints, inside ? outerStart : start);
    return found ? this.splice(bytes, shift + start, shift + end, found) : undefined;
  }

  /** Whether content detection finds anything in a row as a whole. */
  finds(bytes: Uint8Array, start: number, end: number): boolean {
    return this.scanner?.scan(bytes, start, end) != null;
  }

  /** A value of COPY in text or csv, escapes resolved; its type is not known. */
  copied(mask: ColumnMask | null, bytes: Uint8Array, start: number, end: number): Replacement {
    if (mask?.uniform) {
      this.count(mask.entity);
      return null;
    }
    if (mask !== null) return this.untyped(mask, bytes.subarray(start, end));
    const first = bytes[start];
    // JSON by its look: its strings are masked inside their quotes, and a masked number gets some.
    const look = first === 0x7b || first === 0x5b;
    const json =
      look && (this.finds(bytes, start, end) || escapes(bytes, start, end)) && isJson(bytes.subarray(start, end));
    return this.marked(this.detect(json ? JSON_TYPE : TEXT, 'text', bytes, start, end, NO_HINTS));
  }

  /** A field of COPY in binary; its type is not known, so a tagged one becomes NULL. */
  copiedBinary(mask: ColumnMask | null, bytes: Uint8Array, start: number, end: number): Replacement {
    if (mask !== null) {
      this.count(mask.entity);
      return null;
    }
    const found = this.scanner?.scan(bytes, start, end);
    const jsonb =
      bytes[start] === 1 && (bytes[start + 1] === 0x7b || bytes[start + 1] === 0x5b || bytes[start + 1] === 0x22);
    if (jsonb && (found || escapes(bytes, start, end)))
      return this.marked(this.detect(JSONB_TYPE, 'binary', bytes, start, end, NO_HINTS));
    return found ? this.spliceUnknown('binary', bytes, start, end, found) : undefined;
  }

  /** A structure that cannot be read becomes NULL without anything to count. */
  private marked(next: Replacement): Replacement {
    if (next === null) this.mark();
    return next;
  }

  splice(bytes: Uint8Array, start: number, end: number, found: readonly Finding[]): Uint8Array {
    const writer = this.writer;
    let at = start;
    for (const { start: from, end: to, entity } of found) {
      writer.range(bytes, at, from);
      writer.all(this.actions.apply(this.detected[entity] ?? 'redact', entity, bytes.subarray(from, to)));
      this.count(entity);
      at = to;
    }
    writer.range(bytes, at, end);
    return writer.take();
  }

  /**
   * A value of a type that the gateway does not know. Text is rewritten in place, after an escape that
   * a finding would cut in two. Binary that is not all text has lengths in it that must not change:
   * findings are overwritten with stars.
   */
  spliceUnknown(format: Format, bytes: Uint8Array, start: number, end: number, found: readonly Finding[]): Uint8Array {
    if (format === 'text' || printable(bytes, start, end)) {
      const whole = found.map((finding) => {
        let slashes = 0;
        while (finding.start - slashes > start && bytes[finding.start - slashes - 1] === 0x5c) slashes += 1;
        return slashes % 2 === 1 ? { ...finding, start: finding.start + 1 } : finding;
      });
      return this.splice(bytes, start, end, whole);
    }
    const out = bytes.slice(start, end);
    for (const finding of found) {
      this.count(finding.entity);
      out.fill(0x2a, finding.start - start, finding.end - start);
    }
    return out;
  }
}

const TEXT = 25;
const JSON_TYPE = 114;
const JSONB_TYPE = 3802;
const XML = 142;

/** Only what can be compared with its column whole: no elements of arrays, no fields of structures. */
function tokenOf(tokens: ColumnTokens, kind: TypeKind, format: Format, value: Uint8Array): Uint8Array | null {
  if (kind === 'text') return tokens.sealText(value);
  if (kind !== 'uuid') return null;
  if (format === 'binary') return tokens.sealUuid(value);
  const token = tokens.sealUuid(Buffer.from(ascii(value, 0, value.length).replaceAll('-', ''), 'hex'));
  return token === null ? null : encoder.encode(uuidText(token));
}

/** jsonb_send: a version byte before the text. */
function versioned(
  bytes: Uint8Array,
  start: number,
  end: number,
  map: (from: number) => Replacement,
): Uint8Array | null {
  if (end <= start || bytes[start] !== 1) return null;
  const changed = map(start + 1);
  if (changed === null) return null;
  if (changed === undefined) return bytes.subarray(start, end);
  const out = new Uint8Array(changed.length + 1);
  out[0] = 1;
  out.set(changed, 1);
  return out;
}

function isJson(value: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(value));
    return true;
  } catch {
    return false;
  }
}

export function escapes(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) if (bytes[i] === 0x5c) return true;
  return false;
}

function printable(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1)
    if (bytes[i]! < 0x20 && bytes[i] !== 0x09 && bytes[i] !== 0x0a && bytes[i] !== 0x0d) return false;
  return true;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Numbers, dates, times, booleans, UUIDs, bytea, and structures: text in which a marker may not be valid. */
function looksTyped(value: Uint8Array): boolean {
  const first = value[0] ?? 0;
  if (value.length > 128) return first === 0x7b || first === 0x5b || first === 0x28 || first === 0x5c;
  // Words: of what begins with a letter, nothing typed has a space in it.
  if (isLetter(first)) for (let i = 1; i < value.length; i += 1) if (value[i] === 0x20) return false;
  return TYPED.test(ascii(value, 0, value.length));
}

/** Fixed counts and single runs only: no backtracking beyond one run of at most 128 bytes. */
const TYPED =
  /^(?:[[({\\<"'$]|[+-]?\d+(?:\.\d*)?(?:e[+-]?\d+)?$|\d{4,6}-\d\d-\d\d(?:[ T]|$)|[+-]?\d+:\d|-?\d+ (?:year|mon|day)|@ |(?:t|f|true|false|NaN|-?Infinity|null|empty)$|[0-9a-f]{8}-[0-9a-f]{4}-|\d+\.\d+\.\d+\.\d+(?:\/\d+)?$|[0-9a-f]{0,4}:[0-9a-f:]+)/i;
