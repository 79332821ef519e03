import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadOrMakeCertificate, makeSelfSigned } from './self-signed.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cs-cert-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const DAY = 86_400_000;
const now = Date.UTC(2026, 0, 2, 3, 4, 5);

test('openssl reads it and finds what it should', async () => {
  const names = ['localhost', '127.0.0.1', '::1', 'fe80::1:2', 'db.example.org'];
  const { cert } = makeSelfSigned({ names, notBefore: new Date(now), days: 10, serial: new Uint8Array(16).fill(255) });
  const path = join(folder, 'one.crt');
  await writeFile(path, cert);
  const text = execFileSync('openssl', ['x509', '-in', path, '-noout', '-text'], { encoding: 'utf8' });
  expect(text).toContain('Version: 3 (0x2)');
  expect(text).toContain('Signature Algorithm: ecdsa-with-SHA256');
  expect(text).toContain('ASN1 OID: prime256v1');
  expect(text).toContain('Subject: CN = localhost');
  expect(text).toContain('Not Before: Jan  2 03:04:05 2026 GMT');
  expect(text).toContain('Not After : Jan 12 03:04:05 2026 GMT');
  expect(text).toContain(
    'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:FE80:0:0:0:0:0:1:2, DNS:db.example.org',
  );
  expect(text).toContain('CA:FALSE');
  expect(text).toContain('Digital Signature');
  expect(text).toContain('TLS Web Server Authentication');
  const moment = ['-attime', String(now / 1000 + 60)];
  expect(
    execFileSync('openssl', ['verify', ...moment, '-x509_strict', '-CAfile', path, path], { encoding: 'utf8' }),
  ).toContain('OK');
});

test('is made once, readable by its owner alone, and anew before it ends', async () => {
  const own = join(folder, 'tls');
  const first = await loadOrMakeCertificate(own, now);
  for (const name of ['gateway.crt', 'gateway.key']) {
    expect((await stat(join(own, name))).mode & 0o777).toBe(0o600);
  }
  expect(await loadOrMakeCertificate(own, now + 700 * DAY)).toEqual(first);
  const second = await loadOrMakeCertificate(own, now + 780 * DAY);
  expect(second.cert).not.toBe(first.cert);
  const certificate = new X509Certificate(second.cert);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.checkHost('localhost')).toBe('localhost');
  expect(certificate.checkIP('::1')).toBe('::1');
});
