import type { ColumnTag, Connection } from '../../contract/connection.ts';
import type { Effects } from '../../contract/operation.ts';

/** What is shared between the parts of the PostgreSQL protocol: wire, classifier, masking, inspector. */

/** What the classifier and the masker know of one database, read from its catalog; immutable. */
export interface CatalogSnapshot {
  /** Tagged columns by table OID and column number; empty for tags whose table does not exist. */
  readonly tagByOid: ReadonlyMap<number, ReadonlyMap<number, ColumnTag>>;
  /** Relations that matter: tagged tables, and views and materialized views that depend on them (to any depth). */
  readonly relations: readonly CatalogRelation[];
  /** Functions outside pg_catalog and information_schema. */
  readonly functions: readonly CatalogFunction[];
  /** Names of functions in pg_catalog that are volatile. */
  readonly volatileBuiltins: ReadonlySet<string>;
}

export interface CatalogRelation {
  oid: number;
  schema: string;
  name: string;
  kind: 'table' | 'view' | 'materialized-view' | 'foreign-table' | 'partitioned-table';
  /** In order of attnum, dropped ones left out. */
  columns: readonly { name: string; attnum: number; typeOid: number }[];
  /** pg_get_viewdef for views. */
  definition: string | null;
}

export interface CatalogFunction {
  schema: string;
  name: string;
  volatility: 'immutable' | 'stable' | 'volatile';
  language: string;
  source: string;
  /** One argument, which may be a row: then `row.name` calls it. Absent: not known. */
  takesRow?: boolean;
}

/** What a statement's output columns depend on, by position in its result. */
export interface OutputTaint {
  /**
   * Per output column: the tags it depends on though the server may not say so (expressions, views,
   * COPY, cursors). Empty array: clean. null in place of the list: the shape is not known, so every
   * column that the server does not name (table OID 0) depends on `all`.
   */
  columns: readonly (readonly ColumnTag[])[] | null;
  /**
   * Per output column: whether there is a value, how many elements it has and which structure says
   * nothing of tagged values beyond what their own columns would. Where it is not true, of a column
   * that depends on tags every row shows the same. Absent: true of none.
   */
  readonly steady?: readonly boolean[];
  /** Every tag the statement reads at all; error texts are masked by it. */
  all: readonly ColumnTag[];
}

export interface Classification {
  effects: Effects;
  output: OutputTaint;
  /** Options of a COPY … TO STDOUT, where the message is exactly that one statement. */
  readonly copy?: Omit<CopyShape, 'columns'> | null;
  /** Facts the session machine keeps: SQL-level PREPARE and DECLARE name things that run later. */
  names: readonly SessionName[];
}

export type SessionName =
  | { kind: 'prepare'; name: string }
  | { kind: 'execute'; name: string }
  | { kind: 'deallocate'; name: string | null }
  | { kind: 'declare-cursor'; name: string }
  | { kind: 'fetch'; name: string }
  | { kind: 'close-cursor'; name: string | null }
  | { kind: 'set'; setting: string; value: string | null; local: boolean };

export interface ClassifyContext {
  connection: Connection;
  catalog: CatalogSnapshot;
  /** Classifications of statements prepared in this session, by name (SQL PREPARE and protocol Parse share them). */
  prepared: (name: string) => Classification | null;
  cursor: (name: string) => Classification | null;
}

export interface Classifier {
  /**
   * Classifies the text of one message (one or many statements; parse mode `single` for Parse).
   * Synchronous for texts up to 16 KiB; larger ones go through `classifyLarge` on a worker.
   * Never throws: what cannot be understood is class `unknown`.
   */
  classify(text: string, context: ClassifyContext): Classification;
  classifyLarge(text: string, context: ClassifyContext): Promise<Classification>;
}

export interface FieldDescription {
  name: string;
  tableOid: number;
  columnNumber: number;
  typeOid: number;
  typeModifier: number;
  format: 'text' | 'binary';
}

/** Rewrites one result; holds the counts of what it masked. One result streams through one plan. */
export interface RowMasker {
  /**
   * @param row the body of a DataRow message (from the column count on).
   * @returns the new body, or null when nothing changed.
   */
  row(row: Uint8Array): Uint8Array | null;
  /**
   * The same in two steps, for who has a place for the new body: finds what changes in the row bytes[start, end).
   * @returns how long the new body is, or -1 when nothing changed.
   */
  measure(bytes: Uint8Array, start: number, end: number): number;
  /** Writes the body of the row that was measured last, and changed, to target[at, …). */
  write(target: Uint8Array, at: number): void;
  /** Masked values by entity so far. */
  readonly counts: Readonly<Record<string, number>>;
  /** Positions of the columns that have a masked value so far, ascending; made when asked for. */
  readonly maskedColumns: readonly number[];
}

export interface CopyMasker {
  /** Feeds CopyData payloads in order; returns payloads to send instead (rows may straddle messages; bounded buffer). */
  data(payload: Uint8Array): Uint8Array[];
  /** At CopyDone: what is left. */
  end(): Uint8Array[];
  readonly counts: Readonly<Record<string, number>>;
  readonly maskedColumns: readonly number[];
}

export interface CopyShape {
  format: 'text' | 'csv' | 'binary';
  header: boolean;
  delimiter: string;
  null: string;
  quote: string;
  escape: string;
  columns: number;
}

/** Values behind tokens, as they go into a Bind. */
export interface BoundValues {
  /** Of the client's own parameters, by index. */
  parameters: ReadonlyMap<number, Uint8Array>;
  /** In text, for the parameters after the client's own that took the place of literals. */
  hidden: readonly Uint8Array[];
}

/** A statement in which tokens stand, as it goes to the server: its text holds none of the values. */
export interface PutTokens {
  refused: null;
  text: string;
  /** Place in the client's text, of one in the server's: both in characters, from 1. */
  position(at: number): number;
  values: BoundValues;
  /** The values themselves, as text. */
  opened: readonly string[];
  /** What a person is told of them. */
  words: readonly string[];
  /** The columns whose values are put in. */
  tags: readonly ColumnTag[];
  count: number;
}

/** null: nothing is put in. Refused: with a sentence for the agent. */
export type TokensFound = PutTokens | { refused: string } | null;

/** Tokens in what a client sends, in place of values that were masked. */
export interface Tokens {
  /** @param text of a Query. */
  inText(text: string, catalog: CatalogSnapshot): TokensFound;
  /**
   * @param text of the statement that is bound, with the types that its Parse gave.
   * @param body of the Bind message.
   */
  inBind(text: string, catalog: CatalogSnapshot, types: readonly number[], body: Uint8Array): TokensFound;
  /** Whether a Bind's parameters may hold any. */
  mayBind(body: Uint8Array): boolean;
}

export interface Masking {
  /** null: no column of the connection is shown by tokens. */
  readonly tokens?: Tokens | null;
  /** null: nothing in this result can need masking, so rows are forwarded untouched. */
  forResult(fields: readonly FieldDescription[], taint: OutputTaint, catalog: CatalogSnapshot): RowMasker | null;
  forCopyOut(shape: CopyShape, taint: OutputTaint, catalog: CatalogSnapshot): CopyMasker | null;
  /** Masks the text fields of ErrorResponse, NoticeResponse; `sent` is the client's own text, whose parts are no leak. */
  text(text: string, taint: OutputTaint, sent: string): { text: string; counts: Readonly<Record<string, number>> };
}
