import { z } from 'zod';

const id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and dashes');
const path = z.string().min(1).max(4096);

const common = {
  id,
  format: z.enum(['ocsf', 'cef']).default('ocsf'),
  /** noteworthy: asked, denied, failed, observed, or changing something. Sessions, approvals and alerts are always sent. */
  statements: z.enum(['noteworthy', 'all', 'none']).default('noteworthy'),
  /** Texts of statements may hold values: they are sent only where somebody says so. */
  texts: z.boolean().default(false),
};

/** Certificates of the server are always verified; `caFile` is a private authority's in place of the system's. */
const tls = {
  caFile: path.optional(),
  certFile: path.optional(),
  keyFile: path.optional(),
  /** The name to verify in place of the host. */
  serverName: z.string().min(1).max(253).optional(),
};

export const SyslogDestination = z.strictObject({
  ...common,
  ...tls,
  kind: z.literal('syslog'),
  host: z.string().min(1).max(253),
  port: z.number().int().min(1).max(65535).default(6514),
  /** RFC 5424; 13 is "log audit". */
  facility: z.number().int().min(0).max(23).default(13),
});
export type SyslogDestination = z.infer<typeof SyslogDestination>;

export const HttpDestination = z.strictObject({
  ...common,
  ...tls,
  kind: z.literal('http'),
  /** Plain http is for this machine alone. */
  url: z.url({ protocol: /^https?$/ }).max(2000),
  /** The header whose value is the secret in the vault. */
  secretHeader: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/)
    .default('authorization'),
  batch: z.number().int().min(1).max(500).default(100),
});
export type HttpDestination = z.infer<typeof HttpDestination>;

export const FileDestination = z.strictObject({
  ...common,
  kind: z.literal('file'),
  path: path.regex(/^(\/|[A-Za-z]:\\)/, 'an absolute path'),
  maxBytes: z.number().int().min(65_536).max(10_737_418_240).default(104_857_600),
  /** Older files that stay beside it, as `.1` to `.n`. */
  keep: z.number().int().min(0).max(100).default(10),
});
export type FileDestination = z.infer<typeof FileDestination>;

export const SiemDestination = z.discriminatedUnion('kind', [SyslogDestination, HttpDestination, FileDestination]);
export type SiemDestination = z.infer<typeof SiemDestination>;

export const SiemStatus = z.object({
  destination: SiemDestination,
  hasSecret: z.boolean(),
  /** Events that have still to be sent, and since when the oldest waits. */
  waiting: z.number().int(),
  waitingSince: z.string().nullable(),
  sent: z.number().int(),
  /** Events that were given up because the spool was full. */
  dropped: z.number().int(),
  lastSentAt: z.string().nullable(),
  /** In words; null when the last attempt went well. */
  error: z.string().nullable(),
  nextTryAt: z.string().nullable(),
});
export type SiemStatus = z.infer<typeof SiemStatus>;
