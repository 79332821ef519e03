import { describe, expect, it } from 'vitest';
import { createApprovals } from '../approvals/approvals.ts';
import { testOperation, testTime, testVerdict } from '../approvals/test-operation.ts';
import { CountersignError } from '../contract/errors.ts';
import type { DaemonListeners } from './daemon.ts';
import { createNotifications, type NotificationsDeps } from './notifications.ts';
import { TestDaemon } from './test-notifications.ts';

/** A desktop whose bus and service come and go, before real approvals. */
function setup(changes: Partial<NotificationsDeps> = {}) {
  const time = testTime();
  const log: string[] = [];
  const bus: { listeners: DaemonListeners | null; up: boolean; tries: number; wakes: number; ended: number } = {
    listeners: null,
    up: true,
    tries: 0,
    wakes: 0,
    ended: 0,
  };
  let daemon: TestDaemon | null = new TestDaemon();
  let ids = 0;
  let statuses = 0;
  const approvals = createApprovals({
    clock: time.clock,
    schedule: time.schedule,
    newId: () => `id-${++ids}`,
    onEvent: (event) => {
      if (event.type === 'approval') notifications.approvalChanged(event.approval);
    },
  });
  const notifications = createNotifications({
    wanted: true,
    protection: 'unprotected',
    platform: 'linux',
    env: {},
    uid: 1000,
    now: time.clock.now,
    schedule: time.schedule,
    decide: (input) => void approvals.decide(input),
    person: 'dev',
    consoleUrl: () => 'http://127.0.0.1:7716',
    open: null,
    log: (_level, sentence) => log.push(sentence),
    onStatus: () => {
      statuses++;
    },
    busPath: () => '/run/user/1000/bus',
    connect: async (_path, _uid, listeners) => {
      bus.tries++;
      if (!bus.up) throw new CountersignError('NO_SESSION_BUS', 'there is no session bus here');
      bus.listeners = listeners;
      return {
        async wake() {
          bus.wakes++;
          if (daemon === null) throw new CountersignError('NO_NOTIFICATIONS', 'there is no notification service');
          listeners.arrived(daemon);
        },
        end: () => {
          bus.ended++;
        },
      };
    },
    ...changes,
  });
  return {
    time,
    log,
    bus,
    approvals,
    notifications,
    statuses: () => statuses,
    /** The service that answers from here on; null: none. */
    runs: (next: TestDaemon | null) => {
      daemon = next;
    },
    async settled() {
      for (let i = 0; i < 20; i++) await Promise.resolve();
    },
  };
}

describe('notifications', () => {
  it('decide through the approvals, as a click by the channel notification', async () => {
    const daemon = new TestDaemon();
    const { approvals, bus, settled, time, runs } = setup();
    runs(daemon);
    await settled();
    const held = approvals.hold(testOperation(), testVerdict());
    await settled();
    time.pass(500);
    bus.listeners?.invoked(1, 'approve');
    expect(await held.outcome).toMatchObject({
      state: 'approved',
      approval: { channel: 'notification', decidedBy: 'dev', grantId: null },
    });
    expect(daemon.shown.size).toBe(0);
  });

  it('are refused by the approvals for what takes more than a click', () => {
    const { approvals } = setup();
    const operation = testOperation();
    const { approvalId } = approvals.hold(operation, testVerdict({ level: 'pin' }));
    expect(() =>
      approvals.decide({
        approvalId,
        digest: operation.digest,
        decision: 'approve',
        scope: { kind: 'once' },
        message: null,
        channel: 'notification',
        level: 'click',
        decidedBy: 'dev',
      }),
    ).toThrow(expect.objectContaining({ code: 'PRESENCE_TOO_LOW' }));
    expect(approvals.waiting).toBe(1);
  });

  it('say once that there is no bus, and try again ever more rarely', async () => {
    const { bus, notifications, settled, log, time, approvals, statuses, runs } = setup();
    bus.up = false;
    await settled();
    for (let i = 0; i < 40; i++) {
      time.pass(15_000);
      await settled();
    }
    expect(notifications.status).toEqual({ ok: false, sentence: 'there is no session bus here' });
    expect(log).toEqual(['no notifications: there is no session bus here']);
    expect(statuses()).toBe(1);
    // 1, 2, 4 … 60 seconds, in ten minutes.
    expect(bus.tries).toBeGreaterThan(8);
    expect(bus.tries).toBeLessThan(20);
    approvals.hold(testOperation(), testVerdict({ expiresSeconds: 3600 }));
    const daemon = new TestDaemon();
    runs(daemon);
    bus.up = true;
    time.pass(60_000);
    await settled();
    expect(notifications.status).toEqual({ ok: true, sentence: 'by Test Daemon 1' });
    expect(daemon.shown.size).toBe(1);
  });

  it('show what waits when the service comes back', async () => {
    const first = new TestDaemon();
    const { bus, notifications, settled, log, time, approvals, runs } = setup();
    runs(first);
    await settled();
    approvals.hold(testOperation(), testVerdict());
    await settled();
    expect(first.shown.size).toBe(1);
    runs(null);
    bus.listeners?.gone('the notification service went away');
    expect(notifications.status).toEqual({ ok: false, sentence: 'the notification service went away' });
    time.pass(1000);
    await settled();
    const second = new TestDaemon(['body']);
    runs(second);
    time.pass(2000);
    await settled();
    expect(second.shown.size).toBe(1);
    expect(notifications.status.sentence).toContain('no buttons: decide in the console');
    expect(log.map((line) => line.slice(0, 27))).toEqual([
      'notifications are shown by ',
      'no notifications: the notif',
      'notifications are shown by ',
    ]);
  });

  it('connect again when the bus ends', async () => {
    const { bus, notifications, settled, time } = setup();
    await settled();
    bus.listeners?.disconnected('the session bus is closed');
    expect(notifications.status.ok).toBe(false);
    time.pass(1000);
    await settled();
    expect([bus.tries, notifications.status.ok]).toEqual([2, true]);
  });

  it('end with the gateway', async () => {
    const daemon = new TestDaemon();
    const { approvals, bus, notifications, settled, time, runs } = setup();
    runs(daemon);
    await settled();
    approvals.hold(testOperation(), testVerdict());
    await settled();
    notifications.close();
    bus.listeners?.disconnected('the session bus is closed');
    time.pass(120_000);
    await settled();
    expect([daemon.shown.size, bus.ended, bus.tries]).toEqual([0, 1, 1]);
  });

  it.each([
    [{ wanted: false }, 'switched off'],
    [{ platform: 'darwin' }, 'on Linux only'],
    [{ protection: 'protected' }, 'in protected mode'],
  ] as const)('are not there with %j, which the status says', async (changes, words) => {
    const { approvals, bus, notifications, settled } = setup(changes);
    approvals.hold(testOperation(), testVerdict());
    await settled();
    expect(notifications.status).toEqual({ ok: false, sentence: expect.stringContaining(words) });
    expect(bus.tries).toBe(0);
  });
});
