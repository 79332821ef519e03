import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Identity } from '../../contract/identity.ts';
import { type ListedPasskey, Passkeys } from './passkeys.ts';
import { createPasskeyStore } from './store.ts';
import { TestAuthenticator, type Wrong } from './test-authenticator.ts';

const ORIGIN = 'http://localhost:7716';
const DIGEST = 'a'.repeat(64);
const ada: Identity = { subject: 'local:ada', display: 'Ada', kind: 'local', verified: false, groups: [] };

let folder: string;
let now: number;
let person: Identity;
let signedInAt: number | null;
let listed: ListedPasskey[] | null;
let origin: string | null;
let passkeys: Passkeys;
let authenticator: TestAuthenticator;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cs-passkeys-'));
  now = Date.parse('2026-01-05T12:00:00Z');
  [person, signedInAt, listed, origin] = [ada, null, null, ORIGIN];
  authenticator = new TestAuthenticator(ORIGIN);
  passkeys = open();
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'passkeys.json');
const open = () =>
  new Passkeys({
    store: createPasskeyStore(file()),
    clock: { now: () => now },
    randomBytes,
    person: () => person,
    signedInAt: () => signedInAt,
    listed: () => listed,
    origin: () => origin,
  });

const add = (name = 'Laptop', wrong?: Wrong) =>
  passkeys.finish(authenticator.register(passkeys.begin(name).challenge, wrong));
const approve = (wrong?: Wrong) =>
  passkeys.prove('r1', DIGEST, authenticator.assert(passkeys.request('r1', DIGEST).challenge, wrong));
const refused = (why: string) => ({ code: 'PASSKEY_REFUSED', message: expect.stringContaining(why) });

describe('a passkey', () => {
  it('is made, kept, and approves one operation', async () => {
    expect(passkeys.missing()).toContain('has no passkey');
    expect(await add()).toMatchObject({
      credentialId: authenticator.credentialId,
      publicKey: authenticator.publicKey,
      algorithm: -7,
      person: 'Ada',
      name: 'Laptop',
      standing: 'local',
    });
    passkeys = open();
    expect(passkeys.missing()).toBeNull();
    const request = passkeys.request('r1', DIGEST);
    expect(request.allowCredentials).toEqual([{ type: 'public-key', id: authenticator.credentialId }]);
    const assertion = authenticator.assert(request.challenge);
    const proof = await passkeys.prove('r1', DIGEST, assertion);
    expect(proof).toMatchObject({ ...assertion, origin: ORIGIN, rpId: 'localhost' });
    await expect(passkeys.prove('r1', DIGEST, assertion)).rejects.toMatchObject(refused('was answered'));
  });

  it('counts for its own person alone', async () => {
    await add();
    person = { ...ada, subject: 'local:bob', display: 'Bob' };
    expect(passkeys.list().items).toEqual([]);
    expect(() => passkeys.request('r1', DIGEST)).toThrow('Bob has no passkey');
  });

  it('is removed', async () => {
    await add();
    passkeys.remove(authenticator.credentialId);
    expect(passkeys.list()).toMatchObject({ items: [], missing: expect.stringContaining('has no passkey') });
    expect(() => passkeys.remove(authenticator.credentialId)).toThrow('No such passkey');
  });

  it('counts in an organisation only once its trust note lists it', async () => {
    listed = [];
    expect(await add()).toMatchObject({ standing: 'unlisted' });
    expect(passkeys.missing()).toContain('trust note');
    expect(() => passkeys.request('r1', DIGEST)).toThrow('trust note');
    const { credentialId, publicKey } = authenticator;
    listed = [{ person: 'Ada', credentialId, publicKey, rpId: 'localhost' }];
    expect(passkeys.list().items[0]).toMatchObject({ standing: 'listed' });
    expect(await approve()).toMatchObject({ credentialId });
    listed = [{ person: 'Bob', credentialId, publicKey, rpId: 'localhost' }];
    expect(() => passkeys.request('r1', DIGEST)).toThrow('trust note');
  });

  it('is added under a fresh sign-in only', () => {
    signedInAt = now - 11 * 60_000;
    expect(() => passkeys.begin('Laptop')).toThrow('within ten minutes');
    signedInAt = now - 60_000;
    expect(passkeys.begin('Laptop').rp).toEqual({ id: 'localhost', name: 'Countersign' });
  });

  it('cannot be used where localhost is not the gateway’s', async () => {
    await add();
    origin = null;
    expect(passkeys.missing()).toContain('localhost');
    expect(() => passkeys.request('r1', DIGEST)).toThrow('another program listens');
    expect(() => passkeys.begin('x')).toThrow('another program listens');
  });

  it('is not lost to a change from outside', async () => {
    await add();
    writeFileSync(file(), readFileSync(file(), 'utf8').replace('Laptop', 'Agent'));
    expect(() => passkeys.remove(authenticator.credentialId)).toThrow('changed outside');
  });
});

describe('an assertion is refused', () => {
  beforeEach(() => add());

  it.each<[string, Wrong, string]>([
    ['from another port of localhost', { origin: 'http://localhost:3000' }, 'origin'],
    ['from the address instead of the name', { origin: 'http://127.0.0.1:7716' }, 'origin'],
    ['from a page inside of another', { crossOrigin: true }, 'inside of another page'],
    ['for another site', { rpId: 'example.com' }, 'RP ID'],
    ['without the user being verified', { flags: 0x01 }, 'could not be verified'],
    ['without the user being present', { flags: 0x04 }, 'not present'],
    ['that makes a key', { type: 'webauthn.create' }, 'type'],
  ])('%s', async (_, wrong, why) => {
    await expect(approve(wrong)).rejects.toMatchObject(refused(why));
  });

  it('for another operation, or another request', async () => {
    const { challenge } = passkeys.request('r1', DIGEST);
    await expect(passkeys.prove('r1', 'b'.repeat(64), authenticator.assert(challenge))).rejects.toMatchObject(
      refused('another request'),
    );
    const again = passkeys.request('r1', DIGEST);
    await expect(passkeys.prove('r2', DIGEST, authenticator.assert(again.challenge))).rejects.toMatchObject(
      refused('another request'),
    );
  });

  it('for a challenge that the gateway did not make, or too late', async () => {
    const made = authenticator.assert(randomBytes(32).toString('base64url'));
    await expect(passkeys.prove('r1', DIGEST, made)).rejects.toMatchObject(refused('no question'));
    const { challenge } = passkeys.request('r1', DIGEST);
    now += 5 * 60_000;
    await expect(passkeys.prove('r1', DIGEST, authenticator.assert(challenge))).rejects.toMatchObject(refused('older'));
  });

  it('by another key, by a changed signature, or of nonsense', async () => {
    const other = new TestAuthenticator(ORIGIN);
    const ask = () => passkeys.request('r1', DIGEST).challenge;
    await expect(passkeys.prove('r1', DIGEST, other.assert(ask()))).rejects.toMatchObject(refused('does not count'));
    const { credentialId } = authenticator;
    const forged = { ...other.assert(ask()), credentialId };
    await expect(passkeys.prove('r1', DIGEST, forged)).rejects.toMatchObject(refused('signature'));
    const nonsense = { ...authenticator.assert(ask()), authenticatorData: 'AAAA' };
    await expect(passkeys.prove('r1', DIGEST, nonsense)).rejects.toMatchObject(refused(''));
    const broken = { ...authenticator.assert(ask()), clientDataJSON: 'AAAA' };
    await expect(passkeys.prove('r1', DIGEST, broken)).rejects.toMatchObject(refused('no question'));
  });

  it('when too many challenges came after it', async () => {
    const { challenge } = passkeys.request('r1', DIGEST);
    for (let n = 0; n < 256; n += 1) passkeys.request('r1', DIGEST);
    await expect(passkeys.prove('r1', DIGEST, authenticator.assert(challenge))).rejects.toMatchObject(refused(''));
    expect(await approve()).toMatchObject({ origin: ORIGIN });
  });
});

describe('a new passkey is refused', () => {
  it.each<[string, Wrong, string]>([
    ['from another port of localhost', { origin: 'http://localhost:3000' }, 'origin'],
    ['for another site', { rpId: 'example.com' }, 'RP ID'],
    ['without the user being verified', { flags: 0x01 }, 'verified'],
  ])('%s', async (_, wrong, why) => {
    await expect(add('Laptop', wrong)).rejects.toMatchObject(refused(why));
    expect(passkeys.list().items).toEqual([]);
  });

  it('without a question, and for somebody else than was asked', async () => {
    const made = authenticator.register(randomBytes(32).toString('base64url'));
    await expect(passkeys.finish(made)).rejects.toMatchObject(refused('no question'));
    const { challenge } = passkeys.begin('Laptop');
    person = { ...ada, subject: 'local:bob' };
    await expect(passkeys.finish(authenticator.register(challenge))).rejects.toMatchObject(refused('no question'));
  });
});
