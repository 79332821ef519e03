import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ProviderConfig } from '../../contract/sign-in.ts';
import { makeSelfSigned } from '../../protocols/postgres/wire/self-signed.ts';
import { createOidcClient, type OidcClient } from './client.ts';

/** A provider that is not honest, or whose key another has: what it gives counts only if it verifies. */
const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
let server: Server;
let issuer: string;
let idToken: (nonce: string) => string;
let answer: { status: number; body: string; location?: string } | null;
let nonce = '';

const base64 = (value: object | Buffer | string) =>
  Buffer.from(value instanceof Buffer || typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  );
function token(header: object, claims: object, key: KeyObject | null = own.privateKey): string {
  const signed = `${base64(header)}.${base64(claims)}`;
  return `${signed}.${key === null ? '' : createSign('sha256').update(signed).sign(key, 'base64url')}`;
}
const seconds = () => Math.floor(Date.now() / 1000);
const claims = (more: object = {}) => ({
  iss: issuer,
  aud: 'client',
  sub: 'ada',
  nonce,
  iat: seconds(),
  exp: seconds() + 300,
  ...more,
});
const RS256 = { alg: 'RS256', kid: 'own' };

beforeAll(async () => {
  server = createServer((request, response) => {
    const json = (value: object) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    if (request.url === '/.well-known/openid-configuration') {
      json({
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
        authorization_response_iss_parameter_supported: true,
      });
    } else if (request.url === '/jwks') {
      json({ keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'RS256' }] });
    } else if (answer !== null)
      response.writeHead(answer.status, { location: answer.location ?? '/' }).end(answer.body);
    else json({ access_token: 'a', token_type: 'Bearer', id_token: idToken(nonce) });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  answer = null;
  idToken = () => token(RS256, claims());
});

const clientOf = (more: object = {}): OidcClient =>
  createOidcClient(ProviderConfig.parse({ id: 'acme', issuer, clientId: 'client', ...more }), null);

async function finish(client = clientOf(), change: (callback: URL) => void = () => {}) {
  const { checks } = await client.begin('http://127.0.0.1:1/callback');
  nonce = checks.nonce;
  const callback = new URL(
    `http://127.0.0.1:1/callback?code=c&state=${checks.state}&iss=${encodeURIComponent(issuer)}`,
  );
  change(callback);
  return client.finish(callback, checks);
}

it('takes what verifies', async () => {
  expect((await finish()).claims).toMatchObject({ sub: 'ada' });
});

it('takes clocks that differ by less than a minute', async () => {
  idToken = () => token(RS256, claims({ iat: seconds() - 330, exp: seconds() - 30 }));
  expect((await finish()).claims).toMatchObject({ sub: 'ada' });
  idToken = () => token(RS256, claims({ iat: seconds() + 30, nbf: seconds() + 30 }));
  expect((await finish()).claims).toMatchObject({ sub: 'ada' });
});

it('goes nowhere that the provider’s endpoints send it', async () => {
  const asked: string[] = [];
  const elsewhere = createServer((request, response) => {
    asked.push(request.url ?? '');
    response.end('{}');
  });
  await new Promise<void>((done) => elsewhere.listen(0, '127.0.0.1', done));
  answer = { status: 307, body: '', location: `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/token` };
  await expect(finish()).rejects.toThrow();
  expect(asked).toEqual([]);
  elsewhere.close();
});

it('believes a private authority where it is named, and only there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cs-oidc-ca-'));
  const names = ['127.0.0.1'];
  const { cert, key } = makeSelfSigned({ names, notBefore: new Date(0), days: 40_000, serial: new Uint8Array(16) });
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, cert);
  const secure = createSecureServer({ cert, key }, (_, response) => {
    const at = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify({
        issuer: at,
        authorization_endpoint: `${at}/authorize`,
        token_endpoint: `${at}/token`,
        jwks_uri: `${at}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256'],
      }),
    );
  });
  await new Promise<void>((done) => secure.listen(0, '127.0.0.1', done));
  const here = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  try {
    const { url } = await clientOf({ issuer: here, caFile }).begin('http://127.0.0.1:1/callback');
    expect(url).toContain(`${here}/authorize?`);
    await expect(clientOf({ issuer: here }).begin('http://127.0.0.1:1/callback')).rejects.toMatchObject({
      code: 'IDENTITY_UNREACHABLE',
    });
  } finally {
    secure.close();
    secure.closeAllConnections();
    rmSync(folder, { recursive: true, force: true });
  }
});

describe('refuses', () => {
  it.each<[string, () => string]>([
    ['a token that is not signed', () => token({ alg: 'none' }, claims(), null)],
    [
      'a token that is signed with the public key as a secret',
      () => {
        const signed = `${base64({ alg: 'HS256', kid: 'own' })}.${base64(claims())}`;
        const secret = own.publicKey.export({ format: 'pem', type: 'spki' });
        return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
      },
    ],
    ['a token of another key under the name of its own', () => token(RS256, claims(), other.privateKey)],
    ['a token of a key that it does not publish', () => token({ alg: 'RS256', kid: 'x' }, claims(), other.privateKey)],
    [
      'a token that brings its key along',
      () =>
        token(
          { ...RS256, kid: 'mine', jwk: other.publicKey.export({ format: 'jwk' }), jku: `${issuer}/mine` },
          claims(),
          other.privateKey,
        ),
    ],
    ['another issuer', () => token(RS256, claims({ iss: 'https://evil.example' }))],
    ['another audience', () => token(RS256, claims({ aud: 'another' }))],
    ['several audiences without a party', () => token(RS256, claims({ aud: ['client', 'another'] }))],
    ['another nonce', () => token(RS256, claims({ nonce: 'another' }))],
    ['no nonce', () => token(RS256, claims({ nonce: undefined }))],
    ['no subject', () => token(RS256, claims({ sub: undefined }))],
    ['a token that has ended', () => token(RS256, claims({ iat: seconds() - 900, exp: seconds() - 600 }))],
    ['a token of the future', () => token(RS256, claims({ nbf: seconds() + 900 }))],
    ['what is no token', () => 'a.b.c'],
    [
      'a changed payload',
      () => {
        const [header, , signature] = token(RS256, claims()).split('.');
        return [header, base64(claims({ sub: 'root' })), signature].join('.');
      },
    ],
  ])('%s', async (_, make) => {
    idToken = make;
    await expect(finish()).rejects.toMatchObject({ code: 'IDENTITY_REFUSED' });
  });

  it.each<[string, (callback: URL) => void]>([
    ['another state', (callback) => callback.searchParams.set('state', 'x')],
    ['no state', (callback) => callback.searchParams.delete('state')],
    ['an answer of another issuer', (callback) => callback.searchParams.set('iss', 'https://evil.example')],
    ['an answer that does not say of which issuer', (callback) => callback.searchParams.delete('iss')],
  ])('%s', async (_, change) => {
    await expect(finish(clientOf(), change)).rejects.toMatchObject({ code: 'IDENTITY_REFUSED' });
  });

  it('a discovery document that is of another issuer', async () => {
    await expect(clientOf({ issuer: `${issuer}/tenant` }).begin('http://127.0.0.1:1/callback')).rejects.toThrow();
  });
});

describe('a provider in trouble', () => {
  it.each([
    ['says so', 503, '{"error":"temporarily_unavailable"}'],
    ['answers with a page', 502, '<html>'],
    ['answers with nothing', 200, ''],
    ['never stops', 200, 'x'.repeat(2 * 1024 * 1024)],
  ])('that %s has refused nobody', async (_, status, body) => {
    answer = { status, body };
    await expect(finish()).rejects.toMatchObject({ code: 'IDENTITY_UNREACHABLE' });
  });

  it('is told by its address where there is none', async () => {
    const client = clientOf({ issuer: 'http://127.0.0.1:9' });
    await expect(client.begin('http://127.0.0.1:1/callback')).rejects.toMatchObject({
      code: 'IDENTITY_UNREACHABLE',
      message: expect.stringContaining('127.0.0.1:9'),
    });
  });
});
