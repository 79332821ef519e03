import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DeviceView } from '../../contract/device.ts';
import { type Device, openDevice } from './device.ts';
import { createDeviceView } from './device-view.ts';

let home: string;
let device: Device;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'device-view-'));
  device = await openDevice({
    places: { home, protection: 'unprotected', keyring: async () => null, passphrase: async () => null },
    clock: { now: () => Date.UTC(2026, 5, 1) },
    version: '1.0.0',
    name: 'laptop',
    account: 'ada',
    newId: () => '01JAAAAAAAAAAAAAAAAAAAAAAA',
  });
});
afterEach(async () => {
  await device.close();
  rmSync(home, { recursive: true, force: true });
});

it('shows a device that nobody enrolled as one, with its key and no gaps', async () => {
  expect(DeviceView.parse(await createDeviceView(device)())).toMatchObject({
    id: '01JAAAAAAAAAAAAAAAAAAAAAAA',
    name: 'laptop',
    org: null,
    enrolledBy: null,
    key: { store: 'file' },
    gaps: { last: [], total: 0 },
  });
});

it('tells of gaps that came since it looked last, and of one that goes on until it ends as one', async () => {
  const view = createDeviceView(device);
  await view();
  const from = '2026-06-01T10:00:00.000Z';
  await device.log.append({ type: 'gap', kind: 'observe', from, until: '', detail: 'legacy' });
  expect((await view()).gaps).toEqual({ last: [{ kind: 'observe', from, until: '', detail: 'legacy' }], total: 1 });
  const until = '2026-06-01T11:00:00.000Z';
  await device.log.append({ type: 'gap', kind: 'observe', from, until, detail: 'legacy' });
  await device.log.append({ type: 'gap', kind: 'stopped', from: until, until: '2026-06-01T12:00:00.000Z', detail: '' });
  const { last, total } = (await view()).gaps;
  expect([last.map((gap) => [gap.kind, gap.until]), total]).toEqual([
    [
      ['stopped', '2026-06-01T12:00:00.000Z'],
      ['observe', until],
    ],
    2,
  ]);
});
