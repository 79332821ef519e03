import { z } from 'zod';
import { AgentProcess, Identity } from './identity.ts';

/** From harmless to worst; a message takes the worst of its statements. */
export const OPERATION_CLASSES = [
  'session', // BEGIN, SET of a harmless setting, SHOW, DEALLOCATE …
  'read',
  'write',
  'destructive', // DROP, TRUNCATE, DELETE/UPDATE without a real WHERE …
  'privilege', // GRANT, SET ROLE, ALTER ROLE …
  'execute', // COPY PROGRAM, server files, DO, CREATE FUNCTION …
  'unknown',
] as const;
export const OperationClass = z.enum(OPERATION_CLASSES);
export type OperationClass = z.infer<typeof OperationClass>;

export const TableRef = z.object({
  /** null: resolved through search_path on the server. */
  schema: z.string().nullable(),
  name: z.string(),
  /** Columns named in the statement; '*' where all of them are touched. */
  columns: z.array(z.string()),
});
export type TableRef = z.infer<typeof TableRef>;

/** What one message of the client would do, as far as its text tells. */
export const Effects = z.object({
  class: OperationClass,
  /** One per statement, the command's own name: SELECT, UPDATE, DROP TABLE, COPY … */
  ops: z.array(z.string()),
  /**
   * Facts that a policy asks about:
   * destructive, no-where, code-execution, privilege, unknown, hidden-write, explain-analyze, row-lock,
   * copy-program, server-file, drop-database, ddl, sets-pinned-setting, filters-on-tagged, output-tagged,
   * unknown-function, volatile-function, large-object, listen-notify, transaction-control, cursor,
   * prepared, multi-statement, unparsable, too-large
   */
  flags: z.array(z.string()),
  reads: z.array(TableRef),
  writes: z.array(TableRef),
  /** Tagged columns (schema.table.column) used to filter, join, sort or group. */
  filtersOn: z.array(z.string()),
  functions: z.array(z.string()),
  /** In words for the person, most important first: "Deletes every row of orders (no WHERE)". */
  words: z.array(z.string()),
  /** Shape of the text with its literals lifted out; equal shapes have equal fingerprints (16 hex digits). */
  fingerprint: z.string(),
  /** The text with literals replaced by $n, at most 1,000 characters, for sentences about the shape. */
  shape: z.string(),
});
export type Effects = z.infer<typeof Effects>;

export const Parameter = z.object({
  /** Type OID as Parse declared it, 0 where it left it to the server. */
  type: z.number().int().nonnegative(),
  format: z.enum(['text', 'binary']),
  /** base64 of the bytes on the wire; null is SQL NULL. */
  value: z.string().nullable(),
});
export type Parameter = z.infer<typeof Parameter>;

export const TransactionStatus = z.enum(['idle', 'in-transaction', 'failed']);
export type TransactionStatus = z.infer<typeof TransactionStatus>;

/** One thing the agent asks for. Everything that `digest` covers is what an approval is for. */
export const Operation = z.object({
  sessionId: z.string(),
  identity: Identity,
  agent: AgentProcess,
  connectionId: z.string(),
  protocol: z.literal('postgres'),
  database: z.string(),
  /** The role statements run as now (SET ROLE followed). */
  role: z.string(),
  searchPath: z.string(),
  text: z.string(),
  parameters: z.array(Parameter),
  transaction: TransactionStatus,
  effects: Effects,
  /** SHA-256, hex, of the canonical form (operation-digest.ts). */
  digest: z.string(),
});
export type Operation = z.infer<typeof Operation>;
