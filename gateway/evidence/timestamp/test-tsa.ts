import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestTsaOptions {
  /** openssl's name of the extension's value; default `critical,timeStamping`. */
  purpose?: string;
  /** Arguments of `openssl req` for the signer's key; default EC P-256. */
  key?: readonly string[];
  /** Arguments of `openssl x509` for the signer's validity; default two days from now. */
  validity?: readonly string[];
  digest?: string;
  essDigest?: string;
}

/** A timestamp authority of openssl's: a root, an authority below it, a signer, and `openssl ts -reply` behind HTTP. */
export function makeTsa(options: TestTsaOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'cs-tsa-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const issue = (
    name: string,
    issuer: string,
    key: readonly string[],
    extensions: string,
    validity: readonly string[],
  ) => {
    openssl('req', '-new', ...key, '-nodes', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    writeFileSync(file(`${name}.ext`), extensions);
    const by = ['-CA', `${issuer}.crt`, '-CAkey', `${issuer}.key`, '-CAcreateserial', '-extfile', `${name}.ext`];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.crt`, ...validity);
  };
  openssl('req', '-x509', ...ec, '-keyout', 'root.key', '-out', 'root.crt', '-days', '2', '-subj', '/CN=root');
  const twoDays = ['-days', '2'];
  issue('sub', 'root', ec, 'basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign\n', twoDays);
  const purpose = `extendedKeyUsage=${options.purpose ?? 'critical,timeStamping'}\nkeyUsage=critical,digitalSignature\n`;
  issue('tsa', 'sub', options.key ?? ec, purpose, options.validity ?? twoDays);
  writeFileSync(file('serial'), '01\n');
  writeFileSync(
    file('ts.cnf'),
    `[tsa]
default_tsa = config
[config]
serial = ${file('serial')}
signer_cert = ${file('tsa.crt')}
certs = ${file('sub.crt')}
signer_key = ${file('tsa.key')}
signer_digest = ${options.digest ?? 'sha256'}
default_policy = 1.2.3.4.1
digests = sha256, sha384
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_chain = yes
ess_cert_id_alg = ${options.essDigest ?? 'sha256'}
`,
  );
  const read = (name: string) => readFileSync(file(name), 'utf8');
  let servers: Server[] = [];
  let count = 0;
  /** DER of a TimeStampResp for the DER of a TimeStampReq. */
  function reply(query: Uint8Array): Buffer {
    const id = `q${++count}`;
    writeFileSync(file(`${id}.tsq`), query);
    openssl('ts', '-reply', '-config', 'ts.cnf', '-section', 'config', '-queryfile', `${id}.tsq`, '-out', `${id}.tsr`);
    return readFileSync(file(`${id}.tsr`));
  }
  return {
    root: read('root.crt'),
    authority: read('sub.crt'),
    signer: read('tsa.crt'),
    reply,
    /** The query as openssl itself makes it. */
    query(digest: Uint8Array, ...args: string[]): Buffer {
      openssl('ts', '-query', '-digest', Buffer.from(digest).toString('hex'), '-sha256', ...args, '-out', 'own.tsq');
      return readFileSync(file('own.tsq'));
    },
    describeQuery(query: Uint8Array): string {
      writeFileSync(file('look.tsq'), query);
      return openssl('ts', '-query', '-in', 'look.tsq', '-text').toString();
    },
    /** The bare token of a response. */
    token(response: Uint8Array): Buffer {
      writeFileSync(file('look.tsr'), response);
      openssl('ts', '-reply', '-in', 'look.tsr', '-token_out', '-out', 'look.tst');
      return readFileSync(file('look.tst'));
    },
    /** A token over the TSTInfo by `openssl cms`, which asks for no purpose of the certificate. */
    sign(content: Uint8Array, attributes: readonly string[] = ['-cades']): Buffer {
      writeFileSync(file('info.der'), content);
      const by = ['-signer', 'tsa.crt', '-inkey', 'tsa.key', '-certfile', 'sub.crt', '-md', 'sha256', ...attributes];
      const how = ['-binary', '-nodetach', '-econtent_type', '1.2.840.113549.1.9.16.1.4', '-outform', 'DER'];
      openssl('cms', '-sign', '-in', 'info.der', ...how, ...by, '-out', 'info.tst');
      return readFileSync(file('info.tst'));
    },
    /** What `openssl ts -verify` says. */
    verifies(response: Uint8Array, digest: Uint8Array): boolean {
      writeFileSync(file('verify.tsr'), response);
      const what = ['-digest', Buffer.from(digest).toString('hex'), '-in', 'verify.tsr', '-CAfile', 'root.crt'];
      try {
        return openssl('ts', '-verify', ...what, '-untrusted', 'sub.crt').includes('Verification: OK');
      } catch {
        return false;
      }
    },
    /** PEM of a private authority that signs the certificate of the TSA's web server. */
    privateAuthority(name = 'webca'): string {
      openssl(
        'req',
        '-x509',
        ...ec,
        '-keyout',
        `${name}.key`,
        '-out',
        `${name}.crt`,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
      );
      return read(`${name}.crt`);
    },
    /** Listens on loopback; `answer` may replace what openssl would say. @param by the authority, for TLS. */
    async listen(
      answer: (query: Buffer) => { status?: number; type?: string; body: Uint8Array } = (q) => ({ body: reply(q) }),
      by?: string,
    ) {
      const listener: RequestListener = (request, response) => {
        const parts: Buffer[] = [];
        request.on('data', (part: Buffer) => parts.push(part));
        request.on('end', () => {
          const { status = 200, type = 'application/timestamp-reply', body } = answer(Buffer.concat(parts));
          response.writeHead(status, { 'content-type': type, location: '/elsewhere' }).end(body);
        });
      };
      if (by !== undefined) issue('web', by, ec, 'subjectAltName=IP:127.0.0.1\n', twoDays);
      const server =
        by === undefined
          ? createServer(listener)
          : createSecureServer({ cert: read('web.crt'), key: read('web.key') }, listener);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      servers.push(server);
      return `${by === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`;
    },
    async remove() {
      for (const server of servers) await new Promise((resolve) => server.close(resolve).closeAllConnections());
      servers = [];
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
