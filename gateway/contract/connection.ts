import { z } from 'zod';

export const MaskAction = z.enum(['redact', 'partial', 'hash', 'stand-in']);
export type MaskAction = z.infer<typeof MaskAction>;

/** What can be done with a column besides: `token`, which the agent may send back (docs/masking.md). */
export const ColumnAction = z.enum([...MaskAction.options, 'token']);
export type ColumnAction = z.infer<typeof ColumnAction>;

/** Presidio's entity names plus kinds of secret. */
export const Entity = z.enum([
  'CREDIT_CARD',
  'EMAIL_ADDRESS',
  'IBAN_CODE',
  'PHONE_NUMBER',
  'US_SSN',
  'IP_ADDRESS',
  'PERSON',
  'AWS_ACCESS_KEY',
  'JWT',
  'PRIVATE_KEY',
  'SECRET_TOKEN',
  'CONNECTION_STRING',
  'CUSTOM',
]);
export type Entity = z.infer<typeof Entity>;

const name = z.string().min(1).max(63);

/** A column that holds something sensitive. Names are as the catalog has them (case matters). */
export const ColumnTag = z.object({
  schema: name.default('public'),
  table: name,
  column: name,
  entity: Entity,
  action: ColumnAction.default('redact'),
});
export type ColumnTag = z.infer<typeof ColumnTag>;

export const DetectorConfig = z.object({
  enabled: z.boolean().default(true),
  /** Findings below this score (0 to 1) are not masked. */
  scoreThreshold: z.number().min(0).max(1).default(0.5),
  /** Entities that are looked for by content, with what to do. Absent: not looked for. */
  entities: z.partialRecord(Entity, MaskAction).default({
    CREDIT_CARD: 'partial',
    EMAIL_ADDRESS: 'redact',
    IBAN_CODE: 'partial',
    US_SSN: 'redact',
    AWS_ACCESS_KEY: 'redact',
    JWT: 'redact',
    PRIVATE_KEY: 'redact',
    CONNECTION_STRING: 'redact',
  }),
});
export type DetectorConfig = z.infer<typeof DetectorConfig>;

/** What is looked at while a person is asked about a change of rows; see docs/previews.md. */
export const PreviewLimits = z.object({
  /** Statements that the planner takes to touch more rows are not run for a preview; 0: none is. */
  rows: z.number().int().min(0).max(1_000_000).default(10_000),
  /** Rows that are shown. */
  sample: z.number().int().min(0).max(50).default(10),
  /** statement_timeout and lock_timeout of what is run for it. */
  statementMs: z.number().int().min(10).max(60_000).default(2_000),
  lockMs: z.number().int().min(1).max(10_000).default(200),
});
export type PreviewLimits = z.infer<typeof PreviewLimits>;

export const TlsMode = z.enum(['disable', 'require', 'verify-ca', 'verify-full']);

export const ConnectionId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes');

export const ACCESS_LEVELS = ['read-only', 'read-write', 'admin'] as const;
/** read-only: looks. read-write: changes rows besides. admin: whatever policy lets through. */
export const AccessLevel = z.enum(ACCESS_LEVELS);
export type AccessLevel = z.infer<typeof AccessLevel>;

/**
 * A registered target. The secret (password, client key passphrase) is not here: it is in the vault
 * under the connection's id, and read at connect time only.
 */
export const Connection = z.object({
  id: ConnectionId,
  kind: z.literal('postgres'),
  /** A host name, an address, or an absolute folder of a unix socket. */
  host: z.string().min(1).max(255),
  port: z.number().int().min(1).max(65535).default(5432),
  user: name,
  /** Default database, and those a client may name besides; '*' lets it name any. */
  database: name,
  databases: z.array(z.string().min(1).max(63)).max(256).default([]),
  /** `local`: what its sessions record never leaves this machine; the device's log says that they were. */
  sync: z.enum(['all', 'local']).default('all'),
  tls: z
    .object({
      mode: TlsMode.default('verify-full'),
      /** TLS from the first byte (ALPN postgresql) instead of SSLRequest. */
      direct: z.boolean().default(false),
      caFile: z.string().max(4096).optional(),
      certFile: z.string().max(4096).optional(),
      keyFile: z.string().max(4096).optional(),
      /** The name to verify in place of `host`. */
      serverName: z.string().max(255).optional(),
    })
    .prefault({}),
  /** enforce: policy decides. observe: what would be denied or asked is forwarded and marked so. */
  mode: z.enum(['enforce', 'observe']).default('enforce'),
  masking: z.enum(['on', 'off']).default('on'),
  columns: z.array(ColumnTag).max(4096).default([]),
  detectors: DetectorConfig.prefault({}),
  preview: PreviewLimits.prefault({}),
  /**
   * Levels by group of the identity provider: the highest of a person's groups counts, and who is in none of them
   * gets nothing. Absent: policy alone decides. Policy may be stricter, never wider.
   */
  access: z
    .record(z.string().min(1).max(256), AccessLevel)
    .refine((levels) => Object.keys(levels).length <= 256, 'at most 256 groups')
    .optional(),
  environment: z.enum(['production', 'staging', 'development']).default('production'),
  description: z.string().max(1000).default(''),
});
export type Connection = z.infer<typeof Connection>;
export type ConnectionInput = z.input<typeof Connection>;
