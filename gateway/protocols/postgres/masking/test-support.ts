import {
  type ColumnTag,
  Connection,
  type ConnectionInput,
  type Entity,
  type MaskAction,
} from '../../../contract/connection.ts';
import type { CatalogSnapshot, CopyShape, FieldDescription, Masking, OutputTaint } from '../ports.ts';
import { createMasking } from './masking.ts';

/** What the tests of masking share: a table with one tagged column, and rows as the server sends them. */

export const encode = (text: string) => new TextEncoder().encode(text);
export const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
export const TABLE = 16_500;
export const CLEAN: OutputTaint = { columns: [], all: [] };

export function tagOf(entity: Entity, action: MaskAction = 'redact', column = 'c'): ColumnTag {
  return { schema: 'public', table: 't', column, entity, action };
}

export function masking(input: Partial<ConnectionInput> = {}): Masking {
  const connection = Connection.parse({ id: 'test', kind: 'postgres', host: 'h', user: 'u', database: 'd', ...input });
  return createMasking(connection, new Uint8Array(32).fill(9));
}

/** Tags by column number of TABLE. */
export function catalogOf(tags: Readonly<Record<number, ColumnTag>> = {}): CatalogSnapshot {
  const columns = new Map(Object.entries(tags).map(([number, tag]) => [Number(number), tag]));
  return { tagByOid: new Map([[TABLE, columns]]), relations: [], functions: [], volatileBuiltins: new Set() };
}

export function field(
  typeOid: number,
  format: 'text' | 'binary' = 'text',
  more: Partial<FieldDescription> = {},
): FieldDescription {
  return { name: 'c', tableOid: TABLE, columnNumber: 1, typeOid, typeModifier: -1, format, ...more };
}

export function dataRow(values: readonly (Uint8Array | string | null)[]): Uint8Array {
  const parts = values.map((value) => (typeof value === 'string' ? encode(value) : value));
  const out = new Uint8Array(parts.reduce((n, part) => n + 4 + (part?.length ?? 0), 2));
  const view = new DataView(out.buffer);
  view.setInt16(0, parts.length);
  let at = 2;
  for (const part of parts) {
    view.setInt32(at, part === null ? -1 : part.length);
    if (part !== null) out.set(part, at + 4);
    at += 4 + (part?.length ?? 0);
  }
  return out;
}

/** Throws unless the body is exactly as long as its columns. */
export function parseRow(row: Uint8Array): (Uint8Array | null)[] {
  const view = new DataView(row.buffer, row.byteOffset, row.byteLength);
  const values: (Uint8Array | null)[] = [];
  let at = 2;
  for (let i = 0; i < view.getInt16(0); i += 1) {
    const length = view.getInt32(at);
    at += 4;
    values.push(length === -1 ? null : row.slice(at, at + length));
    at += Math.max(0, length);
  }
  if (at !== row.length) throw new Error('row is not as long as its columns');
  return values;
}

export function copyShape(format: CopyShape['format'], columns: number, more: Partial<CopyShape> = {}): CopyShape {
  const text = format === 'text';
  return {
    format,
    header: false,
    delimiter: text ? '\t' : ',',
    null: text ? '\\N' : '',
    quote: '"',
    escape: '"',
    columns,
    ...more,
  };
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
