import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import type { Keyring } from '../../vault/keyring.ts';
import { isCheckpointOf, parseCheckpoint } from '../format/checkpoint.ts';
import type { LogEntry } from '../format/log-entries.ts';
import { parseDocument, signDocument } from '../format/signed-document.ts';
import { isSignedBy } from '../format/signed-note.ts';
import { testSigner } from '../format/test-keys.ts';
import { parseVkey } from '../format/vkey.ts';
import { DeviceKeys } from '../trust/device-keys.ts';
import { always, chainOf, firstNote, root, rootVkey, signedNote, vkeyOf } from '../trust/test-trust.ts';
import { type Device, openDevice } from './device.ts';
import { acceptEnrolment, askEnrolment, bindByToken, nonceOf, takeTrust } from './membership.ts';

const DEVICE = '01JAAAAAAAAAAAAAAAAAAAAAAA';
const START = Date.UTC(2026, 5, 1);
const authority = testSigner('countersign/authority/helpdesk');

let home: string;
let now: number;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'device-'));
  now = START;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function testKeyring(backend = 'test'): { keyring: Keyring; secrets: Map<string, string> } {
  const secrets = new Map<string, string>();
  const keyring: Keyring = {
    backend,
    read: async (id) => secrets.get(id) ?? null,
    write: async (id, secret) => void secrets.set(id, secret),
    remove: async (id) => void secrets.delete(id),
  };
  return { keyring, secrets };
}

interface Given {
  protection?: 'protected' | 'unprotected';
  keyring?: Keyring | null;
  passphrase?: string | null;
}

const open = (given: Given = {}): Promise<Device> =>
  openDevice({
    places: {
      home,
      protection: given.protection ?? 'unprotected',
      keyring: async () => given.keyring ?? null,
      passphrase: async () => given.passphrase ?? null,
    },
    clock: { now: () => now },
    version: '1.0.0',
    name: 'laptop',
    account: 'ada',
    newId: () => DEVICE,
  });

const entriesOf = async ({ log }: Device): Promise<LogEntry[]> =>
  Array.fromAsync(log.entries(0), (bytes) => JSON.parse(Buffer.from(bytes).toString()) as LogEntry);

const note = () => signedNote(firstNote({ authorities: [{ ...always(), vkey: vkeyOf(authority) }] }));

function enrolmentFor(request: Uint8Array, changes: Record<string, unknown> = {}, signer = authority): Uint8Array {
  const { org, device, vkey, name, account, protection } = parseDocument('enrolment-request', request).value;
  const { from, until } = always();
  const value = { v: 1, org, device, vkey, name, account, protection, from, until, by: 'helpdesk', ...changes };
  return signDocument('enrolment', value as never, [signer]);
}

describe('a device of no organisation', () => {
  it('begins its log at the first start, with a key that only its user can read', async () => {
    const device = await open();
    expect(await entriesOf(device)).toMatchObject([
      { n: 0, type: 'device', device: DEVICE, org: null, vkey: device.key.vkey, name: 'laptop', account: 'ada' },
    ]);
    expect(device.status()).toMatchObject({ id: DEVICE, org: null, size: 1, problem: null });
    expect(device.log.org).toBeNull();
    await device.close();
    const [key] = readdirSync(join(home, 'device', 'keys'));
    expect(statSync(join(home, 'device', 'keys', key!)).mode & 0o777).toBe(0o600);
    const again = await open();
    expect(again.key).toEqual(device.key);
    expect(await entriesOf(again)).toHaveLength(1);
    await again.close();
  });

  it('is missed when its file or its log is taken away', async () => {
    await (await open()).close();
    const file = join(home, 'device', 'device.json');
    const kept = readFileSync(file);
    rmSync(file);
    await expect(open()).rejects.toMatchObject({ code: 'DEVICE_BROKEN' });
    writeFileSync(file, '{');
    await expect(open()).rejects.toMatchObject({ code: 'DEVICE_BROKEN' });
    writeFileSync(file, kept);
    rmSync(join(home, 'device', 'log'), { recursive: true });
    const device = await open();
    expect(device.status().problem).toMatch(/its checkpoints are gone/);
    await device.close();
  });

  it('does not use a key that others can read, or another one', async () => {
    await (await open()).close();
    const [name] = readdirSync(join(home, 'device', 'keys'));
    const key = join(home, 'device', 'keys', name!);
    chmodSync(key, 0o644);
    await expect(open()).rejects.toMatchObject({ code: 'DEVICE_KEY_OPEN' });
    rmSync(key);
    await expect(open()).rejects.toMatchObject({ code: 'KEY_NOT_READ' });
  });
});

describe('where an organisation’s key lies', () => {
  it('is the keyring of the desktop, and nothing of it is on the disk', async () => {
    const { keyring, secrets } = testKeyring();
    const device = await open({ keyring });
    await askEnrolment(device, rootVkey);
    expect(device.key.store).toBe('keyring');
    expect(secrets.size).toBe(1);
    expect(readdirSync(join(home, 'device', 'keys'))).toEqual([]);
    await device.close();
    await expect(open()).rejects.toMatchObject({ code: 'DEVICE_KEY_LOCKED' });
    const again = await open({ keyring });
    await again.log.append({ type: 'stopped', reason: '' });
    expect(isCheckpointOf(p, parseCheckpoint(again.log.checkpoint!.note), parseVkey(p.sha256, again.key.vkey))).toBe(
      true,
    );
    await again.close();
  });

  it('is never a keyring that only pretends', async () => {
    const { keyring, secrets } = testKeyring('basic_text');
    const device = await open({ keyring });
    await expect(askEnrolment(device, rootVkey)).rejects.toThrow(
      /only pretends \(basic_text\).*every program can read/,
    );
    expect([secrets.size, device.key.store]).toEqual([0, 'file']);
    await device.close();
    const forgetful: Keyring = { ...keyring, backend: 'test', write: async () => {} };
    const other = await open({ keyring: forgetful });
    await expect(askEnrolment(other, rootVkey)).rejects.toMatchObject({ code: 'DEVICE_KEY_NOWHERE' });
    await other.close();
  });

  it('is nowhere without a keyring, an own OS user or a passphrase', async () => {
    const device = await open();
    await expect(askEnrolment(device, rootVkey)).rejects.toThrow(/there is no keyring that answers.*--passphrase-file/);
    await device.close();
  });

  it('is a file under a passphrase on a host without a keyring, which is asked for at each start', async () => {
    const device = await open({ passphrase: 'correct horse battery' });
    await askEnrolment(device, rootVkey);
    expect(device.key.store).toBe('passphrase');
    await device.close();
    const [name] = readdirSync(join(home, 'device', 'keys'));
    expect(readFileSync(join(home, 'device', 'keys', name!), 'utf8')).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY/);
    await expect(open()).rejects.toMatchObject({ code: 'DEVICE_KEY_LOCKED' });
    await expect(open({ passphrase: 'wrong' })).rejects.toMatchObject({ code: 'KEY_PASSPHRASE' });
    await (await open({ passphrase: 'correct horse battery' })).close();
  });

  it('is a file where the gateway has an OS user of its own: the key from the first start stays', async () => {
    const device = await open({ protection: 'protected' });
    const before = device.key;
    await askEnrolment(device, rootVkey);
    expect(device.key).toEqual(before);
    await device.close();
  });
});

describe('joining an organisation', () => {
  const asking = { protection: 'protected' } as const;

  it('takes the authority’s answer, judged from the root’s key alone', async () => {
    const device = await open(asking);
    const request = await askEnrolment(device, rootVkey);
    const { note: signed, value } = parseDocument('enrolment-request', request);
    expect(value).toMatchObject({ org: 'acme', device: DEVICE, vkey: device.key.vkey, name: 'laptop', account: 'ada' });
    expect(isSignedBy(p, signed, device.signer.vkey)).toBe(true);
    let told = 0;
    device.onChanged(() => {
      told += 1;
    });
    await takeTrust(device, [note()]);
    await acceptEnrolment(device, enrolmentFor(request));
    expect(device.status().org).toBe('acme');
    expect(device.log.org).toBe('acme');
    expect(told).toBe(2);
    expect((await entriesOf(device)).slice(1)).toMatchObject([
      { type: 'trust', at: 1 },
      { type: 'identity', kind: 'enrolment' },
      { type: 'enrolled', org: 'acme' },
    ]);
    expect((await device.identityObjects()).map(({ name }) => name)).toEqual([
      expect.stringMatching(/^[0-9a-f]{8}\.note$/),
    ]);
    await device.close();
    const again = await open(asking);
    expect([again.file.org, again.trust?.note?.n]).toEqual(['acme', 1]);
    await again.close();
  });

  it('takes nothing that does not come from the root that a person named', async () => {
    const device = await open(asking);
    const request = await askEnrolment(device, rootVkey);
    const mallory = testSigner('countersign/org/acme', 'mallory');
    await expect(acceptEnrolment(device, enrolmentFor(request))).rejects.toThrow('no trust note');
    await expect(takeTrust(device, [signedNote(firstNote(), mallory)])).rejects.toMatchObject({
      code: 'TRUST_NOTE_REFUSED',
    });
    await takeTrust(device, [note()]);
    const other = { vkey: vkeyOf(testSigner(`countersign/device/${DEVICE}`, 'other')) };
    const refused: [Uint8Array, string][] = [
      [enrolmentFor(request, {}, testSigner('countersign/authority/helpdesk', 'mallory')), 'signed by no authority'],
      [enrolmentFor(request, other), 'a key that this one does not use'],
      [enrolmentFor(request, { until: '2026-02-01T00:00:00.000Z' }), 'ended on 2026-02-01'],
      [request, 'another kind'],
      [Buffer.from('nothing'), 'does not end with signatures'],
    ];
    for (const [bytes, why] of refused) await expect(acceptEnrolment(device, bytes)).rejects.toThrow(why);
    expect(device.status().org).toBeNull();
    await expect(askEnrolment(device, 'countersign/org/acme+00000000+AAAA')).rejects.toMatchObject({
      code: 'TRUST_ROOT',
    });
    await device.close();
  });

  it('is for one organisation', async () => {
    const device = await open(asking);
    const request = await askEnrolment(device, rootVkey);
    await takeTrust(device, [note()]);
    await acceptEnrolment(device, enrolmentFor(request, {}, root));
    const globex = testSigner('countersign/org/globex');
    await expect(askEnrolment(device, vkeyOf(globex))).rejects.toMatchObject({ code: 'DEVICE_ENROLLED' });
    await askEnrolment(device, rootVkey);
    expect(device.file.org).toBe('acme');
    await device.close();
  });

  it('by rule asks for a token whose nonce is the key’s, and stays the same while it is under way', async () => {
    const device = await open(asking);
    expect(() => nonceOf(device)).toThrow('device enrol');
    await askEnrolment(device, rootVkey);
    const nonce = nonceOf(device);
    await askEnrolment(device, rootVkey);
    expect(nonceOf(device)).toBe(nonce);
    expect(nonce).toMatch(/^[A-Za-z0-9_-]{43}$/);
    await takeTrust(device, [note()]);
    await expect(bindByToken(device, 'not a token')).rejects.toMatchObject({ code: 'ENROLMENT_REFUSED' });
    await device.close();
  });

  it('takes later trust notes, in any order, and no roll-back of them', async () => {
    const device = await open(asking);
    await askEnrolment(device, rootVkey);
    const [first, second, third] = chainOf([{}, {}, { quorum: 0 }]) as [Uint8Array, Uint8Array, Uint8Array];
    await takeTrust(device, [third, first, second]);
    await takeTrust(device, [first]);
    expect(device.trust?.note?.n).toBe(3);
    const fork = signedNote(firstNote({ n: 3, prev: '', validUntil: '2026-12-01T00:00:00.000Z' }));
    await expect(takeTrust(device, [fork])).rejects.toMatchObject({ code: 'TRUST_NOTE_REFUSED' });
    expect((await entriesOf(device)).filter(({ type }) => type === 'trust')).toMatchObject([{ at: 3 }]);
    await device.close();
  });
});

describe('another key', () => {
  async function enrolled(given: Given): Promise<Device> {
    const device = await open(given);
    const request = await askEnrolment(device, rootVkey);
    await takeTrust(device, [note()]);
    await acceptEnrolment(device, enrolmentFor(request));
    return device;
  }

  const judged = async (device: Device, vkey: string) => {
    const objects = await device.identityObjects();
    const of = (end: RegExp) =>
      objects.filter(({ name }) => end.test(name)).map(({ bytes }) => ({ bytes, seen: null }));
    const keys = await DeviceKeys.read(p, device.trust!, DEVICE, {
      enrolments: of(/^[0-9a-f]{8}\.note$/),
      bindings: of(/\.oidc\.note$/),
      changes: of(/\.change\.note$/),
    });
    return { verdict: keys.judge(parseVkey(p.sha256, vkey), null), problems: keys.problems };
  };

  it('takes over the enrolment, signs from then on, and the old one is gone', async () => {
    const { keyring, secrets } = testKeyring();
    const device = await enrolled({ keyring });
    const old = device.key;
    now += 1000;
    await device.rotateKey();
    await device.log.append({ type: 'stopped', reason: '' });
    expect(device.key.vkey).not.toBe(old.vkey);
    expect(secrets.size).toBe(1);
    expect(await judged(device, device.key.vkey)).toMatchObject({ verdict: { ok: true }, problems: [] });
    expect(isCheckpointOf(p, parseCheckpoint(device.log.checkpoint!.note), device.signer.vkey)).toBe(true);
    expect((await entriesOf(device)).slice(-3)).toMatchObject([
      { type: 'identity', kind: 'key-change' },
      { type: 'key', vkey: device.key.vkey },
      { type: 'stopped' },
    ]);
    await device.close();
    const again = await open({ keyring });
    expect([again.key, again.status().problem]).toEqual([device.key, null]);
    await again.close();
  });

  it('is finished after a crash where the log has it, and forgotten where it does not', async () => {
    const given = { protection: 'protected' } as const;
    const device = await enrolled(given);
    const old = device.key;
    const file = join(home, 'device', 'device.json');
    const before = readFileSync(file);
    const oldKey = join(home, 'device', 'keys', readdirSync(join(home, 'device', 'keys'))[0]!);
    const oldPem = readFileSync(oldKey);
    await device.rotateKey();
    const { key } = device;
    await device.close();
    // As it was after the log had the entry and before device.json did.
    writeFileSync(file, JSON.stringify({ ...(JSON.parse(before.toString()) as object), next: key }));
    writeFileSync(oldKey, oldPem, { mode: 0o600 });
    rmSync(
      join(
        home,
        'device',
        'identity',
        readdirSync(join(home, 'device', 'identity')).find((name) => name.includes('change'))!,
      ),
    );
    const finished = await open(given);
    expect(finished.key).toEqual(key);
    expect(existsSync(oldKey)).toBe(false);
    expect(await judged(finished, key.vkey)).toMatchObject({ verdict: { ok: true }, problems: [] });
    // As it was before the log had an entry of yet another key.
    finished.save({ next: { ...old, from: key.from } });
    await finished.close();
    const forgot = await open(given);
    expect([forgot.key, forgot.file.next]).toEqual([key, null]);
    await forgot.close();
  });
});
