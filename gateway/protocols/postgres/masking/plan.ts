import type { ColumnTag } from '../../../contract/connection.ts';
import { type Hints, hintsOfName } from '../../../masking/detectors/findings.ts';
import type { CatalogSnapshot, CopyShape, FieldDescription, OutputTaint } from '../ports.ts';
import { FIRST_USER_OID, holdsText } from './types.ts';
import { type ColumnMask, type Format, maskOf, type TokensOf } from './value-masker.ts';

/** What is done with one column of a result; `mask` null and `detect` false: nothing. */
export interface ColumnPlan {
  mask: ColumnMask | null;
  detect: boolean;
  oid: number;
  format: Format;
  hints: Hints;
  /** Most characters the column's type takes; 0 for any number. */
  maxCharacters: number;
}

const VARCHAR = 1043;
const BPCHAR = 1042;

/**
 * Decides by what the server names (table OID and column number) first, then by what the classifier
 * found. A whole row (`SELECT c FROM customers c`) comes with the table's OID and column number 0.
 */
function maskForField(
  field: FieldDescription,
  position: number,
  taint: OutputTaint,
  catalog: CatalogSnapshot,
  tokensOf: TokensOf | null,
): ColumnMask | null {
  const table = catalog.tagByOid.get(field.tableOid);
  const own = field.tableOid === 0 ? undefined : table?.get(field.columnNumber);
  if (own !== undefined) return maskOf([own], false, false, tokensOf);
  const tags: ColumnTag[] = [];
  if (field.tableOid !== 0 && field.columnNumber === 0 && table !== undefined) tags.push(...table.values());
  const relation = catalog.relations.find(({ oid }) => oid === field.tableOid);
  // Views of the catalog show what PostgreSQL keeps of every table, samples of values included.
  const view =
    relation?.kind === 'view' ||
    relation?.kind === 'materialized-view' ||
    (field.tableOid > 0 && field.tableOid < FIRST_USER_OID);
  if (taint.columns === null || position >= taint.columns.length) {
    if (field.tableOid === 0 || field.columnNumber === 0 || view) tags.push(...taint.all);
    // A view that depends on tagged tables, and nobody knows which of its columns do.
    if (relation !== undefined && view && taint.all.length === 0)
      for (const columns of catalog.tagByOid.values()) tags.push(...columns.values());
  } else tags.push(...(taint.columns[position] ?? []));
  const steady = taint.steady?.[position] === true || (field.tableOid !== 0 && table !== undefined);
  return tags.length === 0 ? null : maskOf(tags, true, !steady);
}

export function planResult(
  fields: readonly FieldDescription[],
  taint: OutputTaint,
  catalog: CatalogSnapshot,
  detecting: boolean,
  tokensOf: TokensOf | null = null,
): ColumnPlan[] | null {
  const columns = fields.map((field, position): ColumnPlan => {
    const mask = maskForField(field, position, taint, catalog, tokensOf);
    const limited = (field.typeOid === VARCHAR || field.typeOid === BPCHAR) && field.typeModifier >= 4;
    return {
      mask,
      detect: mask === null && detecting && holdsText(field.typeOid),
      oid: field.typeOid,
      format: field.format,
      hints: hintsOfName(field.name),
      // atttypmod of varchar and bpchar is the length plus 4 (VARHDRSZ).
      maxCharacters: limited ? field.typeModifier - 4 : 0,
    };
  });
  return columns.some(({ mask, detect }) => mask !== null || detect) ? columns : null;
}

/** Masks of COPY's columns by position; COPY names neither tables nor types. */
export interface CopyPlan {
  masks: readonly (ColumnMask | null)[];
  /** For positions that `masks` does not know. */
  beyond: ColumnMask | null;
  /** Whether any column may be masked by a tag. */
  some: boolean;
}

export function planCopy(shape: CopyShape, taint: OutputTaint): CopyPlan {
  const beyond = taint.all.length === 0 ? null : maskOf(taint.all, true, true);
  const masks = (taint.columns ?? [])
    .slice(0, shape.columns)
    .map((tags, i) => (tags.length === 0 ? null : maskOf(tags, true, taint.steady?.[i] !== true)));
  return { masks, beyond, some: beyond !== null || masks.some((mask) => mask !== null) };
}

export function maskAt(plan: CopyPlan, position: number): ColumnMask | null {
  return position < plan.masks.length ? plan.masks[position]! : plan.beyond;
}
