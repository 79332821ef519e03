import { describe, expect, it } from 'vitest';
import { nodePrimitives as p } from '../../recording/primitives.ts';
import { deviceOrigin } from '../format/checkpoint.ts';
import type { Enrolment, TrustNote } from '../format/documents.ts';
import { signDocument } from '../format/signed-document.ts';
import { testSigner } from '../format/test-keys.ts';
import type { Signer } from '../format/vkey.ts';
import { DeviceKeys, type IdentityNote, type IdentityNotes } from './device-keys.ts';
import { always, chainOf, month, NOW, revokedIn, root, rootVkey, vkeyOf } from './test-trust.ts';
import { verifyTrust } from './verify-trust.ts';

const DEVICE = '01JABCDEFGHJKMNPQRSTVWXYZ0';
const device = testSigner(deviceOrigin(DEVICE));
const second = testSigner(deviceOrigin(DEVICE), 'second key');
const berlin = testSigner('countersign/authority/berlin');
const osaka = testSigner('countersign/authority/osaka');

const trustOf = (changes: readonly Partial<TrustNote>[], signers: readonly Signer[] = []) =>
  verifyTrust(p, rootVkey, chainOf(changes, signers), NOW);
const withBerlin = (changes: object = {}, more: Partial<TrustNote> = {}) =>
  trustOf([{ authorities: [{ ...always(), vkey: vkeyOf(berlin), ...changes }], ...more }]);

const note = (bytes: Uint8Array, seen: string | null = null): IdentityNote => ({ bytes, seen });
const read = (trust: ReturnType<typeof trustOf>, notes: Partial<IdentityNotes>) =>
  DeviceKeys.read(p, trust, DEVICE, { enrolments: [], bindings: [], changes: [], ...notes });

const enrolment = (signer: Signer, changes: Partial<Enrolment> = {}) =>
  signDocument(
    'enrolment',
    {
      v: 1,
      org: 'acme',
      device: DEVICE,
      vkey: vkeyOf(device),
      name: 'laptop-7',
      account: 'ada',
      protection: 'protected',
      ...{ from: month(1), until: '2028-01-01T00:00:00.000Z', by: 'admin' },
      ...changes,
    },
    [signer],
  );
const change = (old: Signer, next: Signer, signers = [old, next]) =>
  signDocument('key-change', { v: 1, device: DEVICE, old: vkeyOf(old), new: vkeyOf(next), at: month(4) }, signers);

describe('an enrolled device key', () => {
  it('is the device’s by the word of an authority that the root named', async () => {
    const keys = await read(withBerlin(), { enrolments: [note(enrolment(berlin))] });
    expect(keys.problems).toEqual([]);
    expect(keys.judge(device.vkey, null)).toMatchObject({ ok: true, by: 'enrolment' });
    expect(keys.judge(device.vkey, null).sentence).toContain('countersign/authority/berlin');
    expect(keys.judge(device.vkey, '2025-12-01T00:00:00.000Z').ok).toBe(false);
    expect(keys.judge(device.vkey, '2028-01-01T00:00:00.000Z').ok).toBe(false);
  });

  it('is nobody’s by the word of another, or none', async () => {
    const keys = await read(withBerlin(), { enrolments: [note(enrolment(osaka), month(2))] });
    expect(keys.problems[0]).toContain('signed by no authority');
    expect(keys.judge(device.vkey, month(2))).toMatchObject({ ok: false, sentence: expect.stringContaining('nobody') });
    const itself = await read(withBerlin(), { enrolments: [note(enrolment(device))] });
    expect(itself.known()).toEqual([]);
  });

  it('is not judged without a trust note', async () => {
    const keys = await read(verifyTrust(p, rootVkey, [], NOW), { enrolments: [note(enrolment(root))] });
    expect(keys.judge(device.vkey, null)).toMatchObject({
      ok: false,
      sentence: expect.stringContaining('without a trust note'),
    });
  });

  it('counts before its revocation and not after', async () => {
    const devices = [{ device: DEVICE, vkey: vkeyOf(device), revoked: { at: month(5), reason: 'lost' } }];
    const keys = await read(withBerlin({}, { devices }), { enrolments: [note(enrolment(berlin))] });
    expect(keys.judge(device.vkey, month(4)).ok).toBe(true);
    expect(keys.judge(device.vkey, month(5))).toMatchObject({ ok: false, sentence: expect.stringContaining('lost') });
    expect(keys.judge(device.vkey, null).ok).toBe(false);
  });

  it.each([
    ['another device', { device: '01JABCDEFGHJKMNPQRSTVWXYZ1' }],
    ['another organisation', { org: 'acne' }],
    ['a key of another device', { vkey: vkeyOf(testSigner('countersign/device/01JABCDEFGHJKMNPQRSTVWXYZ1')) }],
  ])('is refused for %s', async (_, changes) => {
    const keys = await read(withBerlin(), { enrolments: [note(enrolment(berlin, changes))] });
    expect(keys.known()).toEqual([]);
    expect(keys.problems).toHaveLength(1);
  });
});

describe('an authority', () => {
  it('that was revoked: what was seen before stays, what was not is refused', async () => {
    const trust = withBerlin(revokedIn(5));
    const before = await read(trust, { enrolments: [note(enrolment(berlin), month(4))] });
    expect(before.judge(device.vkey, null).ok).toBe(true);
    for (const seen of [month(5), null]) {
      const after = await read(trust, { enrolments: [note(enrolment(berlin), seen)] });
      expect(after.judge(device.vkey, month(2)).ok).toBe(false);
      expect(after.problems[0]).toContain('revoked');
    }
  });

  it('that was rotated: each enrols in its own time', async () => {
    const trust = trustOf([
      { authorities: [{ ...always({ until: month(6) }), vkey: vkeyOf(berlin) }] },
      {
        authorities: [
          { ...always({ until: month(6) }), vkey: vkeyOf(berlin) },
          { ...always({ from: month(6) }), vkey: vkeyOf(osaka) },
        ],
      },
    ]);
    const judge = async (signer: Signer, seen: string) =>
      (await read(trust, { enrolments: [note(enrolment(signer), seen)] })).judge(device.vkey, null).ok;
    expect(await judge(berlin, month(5))).toBe(true);
    expect(await judge(berlin, month(7))).toBe(false);
    expect(await judge(osaka, month(7))).toBe(true);
    expect(await judge(osaka, month(5))).toBe(false);
  });
});

describe('the root', () => {
  it('enrols too, until it is changed', async () => {
    const next = testSigner('countersign/org/acme', 'second root');
    const trust = trustOf([{}, {}, { root: vkeyOf(next) }, {}], [root, root, root, next]);
    const judge = async (signer: Signer, seen: string | null) =>
      (await read(trust, { enrolments: [note(enrolment(signer), seen)] })).judge(device.vkey, null).ok;
    expect(await judge(root, month(2))).toBe(true);
    expect(await judge(root, month(4))).toBe(false);
    expect(await judge(root, null)).toBe(false);
    expect(await judge(next, month(4))).toBe(true);
  });
});

describe('a change of the device’s key', () => {
  const enrolments = [note(enrolment(berlin), month(2))];
  const third = testSigner(deviceOrigin(DEVICE), 'third key');

  it('carries the enrolment over, in whatever order the files come', async () => {
    const changes = [note(change(second, third), month(5)), note(change(device, second), month(4))];
    const keys = await read(withBerlin(), { enrolments, changes });
    expect(keys.problems).toEqual([]);
    for (const { vkey } of [device, second, third]) expect(keys.judge(vkey, month(6)).ok).toBe(true);
    expect(keys.judge(third.vkey, null).sentence).toContain('it follows');
  });

  it('needs both keys', async () => {
    for (const signers of [[device], [second]]) {
      const keys = await read(withBerlin(), { enrolments, changes: [note(change(device, second, signers))] });
      expect(keys.judge(second.vkey, null).ok).toBe(false);
      expect(keys.problems[0]).toContain('both keys');
    }
  });

  it('by a key that was revoked does not count, and one seen before stays', async () => {
    const devices = [{ device: DEVICE, vkey: vkeyOf(device), revoked: { at: month(5), reason: 'stolen' } }];
    const judge = async (seen: string | null) => {
      const keys = await read(withBerlin({}, { devices }), {
        enrolments,
        changes: [note(change(device, second), seen)],
      });
      return keys.judge(second.vkey, null).ok;
    };
    expect(await judge(month(4))).toBe(true);
    expect(await judge(month(5))).toBe(false);
    expect(await judge(null)).toBe(false);
  });

  it('to two keys shows, and a circle ends', async () => {
    const changes = [change(device, second), change(device, third), change(third, device), change(second, third)];
    const keys = await read(withBerlin(), {
      enrolments,
      changes: [...changes, ...changes].map((bytes) => note(bytes)),
    });
    expect(keys.problems).toMatchObject([expect.stringContaining('handed over to 2 keys')]);
  });
});
