import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceOrigin } from '../evidence/format/checkpoint.ts';
import type { EnrolmentRequest } from '../evidence/format/documents.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { formatVkey, type Signer } from '../evidence/format/vkey.ts';
import { DeviceKeys } from '../evidence/trust/device-keys.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { runCommand } from './test-cli.ts';
import { createTrustFolder, day, PASSPHRASE, type TestFolder } from './test-trust-folder.ts';

let org: TestFolder;
beforeAll(async () => {
  org = await createTrustFolder();
});
afterAll(() => org.remove());

const vkeyOf = (signer: Signer) => formatVkey(signer.vkey);

const REQUESTS = 500;
const device = (n: number) => `01JABCDEFGHJKMNPQRSTVW${String(n).padStart(4, '0')}`;
const request = (n: number, signer = testSigner(deviceOrigin(device(n))), changes: Partial<EnrolmentRequest> = {}) =>
  signDocument(
    'enrolment-request',
    {
      v: 1,
      org: 'acme',
      device: device(n),
      vkey: vkeyOf(signer),
      name: `laptop-${n}`,
      account: `user${n}`,
      protection: 'protected',
      at: day(0),
      ...changes,
    },
    [signer],
  );

// As many as these take longer where everything else is tested at the same time.
describe('500 laptops', { timeout: 120_000 }, () => {
  const authority = () => org.at('berlin.key');
  const store = () => org.at('store');
  const enrol = (from: string, ...more: string[]) =>
    runCommand([
      'trust',
      'enrol',
      from,
      '--key',
      authority(),
      '--trust',
      org.folder,
      '--to',
      store(),
      '--passphrase-file',
      org.secret,
      '--yes',
      ...more,
    ]);
  const judge = async (n: number, seen: string | null) => {
    const identity = join(store(), 'acme', device(n), 'identity');
    const enrolments = readdirSync(identity).map((name) => ({ bytes: readFileSync(join(identity, name)), seen }));
    const keys = await DeviceKeys.read(p, org.trust(), device(n), { enrolments, bindings: [], changes: [] });
    return keys.judge(testSigner(deviceOrigin(device(n))).vkey, null);
  };
  const requests = () => org.at('requests');

  beforeAll(() => {
    mkdirSync(requests());
    for (let n = 0; n < REQUESTS; n += 1) writeFileSync(join(requests(), `${n}.request`), request(n));
  });

  it('are not enrolled by an authority that the root does not name', async () => {
    const made = await runCommand(['trust', 'authority', 'create', 'berlin', '--to', authority()], {
      typed: [PASSPHRASE, PASSPHRASE],
    });
    expect(made.out).toMatch(/^countersign\/authority\/berlin\+/);
    expect((await enrol(requests())).notes).toContain('lets countersign/authority/berlin');
    expect((await org.next('authority', 'add', `${authority()}.pub`)).notes).toContain(
      'adds authority countersign/authority/berlin',
    );
  });

  it('are enrolled at once', async () => {
    const done = await enrol(requests());
    expect(done).toMatchObject({ code: 0, out: '500 enrolled, 0 were already, 0 refused' });
    expect(done.notes).toContain('500 to enrol, 0 refused');
    expect(done.notes).toContain('400 of 500');
    expect((await judge(7, null)).sentence).toContain('countersign/authority/berlin');
  });

  it('are enrolled again only if they were not', async () => {
    rmSync(join(store(), 'acme', device(3)), { recursive: true });
    expect((await enrol(requests())).out).toBe('1 enrolled, 499 were already, 0 refused');
  });

  it('are told from what is no request, and from two that say they are one device', async () => {
    const other = org.at('other-requests');
    mkdirSync(other);
    const thief = testSigner(deviceOrigin(device(900)), 'thief');
    const files: Record<string, Uint8Array> = {
      hello: Buffer.from('hello'),
      long: Buffer.alloc(100_000, 'x'),
      org: request(901, undefined, { org: 'acne' }),
      forged: Buffer.from(Buffer.from(request(902)).toString().replace('laptop-902', 'laptop-903')),
      '\u001b[2Jname': request(903, testSigner(deviceOrigin(device(904)))),
      one: request(900),
      two: request(900, thief),
      good: request(905, undefined, { protection: 'unprotected' }),
    };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(other, name), bytes);
    const { out, notes, code } = await enrol(other);
    expect({ out, code }).toEqual({ out: '1 enrolled, 0 were already, 7 refused', code: 1 });
    expect(notes).toContain('1 of them unprotected');
    expect(notes).not.toContain('\u001b');
    for (const why of [
      'not UTF-8|does not end with',
      'the organisation acne',
      'not signed by the key',
      'not of its device',
      'each with another key',
    ]) {
      expect(notes).toMatch(new RegExp(why));
    }
  });

  it('are not overwritten by what somebody put in their place', async () => {
    const lone = org.at('lone.request', Buffer.from(request(910)).toString());
    await enrol(lone);
    const [file] = readdirSync(join(store(), 'acme', device(910), 'identity'));
    writeFileSync(join(store(), 'acme', device(910), 'identity', file!), 'something else');
    expect(await enrol(lone)).toMatchObject({ code: 1, out: '0 enrolled, 0 were already, 1 refused' });
  });

  it('get no second key while one counts, but for a change that both keys signed', async () => {
    const old = testSigner(deviceOrigin(device(20)));
    const young = testSigner(deviceOrigin(device(20)), 'young');
    const again = org.at('again.request', Buffer.from(request(20, young)).toString());
    expect((await enrol(again)).notes).toContain('if that is lost, revoke it first');
    const identity = join(store(), 'acme', device(20), 'identity');
    const [first] = readdirSync(identity);
    const change = { v: 1, device: device(20), old: vkeyOf(old), new: vkeyOf(young), at: day(0) } as const;
    writeFileSync(join(identity, 'x.change.note'), signDocument('key-change', change, [old, young]));
    expect((await enrol(again)).out).toBe('1 enrolled, 0 were already, 0 refused');
    const lost = await org.next(
      'device',
      'revoke',
      device(20),
      join(identity, first!),
      join(identity, 'x.change.note'),
      '--reason',
      'lost',
    );
    expect(lost.notes).toContain('revokes device key');
    expect(
      org
        .state()
        .devices.map(({ vkey }) => vkey)
        .sort(),
    ).toEqual([vkeyOf(old), vkeyOf(young)].sort());
    const third = org.at(
      'third.request',
      Buffer.from(request(20, testSigner(deviceOrigin(device(20)), 'third'))).toString(),
    );
    expect((await enrol(again)).notes).toContain('the key that it asks for was revoked');
    expect((await enrol(third)).out).toBe('1 enrolled, 0 were already, 0 refused');
  });

  it('lose nothing when the authority is revoked, and gain nothing', async () => {
    await org.next('authority', 'revoke', 'berlin', '--reason', 'stolen');
    expect((await judge(7, day(-2))).ok).toBe(false); // before its beginning
    const [entry] = org.state().authorities;
    expect((await judge(7, entry!.from)).ok).toBe(true);
    expect((await judge(7, entry!.revoked!.at)).ok).toBe(false);
    expect((await judge(7, null)).ok).toBe(false);
    expect((await enrol(requests())).notes).toContain('may not enrol devices: it was revoked');
  });

  it('are taken back one by one', async () => {
    const vkey = vkeyOf(testSigner(deviceOrigin(device(7))));
    expect((await org.next('device', 'revoke', device(7), vkey, '--reason', 'lost')).notes).toContain(
      'revokes device key',
    );
    expect(org.state().devices.at(-1)).toMatchObject({ device: device(7), vkey });
    expect((await org.next('device', 'revoke', device(7), vkey, '--reason', 'lost')).notes).toContain(
      'revoked already',
    );
    const other = vkeyOf(testSigner(deviceOrigin(device(9))));
    expect((await org.next('device', 'revoke', device(8), org.at('no.note', 'x'), '--reason', 'lost')).notes).toContain(
      'neither a key nor',
    );
    expect((await org.next('device', 'revoke', device(8), other, '--reason', 'lost')).notes).toContain(
      'not a key of that kind',
    );
  });
});
