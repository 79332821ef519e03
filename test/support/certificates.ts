import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestCertificate {
  /** Path of the PEM file. */
  certFile: string;
  keyFile: string;
  cert: string;
  key: string;
}

export interface TestAuthority {
  caFile: string;
  ca: string;
  /** @param names subject alternative names such as "DNS:localhost" or "IP:127.0.0.1"; none for a client. */
  issue(commonName: string, names?: readonly string[], digest?: 'sha256' | 'sha384' | 'sha512'): TestCertificate;
  remove(): void;
}

/** A certificate authority made by openssl, in a folder of its own under the temporary folder. */
export function makeAuthority(commonName = 'Countersign test authority'): TestAuthority {
  const folder = mkdtempSync(join(tmpdir(), 'cs-ca-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...ec, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', `/CN=${commonName}`);
  let count = 0;
  return {
    caFile: file('ca.crt'),
    ca: readFileSync(file('ca.crt'), 'utf8'),
    issue(name, names = [], digest = 'sha256') {
      const id = `c${++count}`;
      openssl('req', '-new', ...ec, '-keyout', `${id}.key`, '-out', `${id}.csr`, '-subj', `/CN=${name}`);
      writeFileSync(file(`${id}.ext`), names.length > 0 ? `subjectAltName=${names.join(',')}\n` : '');
      const issuer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial'];
      const out = ['-out', `${id}.crt`, '-days', '2', `-${digest}`, '-extfile', `${id}.ext`];
      openssl('x509', '-req', '-in', `${id}.csr`, ...issuer, ...out);
      return {
        certFile: file(`${id}.crt`),
        keyFile: file(`${id}.key`),
        cert: readFileSync(file(`${id}.crt`), 'utf8'),
        key: readFileSync(file(`${id}.key`), 'utf8'),
      };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
