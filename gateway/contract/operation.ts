import { z } from 'zod';
import { AgentProcess, Identity } from './identity.ts';

/** From harmless to worst; a message takes the worst of its statements. */
export const OPERATION_CLASSES = [
  'session', // BEGIN, SET of a harmless setting, SHOW, DEALLOCATE …
  'read',
  'write',
  'network', // speaks to another machine, or listens for one
  'secret-read', // reads keys, passwords, tokens
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

const asked = {
  sessionId: z.string(),
  identity: Identity,
  agent: AgentProcess,
  /** The registered connection; of what an agent does itself, the agent's name (`cursor`) or the MCP server's. */
  connectionId: z.string(),
  text: z.string(),
  effects: Effects,
  /** SHA-256, hex, of the canonical form (operation-digest.ts). */
  digest: z.string(),
};

export const StatementOperation = z.object({
  ...asked,
  protocol: z.literal('postgres'),
  database: z.string(),
  /** The role statements run as now (SET ROLE followed). */
  role: z.string(),
  searchPath: z.string(),
  parameters: z.array(Parameter),
  transaction: TransactionStatus,
});
export type StatementOperation = z.infer<typeof StatementOperation>;

/** What else an approval is bound to, e.g. a script's path and the SHA-256 of its content. */
export const Binding = z.object({ name: z.string().max(4200), value: z.string().max(4200) });
export type Binding = z.infer<typeof Binding>;

/** What an agent does itself, or through a tool: a command, a change of a file, a call of an MCP tool. */
export const ActionOperation = z.object({
  ...asked,
  protocol: z.enum(['agent', 'mcp', 'terminal']),
  /** As the agent calls it: Shell, Write, Read, Delete, or the MCP tool's name. */
  tool: z.string().max(512),
  /** Where: the working directory, or the MCP server's name. */
  place: z.string().max(4200),
  bindings: z.array(Binding).max(1000),
});
export type ActionOperation = z.infer<typeof ActionOperation>;

/** One thing the agent asks for. Everything that `digest` covers is what an approval is for. */
export const Operation = z.discriminatedUnion('protocol', [StatementOperation, ActionOperation]);
export type Operation = z.infer<typeof Operation>;

/** Where it would happen, in parts of text from outside: connection, then database and role, or the place. */
export function whereOf(operation: Operation): { connection: string; database: string; role: string | null } {
  const { connectionId: connection } = operation;
  return operation.protocol === 'postgres'
    ? { connection, database: operation.database, role: operation.role }
    : { connection, database: operation.place, role: null };
}
