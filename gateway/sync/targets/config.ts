import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { isObjectName } from './names.ts';

const MAX_PATH = 1024;
const line = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^[^\p{Cc}]+$/u, 'has control characters');
const localPath = line(MAX_PATH).refine(isAbsolute, 'has to be an absolute path');

/**
 * Under which id the vault keeps a secret: the configuration holds none itself. Only ids of stores, so that no
 * configuration sends a connection's password to a server of somebody's choice.
 */
const SecretId = z
  .string()
  .regex(/^store\/[a-z0-9][a-z0-9/_.-]{0,99}$/, 'is the id of a store’s secret in the vault, store/…');

const FolderConfig = z.strictObject({ kind: z.literal('folder'), path: localPath });
export type FolderConfig = z.infer<typeof FolderConfig>;

const SftpAuth = z.discriminatedUnion('method', [
  /** A private key as OpenSSH or PEM has it, in a file or in the vault; encrypted with a passphrase from the vault or not. */
  z.strictObject({ method: z.literal('key-file'), file: localPath, passphrase: SecretId.optional() }),
  z.strictObject({ method: z.literal('key'), key: SecretId, passphrase: SecretId.optional() }),
  /** Its socket (a named pipe on Windows, or `pageant`); without one what SSH_AUTH_SOCK says. */
  z.strictObject({ method: z.literal('agent'), socket: line(MAX_PATH).optional() }),
  z.strictObject({ method: z.literal('password'), password: SecretId }),
]);

const SftpConfig = z.strictObject({
  kind: z.literal('sftp'),
  host: line(253),
  port: z.int().min(1).max(65_535).default(22),
  user: line(255),
  /** Absolute, or relative to where the server puts the user. */
  path: line(MAX_PATH).default('.'),
  /** `SHA256:…` as ssh-keygen -l prints it, or a line of known_hosts or of a public key file. Several while one is rotated. */
  hostKeys: z.array(line(16_384)).min(1).max(16),
  auth: SftpAuth,
});
export type SftpConfig = z.infer<typeof SftpConfig>;

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
const endpoint = z
  .url({ protocol: /^https?$/ })
  .max(MAX_PATH)
  .refine((text) => new URL(text).protocol === 'https:' || LOOPBACK.test(new URL(text).hostname), 'has to be https')
  .refine((text) => {
    const { search, hash, username, password } = new URL(text);
    return `${search}${hash}${username}${password}` === '';
  }, 'has more than host, port and path');

const S3Config = z.strictObject({
  kind: z.literal('s3'),
  endpoint,
  region: z
    .string()
    .regex(/^[a-z0-9-]{1,64}$/)
    .default('us-east-1'),
  bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
  /** `endpoint/bucket/name`, as most stores of a team's own want it; else `bucket.endpoint/name`. */
  pathStyle: z.boolean().default(true),
  /** Before every object's name, where several share a bucket. */
  prefix: z.string().max(200).refine(isObjectName, 'cannot begin an object’s name').optional(),
  accessKeyId: line(256),
  secretAccessKey: SecretId,
  sessionToken: SecretId.optional(),
  /** PEM of the authorities that the store's certificate may come from, instead of the system's. */
  caFile: localPath.optional(),
  /** Server-side encryption, asked for with each object. */
  sse: z
    .discriminatedUnion('algorithm', [
      z.strictObject({ algorithm: z.literal('AES256') }),
      z.strictObject({ algorithm: z.literal('aws:kms'), keyId: line(2048).optional() }),
    ])
    .optional(),
  /** Object Lock that each object is written with; without it the bucket's own default counts. */
  lock: z.strictObject({ mode: z.enum(['GOVERNANCE', 'COMPLIANCE']), days: z.int().min(1).max(36_500) }).optional(),
});
export type S3Config = z.infer<typeof S3Config>;

/** A store of the team, as the configuration file has it. */
export const TargetConfig = z.discriminatedUnion('kind', [FolderConfig, SftpConfig, S3Config]);
export type TargetConfig = z.infer<typeof TargetConfig>;
