import { readFileSync } from 'node:fs';
import { CountersignError } from '../../contract/errors.ts';

/** One event as it is sent. */
export interface SiemRecord {
  /** Without a line end. */
  text: string;
  /** RFC 5424 severity, 0 to 7. */
  severity: number;
  /** Milliseconds since the epoch. */
  at: number;
  type: string;
}

/** Brings a batch to where it belongs. */
export interface Transport {
  /** The most that one call takes. */
  readonly batch: number;
  /**
   * Resolves with how many of the first ones the other side has. Throws SiemFailure: none, or perhaps
   * some, have arrived, so all are sent again.
   */
  deliver(records: readonly SiemRecord[], signal: AbortSignal): Promise<number>;
  close(): void;
}

/** A sentence for the person, and how long the other side asks to be left alone. */
export class SiemFailure extends CountersignError {
  readonly retryAfterMs: number | null;
  constructor(sentence: string, options: { cause?: unknown; retryAfterMs?: number | null } = {}) {
    super('SIEM_NOT_DELIVERED', sentence, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Of one attempt, from connecting to the other side's last word. */
export const PATIENCE_MS = 30_000;

export interface TlsFiles {
  caFile?: string | undefined;
  certFile?: string | undefined;
  keyFile?: string | undefined;
}

/** Read for each connection, so that renewed certificates are taken up. */
export function tlsMaterial(files: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const read = (path: string | undefined, what: string) => {
    if (path === undefined) return undefined;
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new SiemFailure(`${what} ${path} cannot be read`, { cause });
    }
  };
  const [ca, cert, key] = [
    read(files.caFile, 'the authority’s certificate'),
    read(files.certFile, 'the client certificate'),
    read(files.keyFile, 'the client certificate’s key'),
  ];
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'it broke the connection',
  EPIPE: 'it broke the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name cannot be looked up now',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no network to it',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not by an authority that is trusted; name the authority with caFile',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not by an authority that is trusted; name the authority with caFile',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its certificate is not by an authority that is trusted; name the authority with caFile',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate is not by an authority that is trusted; name the authority with caFile',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** What went wrong on the way to `where`, as a sentence. */
export function failureOf(where: string, error: unknown): SiemFailure {
  if (error instanceof SiemFailure) return error;
  const { code = '', message = '', name = '' } = (error ?? {}) as { code?: string; message?: string; name?: string };
  if (name === 'TimeoutError') return new SiemFailure(`${where}: it does not answer`, { cause: error });
  // OpenSSL's alerts say in their message what the other side did not like.
  const alert = /alert ([a-z ]+)/.exec(message)?.[1]?.trim();
  const words =
    WORDS[code] ?? (alert ? `it refuses the TLS connection (${alert})` : `${code || message || 'it failed'}`);
  return new SiemFailure(`${where}: ${words}`, { cause: error });
}
