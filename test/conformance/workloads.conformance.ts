import { createHmac, createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestService, superuserConnection, type TestService } from '../support/service.ts';
import { eventually, runClient, setTestPin, startClient, TEST_PIN } from '../support/side-by-side.ts';

/** Services that log in to PostgreSQL with their provider's JWT as the password, with nobody signed in. */
const psql = component('psql');
const AUDIENCE = 'countersign:laptop-7';
const own = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });

const base64 = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
function jwt(header: object, claims: object, key: KeyObject | null = own.privateKey): string {
  const signed = `${base64(header)}.${base64(claims)}`;
  return `${signed}.${key === null ? '' : createSign('sha256').update(signed).sign(key, 'base64url')}`;
}
const RS256 = { alg: 'RS256', kid: 'own' };
const seconds = () => Math.floor(Date.now() / 1000);

describe.skipIf(psql.missing)('a workload (needs psql)', () => {
  let postgres: TestPostgres;
  let gateway: TestService;
  let server: Server;
  let issuer: string;
  const claims = (more: object = {}) => ({
    iss: issuer,
    aud: AUDIENCE,
    sub: 'ci/nightly-report',
    groups: ['reports'],
    iat: seconds(),
    exp: seconds() + 300,
    ...more,
  });

  beforeAll(async () => {
    server = createServer((request, response) => {
      const json = (value: object) => response.writeHead(200).end(JSON.stringify(value));
      if (request.url === '/.well-known/openid-configuration') json({ issuer, jwks_uri: `${issuer}/keys` });
      else json({ keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'own', use: 'sig', alg: 'RS256' }] });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    postgres = await startPostgres();
    gateway = await startTestService({
      connections: [superuserConnection(postgres), superuserConnection(postgres, { id: 'prod' })],
      policy: '@id("reports") permit (principal in Group::"reports", action == Action::"run", resource);\n',
    });
    await setTestPin(gateway);
    const workloads = { audience: AUDIENCE, connections: ['demo'] };
    const provider = { id: 'ci', issuer, clientId: 'none', workloads };
    await gateway.control.call('putProvider', { provider, pin: TEST_PIN });
  });
  afterAll(async () => {
    await gateway?.stop();
    await postgres?.stop();
    server?.close();
  });

  const env = (password: string, connection = 'demo'): NodeJS.ProcessEnv => ({
    ...process.env,
    PGHOST: gateway.service.postgres.host,
    PGPORT: String(gateway.service.postgres.port),
    PGUSER: connection,
    PGDATABASE: 'postgres',
    PGPASSWORD: password,
  });
  const query = async (password: string, connection?: string) =>
    (await runClient(psql.path, ['-X', '-A', '-t', '-c', "SELECT 'let in'"], env(password, connection))).out;

  it('is let in by its JWT, by its groups, and each session says what it is', async () => {
    const token = jwt(RS256, claims());
    expect(await query(token)).toContain('let in');
    expect(await query(token)).toContain('let in');
    const items = await eventually('both sessions', async () => {
      const found = (await gateway.control.call('sessions', {})).items;
      return found.length === 2 ? found : null;
    });
    expect(items.map(({ identity }) => identity)).toMatchObject(
      Array.from({ length: 2 }, () => ({
        subject: 'ci:ci/nightly-report',
        display: 'workload ci/nightly-report (JWT of ci)',
        kind: 'workload',
        verified: true,
        groups: ['reports'],
      })),
    );
    expect(await query(jwt(RS256, claims({ groups: ['others'] })))).toContain('No policy permits it');
  });

  it.each<[string, () => string, RegExp]>([
    ['that is not signed', () => jwt({ alg: 'none' }, claims(), null), /not taken/],
    [
      'that is signed with the public key as a secret',
      () => {
        const signed = `${base64({ alg: 'HS256', kid: 'own' })}.${base64(claims())}`;
        const secret = own.publicKey.export({ format: 'pem', type: 'spki' });
        return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
      },
      /algorithm/,
    ],
    ['of another key', () => jwt(RS256, claims(), other.privateKey), /no key of ci/],
    ['for another service', () => jwt(RS256, claims({ aud: 'https://billing.example' })), /"aud"/],
    ['of another issuer', () => jwt(RS256, claims({ iss: 'https://evil.example' })), /no provider/],
    ['that has ended', () => jwt(RS256, claims({ exp: seconds() - 120 })), /has ended/],
    ['that never ends', () => jwt(RS256, claims({ exp: undefined })), /"exp"/],
    ['that is not yet', () => jwt(RS256, claims({ nbf: seconds() + 900 })), /"nbf"/],
    ['without a subject', () => jwt(RS256, claims({ sub: undefined })), /"sub"/],
  ])('is refused with a JWT %s', async (_, make, why) => {
    const said = await query(make());
    expect(said).toMatch(why);
    expect(said).not.toContain('let in');
  });

  it('is refused where workloads may not go', async () => {
    expect(await query(jwt(RS256, claims()), 'prod')).toContain('may not use the connection prod');
  });

  it('is cut off when its JWT ends, and when the provider is taken away', async () => {
    const short = startClient(
      psql.path,
      ['-X', '-c', 'SELECT pg_sleep(60)'],
      env(jwt(RS256, claims({ exp: seconds() + 3, jti: 'short' }))),
    );
    expect((await short.ended).out).toContain('its JWT has ended');
    const open = startClient(psql.path, ['-X', '-c', 'SELECT pg_sleep(60)'], env(jwt(RS256, claims({ jti: 'x' }))));
    await eventually(
      'a session',
      async () => (await gateway.control.call('sessions', { state: 'open' })).items[0] ?? null,
    );
    await gateway.control.call('deleteProvider', { id: 'ci', pin: TEST_PIN });
    expect((await open.ended).out).toContain('configured anew');
    expect(await query(jwt(RS256, claims()))).toContain('no provider');
  });
});
