import { expect, it } from 'vitest';
import { testTime } from '../../approvals/test-operation.ts';
import type { GatewayStatus } from '../../contract/status.ts';
import type { connectBus } from '../dbus/connection.ts';
import { createServiceTray, HOLD_MS, type ServiceTrayDeps } from './service-tray.ts';

const STATUS: GatewayStatus = {
  version: '1',
  protection: 'unprotected',
  recorder: { ok: true, error: null, bytes: 0 },
  policy: { hash: 'a', staged: null, error: null },
  pinSet: true,
  waiting: 0,
  openSessions: 0,
  postgres: { host: '127.0.0.1', port: 1 },
  identity: 'Ada',
  device: { id: 'd', org: null, size: 0, checkpointAt: null, problem: null, warning: null },
  notifications: { ok: false, sentence: '' },
  halt: null,
  administration: null,
  emergency: null,
  pauses: [],
};

/** A bus that says how many icons are on it. */
function setup() {
  const time = testTime();
  const buses = { open: 0 };
  const connect = (async () => {
    buses.open++;
    return { call: async () => ({ body: [''] }), emit: () => {}, end: () => buses.open-- };
  }) as unknown as typeof connectBus;
  const tray = createServiceTray({
    wanted: true,
    protection: 'unprotected',
    platform: 'linux',
    env: { DBUS_SESSION_BUS_ADDRESS: 'unix:abstract=nowhere' },
    uid: 1,
    pid: 1,
    schedule: time.schedule,
    status: () => STATUS,
    approvals: { list: () => ({ items: [], total: 0 }), get: () => null, decide: () => expect.unreachable() },
    halt: { pause: () => expect.unreachable(), panic: () => expect.unreachable() },
    person: 'ada',
    open: () => {},
    log: () => {},
    connect,
  } as unknown as ServiceTrayDeps);
  const icons = async (count: number) => {
    await expect.poll(() => buses.open).toBe(count);
  };
  return { tray, time, icons };
}

it('goes while another icon is there, and comes back when that goes or is not heard of any more', async () => {
  const { tray, time, icons } = setup();
  await icons(1);
  tray.hold(true);
  await icons(0);
  time.pass(HOLD_MS - 1);
  tray.hold(true);
  time.pass(HOLD_MS - 1);
  await icons(0);
  tray.hold(false);
  await icons(1);
  tray.hold(false);
  tray.hold(true);
  await icons(0);
  time.pass(HOLD_MS);
  await icons(1);
  tray.close();
  await icons(0);
});
