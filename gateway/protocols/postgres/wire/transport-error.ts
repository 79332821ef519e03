import { CountersignError } from '../../../contract/errors.ts';
import type { Target } from './transport.ts';

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there (connection refused)',
  ENOENT: 'there is no such unix socket',
  EACCES: 'the unix socket may not be used by this user',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'the host did not answer in time',
  EHOSTUNREACH: 'the host is not reachable from here',
  ENETUNREACH: 'its network is not reachable from here',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
};

const certificate: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; give that certificate as the CA file',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate comes from an authority that is not trusted here; give its CA file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate comes from an authority that is not trusted here; give its CA file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its certificate comes from an authority that is not trusted here; give its CA file',
  UNABLE_TO_GET_ISSUER_CERT: 'its certificate comes from an authority that is not trusted here; give its CA file',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet',
  CERT_SIGNATURE_FAILURE: 'its certificate was not signed by the authority in the CA file',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; set the server name, or use verify-ca',
};

/** An error of a socket or of TLS as a sentence that says what is wrong with the target. */
export function transportError(error: unknown, target: Pick<Target, 'host' | 'port'>): CountersignError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const where = target.host.startsWith('/') ? target.host : `${target.host}:${target.port}`;
  const reason = unreachable[code];
  if (reason)
    return new CountersignError('PG_UPSTREAM_UNREACHABLE', `${where} was not reached: ${reason}`, { cause: error });
  const fault = certificate[code];
  if (fault) return new CountersignError('PG_UPSTREAM_TLS', `TLS with ${where} failed: ${fault}`, { cause: error });
  if (/^ERR_(SSL|TLS|OSSL|CRYPTO)/.test(code)) {
    const words = error instanceof Error ? error.message.replace(/[^\x20-\x7e]/g, ' ').slice(0, 300) : '';
    return new CountersignError('PG_UPSTREAM_TLS', `TLS with ${where} failed: ${words}`, { cause: error });
  }
  return new CountersignError('PG_UPSTREAM_UNREACHABLE', `${where} was not reached (${code || 'unknown error'})`, {
    cause: error,
  });
}
