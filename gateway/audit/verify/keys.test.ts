import * as fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deviceOrigin } from '../../evidence/format/checkpoint.ts';
import { signDocument } from '../../evidence/format/signed-document.ts';
import { testSigner } from '../../evidence/format/test-keys.ts';
import { formatVkey } from '../../evidence/format/vkey.ts';
import { toHex } from '../../recording/format/bytes.ts';
import { temporaryFolder } from '../../recording/test-support.ts';
import { failures, report, TestWorkspaces, take } from '../test-import.ts';
import { BEGIN, root, type TestDevice, TestOrganisation } from '../test-organisation.ts';

const DEVICE = '01JTESTDEVCE00000000000001';
const LATER = BEGIN + 30 * 86_400_000;
const dir = temporaryFolder('audit-keys');
let workspaces: TestWorkspaces;
const devices: TestDevice[] = [];
beforeAll(async () => {
  workspaces = await TestWorkspaces.make(dir, formatVkey(root.vkey));
}, 60_000);
afterAll(() => {
  for (const device of devices) device.remove();
  fs.rmSync(dir, { recursive: true, force: true });
});

function organisation() {
  const made = new TestOrganisation();
  made.trust();
  const device = made.device(DEVICE);
  devices.push(device);
  return { objects: made.objects, device, made };
}

describe("a device's key", () => {
  it('is followed by another, and what each signed in its time holds', async () => {
    const { objects, device } = organisation();
    const next = testSigner(deviceOrigin(DEVICE), 'the next key');
    await device.session('01JTESTSESSQN0000000000001');
    const [old, vkey] = [formatVkey(device.signer.vkey), formatVkey(next.vkey)];
    device.add({ type: 'key', vkey });
    device.publish();
    const change = { v: 1 as const, device: DEVICE, old, new: vkey, at: new Date(device.now).toISOString() };
    const note = signDocument('key-change', change, [device.signer, next]);
    objects.set(`${device.prefix}/identity/${toHex(next.vkey.hash)}.change.note`, note);
    await device.session('01JTESTSESSQN0000000000002');
    device.publish(next);
    const workspace = workspaces.next();
    await take(workspace, objects, LATER);
    expect(failures(await report(workspace, LATER))).toEqual([]);
    // The old key signs nothing once it has been followed.
    device.publish();
    const other = workspaces.next();
    await take(other, objects, LATER);
    expect(failures(await report(other, LATER)).join()).toContain('signed by another key than the log names for then');
  });

  it('that was taken back still counts for what was imported before', async () => {
    const { objects, device, made } = organisation();
    await device.session('01JTESTSESSQN0000000000001');
    device.publish();
    const workspace = workspaces.next();
    await take(workspace, objects, LATER);
    const revoked = { at: new Date(LATER + 60_000).toISOString(), reason: 'the laptop was stolen' };
    made.trust({ devices: [{ device: DEVICE, vkey: formatVkey(device.signer.vkey), revoked }] });
    await take(workspace, objects, LATER + 120_000);
    expect(failures(await report(workspace, LATER + 120_000))).toEqual([]);
    const late = workspaces.next();
    await take(late, objects, LATER + 120_000);
    expect(failures(await report(late, LATER + 120_000)).join()).toContain('it was revoked on');
  });
});
