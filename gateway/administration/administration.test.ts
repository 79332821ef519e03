import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Connection } from '../contract/connection.ts';
import type { Administration, TrustNote } from '../evidence/format/documents.ts';
import { signDocument } from '../evidence/format/signed-document.ts';
import { testSigner } from '../evidence/format/test-keys.ts';
import { always, firstNote, month, NOW, revokedIn, vkeyOf } from '../evidence/trust/test-trust.ts';
import { nodePrimitives as p } from '../recording/primitives.ts';
import { type AdministrationKeeper, createAdministration } from './administration.ts';
import { judgeSet } from './judge.ts';

const admin = testSigner('countersign/admin/ops');
const stranger = testSigner('countersign/admin/stranger');
const TRUST = firstNote({ admins: [{ ...always(), vkey: vkeyOf(admin) }] });
const CONNECTION = Connection.parse({ id: 'shop', kind: 'postgres', host: 'db', user: 'app', database: 'shop' });

const signed = (n: number, changes: Partial<Administration> = {}, by = admin): Uint8Array =>
  signDocument(
    'administration',
    {
      v: 1,
      org: 'acme',
      n,
      issuedAt: month(2),
      validUntil: '2027-06-01T00:00:00.000Z',
      policy: null,
      connections: [CONNECTION],
      roles: null,
      emergency: null,
      locked: ['connections'],
      ...changes,
    },
    [by],
  );

let dir: string;
let now: number;
let trust: TrustNote | null;
let offered: Uint8Array[] | Error;
let applied: number[];
let broken: number | null;
let log: string[];
let keeper: AdministrationKeeper;
const open = async () => {
  keeper = createAdministration({
    file: join(dir, 'administration.json'),
    now: () => now,
    trust: () => trust,
    fetch: async () => {
      if (offered instanceof Error) throw offered;
      return offered;
    },
    apply: async ({ n }) => {
      if (n === broken) throw new Error('its policy has errors');
      applied.push(n);
    },
    log: async ({ state, set, detail }) => void log.push(`${state} ${set} ${detail}`),
    onChanged: () => {},
    onProblem: () => {},
  });
  await keeper.start();
};
const look = async (...notes: Uint8Array[]) => {
  offered = notes;
  await keeper.refresh();
  return keeper.view();
};
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'cs-administration-'));
  [now, trust, offered, applied, broken, log] = [Date.parse(NOW), TRUST, [], [], null, []];
  await open();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

it('takes up the newest good set, and says so once', async () => {
  await look(signed(1), signed(3), signed(2));
  expect(await look(signed(3))).toMatchObject({ set: { n: 3, by: 'countersign/admin/ops' }, problem: null });
  expect(applied).toEqual([3]);
  expect(log).toEqual(['applied 3 locked: connections']);
});

it.each([
  ['unsigned by an admin', () => signed(2, {}, stranger), 'no admin of the trust note'],
  ['of another organisation', () => signed(2, { org: 'other' }), 'it is of other'],
  ['over', () => signed(2, { validUntil: month(3) }), 'it ended'],
  ['not valid', () => signed(2, { connections: [{ id: 'x' }] }), 'not valid here'],
  ['twice the same', () => signed(2, { connections: [CONNECTION, CONNECTION] }), 'twice'],
  ['no note', () => Buffer.from('hello'), ''],
])('refuses a set that is %s, and keeps the last good one', async (_, make, why) => {
  await look(signed(1));
  const view = await look(make());
  expect(view.set).toMatchObject({ n: 1 });
  expect(view.problem).toContain(why);
  await look(make());
  expect(log.filter((line) => line.startsWith('refused'))).toHaveLength(1);
});

it('refuses any change of a byte', () => {
  const bytes = signed(1);
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, by) => {
      const changed = Uint8Array.from(bytes);
      changed[at]! ^= by;
      expect(judgeSet(p, changed, { trust, newest: null, now: NOW })).toMatchObject({ ok: false });
    }),
    { numRuns: 300 },
  );
});

it('never goes back, over a restart neither', async () => {
  await look(signed(5));
  await open();
  expect(keeper.set?.n).toBe(5);
  expect(applied).toEqual([5, 5]);
  expect(await look(signed(5, { locked: [] }))).toMatchObject({ problem: expect.stringContaining('another set 5') });
  await look(signed(4));
  expect([keeper.set?.n, keeper.set?.locked]).toEqual([5, ['connections']]);
});

it('takes nothing of a key that was revoked, nor without an organisation', async () => {
  trust = { ...TRUST, admins: [{ ...revokedIn(6), vkey: vkeyOf(admin) }] };
  expect((await look(signed(1))).problem).toContain('counts no more');
  trust = null;
  expect((await look(signed(1))).problem).toContain('no organisation');
  expect(applied).toEqual([]);
});

it('stays with the last good set where the store cannot be reached, and where one cannot be applied', async () => {
  await look(signed(1));
  offered = new Error('the store is away');
  await keeper.refresh();
  expect(keeper.view()).toMatchObject({ set: { n: 1 }, problem: expect.stringContaining('the store is away') });
  broken = 2;
  expect(await look(signed(1), signed(2))).toMatchObject({ set: { n: 1 } });
  expect(log).toContain('refused 2 its policy has errors');
});

it('says that a set is over, and leaves it in force', async () => {
  await look(signed(1));
  now = Date.parse('2027-07-01T00:00:00.000Z');
  expect(await look()).toMatchObject({ set: { n: 1, expired: true }, problem: expect.stringContaining('ended on') });
  await look();
  expect(log.filter((line) => line.startsWith('expired'))).toHaveLength(1);
});

it('names who fixed what cannot be changed; its password can be entered', async () => {
  await look(signed(1, { locked: ['connections', 'new-connections', 'policy'] }));
  expect(() => keeper.assertOpen('policy', 'the policy')).toThrow(
    'the policy is fixed for the organisation by countersign/admin/ops (set 1)',
  );
  expect(() => keeper.assertOpen('providers', 'who may sign in')).not.toThrow();
  expect(() => keeper.assertConnection('shop', CONNECTION)).not.toThrow();
  expect(() => keeper.assertConnection('shop', { ...CONNECTION, masking: 'off' })).toThrow('the connection shop');
  expect(() => keeper.assertConnection('shop', null)).toThrow('the connection shop');
  expect(() => keeper.assertConnection('own', { ...CONNECTION, id: 'own' })).toThrow('which connections there are');
});

it('does not start with a memory that cannot be read: an older set could be played', async () => {
  writeFileSync(join(dir, 'administration.json'), '{}');
  await expect(open()).rejects.toMatchObject({ code: 'CONFIG_BROKEN' });
});
