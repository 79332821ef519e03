import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CountersignError } from '../../contract/errors.ts';
import { createRecorder } from '../../recording/recorder.ts';
import { recoverRecordings } from '../../recording/recovery.ts';
import type { SessionFact } from '../../recording/session-facts.ts';
import { sessionInfo } from '../../recording/test-support.ts';
import type { OpenHead } from '../../recording/worker-messages.ts';
import { ulid } from '../../sessions/ulid.ts';
import type { LogEntry } from '../format/log-entries.ts';
import { type Device, openDevice } from './device.ts';
import { createReporter, type ReporterOptions } from './reporter.ts';

const HASH = `${'A'.repeat(43)}=`;
const HOUR = 3_600_000;
/** For machines under load. */
const PATIENT = { timeout: 20_000 };

let home: string;
let wall: number;
let monotonic: number;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'reporter-'));
  wall = Date.UTC(2026, 5, 1, 10);
  monotonic = 0;
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const open = (): Promise<Device> =>
  openDevice({
    places: { home, protection: 'unprotected', keyring: async () => null, passphrase: async () => null },
    clock: { now: () => wall },
    version: '1.0.0',
    name: 'laptop',
    account: 'ada',
    newId: () => ulid(wall, new Uint8Array(10)),
  });

/** A gateway's surroundings, moved by hand. */
function surroundings(device: Device) {
  const state = {
    policy: 'p1',
    config: 'c1',
    observing: [] as string[],
    heads: [] as OpenHead[],
    refused: null as CountersignError | null,
    problems: [] as string[],
    fact: (_: SessionFact): void => {},
    fail: (_: string): void => {},
    tick: () => {},
  };
  const options: ReporterOptions = {
    device,
    recorder: {
      onFact: (listener) => {
        state.fact = listener;
      },
      onFailure: (listener) => {
        state.fail = listener;
      },
      heads: async () => state.heads,
      refuse: (error) => {
        state.refused = error;
        return error;
      },
    },
    recordingsDir: join(home, 'recordings'),
    clock: { now: () => wall },
    monotonic: () => monotonic,
    every: (_, run) => {
      state.tick = run;
      return () => {
        state.tick = () => {};
      };
    },
    version: '1.0.0',
    boot: 'boot 1',
    protection: 'unprotected',
    person: () => 'ada',
    policyHash: () => state.policy,
    configHash: () => state.config,
    observing: () => state.observing,
    queued: () => ({ objects: 2, bytes: 300 }),
    onProblem: (sentence) => state.problems.push(sentence),
  };
  return { state, options, reporter: createReporter(options) };
}

/** Time goes by for both clocks. */
function pass(milliseconds: number): void {
  wall += milliseconds;
  monotonic += milliseconds;
}

const entriesOf = async ({ log }: Device): Promise<LogEntry[]> =>
  Array.fromAsync(log.entries(0), (bytes) => JSON.parse(Buffer.from(bytes).toString()) as LogEntry);

/** What was noted without anybody waiting for it is in the log after this. */
async function settled(device: Device): Promise<LogEntry[]> {
  await device.log.append({ type: 'policy', hash: 'end', by: '' });
  return (await entriesOf(device)).slice(0, -1);
}

const opened = (sid: string, connection = 'demo', sync: 'all' | 'local' = 'all'): SessionFact => ({
  type: 'opened',
  sid,
  key: HASH,
  open: HASH,
  connection,
  identity: 'ada',
  sync,
});

describe('what the gateway does, in its device’s log', () => {
  it('is its start, its sessions, its changes with who made them, and its end', async () => {
    const device = await open();
    const { state, reporter } = surroundings(device);
    await reporter.started([]);
    state.fact(opened('S1'));
    state.fact(opened('S2', 'private', 'local'));
    state.fact({ type: 'closed', sid: 'S1', state: 'closed', size: 5, root: HASH, units: 7, sums: HASH });
    reporter.policyChanged();
    state.policy = 'p2';
    reporter.policyChanged();
    await reporter.change('connection demo', 'grace', async () => {
      state.config = 'c2';
    });
    await reporter.change('connection demo and its password', 'grace', async () => {});
    state.tick();
    state.config = 'c3';
    state.tick();
    await reporter.stopped('SIGTERM');
    expect((await entriesOf(device)).slice(1)).toMatchObject([
      { type: 'started', boot: 'boot 1', policy: 'p1', config: 'c1', protection: 'unprotected' },
      { type: 'session-opened', sid: 'S1', connection: 'demo', sync: 'all' },
      { type: 'session-opened', sid: 'S2', connection: 'private', sync: 'local' },
      { type: 'session-closed', sid: 'S1', size: 5, root: HASH, units: 7 },
      { type: 'policy', hash: 'p2', by: 'ada' },
      { type: 'config', hash: 'c2', by: 'grace', what: 'connection demo' },
      { type: 'config', hash: 'c2', by: 'grace', what: 'connection demo and its password' },
      { type: 'config', hash: 'c3', by: '', what: 'files that were changed outside of the gateway' },
      { type: 'stopped', reason: 'SIGTERM' },
    ]);
    await device.close();
  });

  it('is a sign of life each hour, with the heads of what is open', async () => {
    const device = await open();
    const { state, reporter } = surroundings(device);
    await reporter.started([]);
    state.heads = Array.from({ length: 401 }, (_, n) => [`S${n}`, n, HASH]);
    pass(HOUR - 1000);
    state.tick();
    pass(1000);
    state.tick();
    await settled(device);
    pass(HOUR);
    state.tick();
    await settled(device);
    const beats = (await settled(device)).filter((entry) => entry.type === 'heartbeat');
    expect(beats.map((entry) => entry.open.length)).toEqual([400, 1, 400, 1]);
    expect(beats[0]).toMatchObject({ t: '2026-06-01T11:00:00.000Z', queued: { objects: 2, bytes: 300 }, trust: 0 });
    await device.close();
  });

  it('is a clock that was set, forward or back by a day', async () => {
    const device = await open();
    const { state, reporter } = surroundings(device);
    await reporter.started([]);
    pass(30_000);
    state.tick();
    wall += 24 * HOUR;
    pass(30_000);
    state.tick();
    wall -= 24 * HOUR;
    pass(30_000);
    state.tick();
    await Promise.resolve();
    const gaps = (await settled(device)).filter((entry) => entry.type === 'gap');
    expect(gaps).toMatchObject(
      [
        {
          kind: 'clock-changed',
          from: '2026-06-01T10:01:00.000Z',
          until: '2026-06-02T10:01:00.000Z',
          detail: /forward by 86400 s/,
        },
        {
          kind: 'clock-changed',
          from: '2026-06-02T10:01:30.000Z',
          until: '2026-06-01T10:01:30.000Z',
          detail: /back by 86400 s/,
        },
      ].map((gap) => ({ ...gap, detail: expect.stringMatching(gap.detail) })),
    );
    await device.close();
  });

  it('is observe mode from its beginning to its end, over a restart', async () => {
    const device = await open();
    const first = surroundings(device);
    await first.reporter.started([]);
    first.state.observing = ['demo'];
    await first.reporter.change('connection demo', 'ada', async () => {});
    await first.reporter.stopped('');
    await device.close();
    pass(HOUR);
    const again = await open();
    const second = surroundings(again);
    await second.reporter.started([]);
    const gaps = (await settled(again)).filter((entry) => entry.type === 'gap' && entry.kind === 'observe');
    expect(gaps).toMatchObject([
      { from: '2026-06-01T10:00:00.000Z', until: '', detail: 'demo' },
      { from: '2026-06-01T10:00:00.000Z', until: '2026-06-01T11:00:00.000Z', detail: 'demo' },
    ]);
    await again.close();
  });

  it('begins with the time in which there was a device and no gateway yet', async () => {
    await (await open()).close();
    pass(HOUR);
    const device = await open();
    await surroundings(device).reporter.started([]);
    expect((await entriesOf(device)).slice(1)).toMatchObject([
      { type: 'gap', kind: 'stopped', from: '2026-06-01T10:00:00.000Z', until: '2026-06-01T11:00:00.000Z' },
      { type: 'started' },
    ]);
    await device.close();
  });

  it('is the time in which it did not run, orderly or not', async () => {
    const device = await open();
    const { reporter } = surroundings(device);
    await reporter.started([]);
    await reporter.stopped('SIGTERM');
    await device.close();
    pass(HOUR);
    const second = await open();
    await surroundings(second).reporter.started([]);
    await second.close();
    const file = join(home, 'device', 'log', 'entries');
    writeFileSync(file, Buffer.alloc(5, 1), { flag: 'a' });
    pass(HOUR);
    const third = await open();
    await surroundings(third).reporter.started([]);
    const gaps = (await entriesOf(third)).filter((entry) => entry.type === 'gap');
    expect(gaps).toMatchObject([
      { kind: 'stopped', from: '2026-06-01T10:00:00.000Z', until: '2026-06-01T11:00:00.000Z' },
      {
        kind: 'unclean',
        from: '2026-06-01T11:00:00.000Z',
        until: '2026-06-01T12:00:00.000Z',
        detail: expect.stringContaining('5 bytes'),
      },
    ]);
    await third.close();
  });

  it('stops the recorder when it can no longer be written, and not before', async () => {
    const device = await open();
    const { state, reporter } = surroundings(device);
    await reporter.started([]);
    state.fail('the disk of the recordings is full');
    expect((await settled(device)).at(-1)).toMatchObject({ type: 'gap', kind: 'recorder-failed', until: '' });
    expect(state.refused).toBeNull();
    rmSync(join(home, 'device', 'log', 'checkpoints'), { recursive: true });
    state.fact(opened('S1'));
    await expect.poll(() => state.refused?.code, PATIENT).toBe('DEVICE_LOG_FAILED');
    expect(device.status().problem).toMatch(/^Nothing is forwarded/);
    await reporter.stopped('');
    await device.close();
  });

  it('stops the recorder at once when the log was changed', async () => {
    const device = await open();
    await surroundings(device).reporter.started([]);
    await device.close();
    const file = join(home, 'device', 'log', 'entries');
    truncateSync(file, readFileSync(file).length - 3);
    const again = await open();
    const { state, reporter } = surroundings(again);
    expect(state.refused?.message).toMatch(/were signed for/);
    await reporter.started([]);
    await again.close();
  });
});

describe('sessions that the log missed', () => {
  const record = async (recordingsDir: string, sid: string, close: boolean) => {
    const recorder = createRecorder({ dir: recordingsDir });
    const session = recorder.open({ ...sessionInfo(sid), openedAt: new Date(wall).toISOString() });
    session.request(0, Buffer.from('SELECT 1'));
    if (close) {
      await session.close('done');
      await recorder.close();
      return;
    }
    await session.durable();
    await expect.poll(() => recorder.heads(), PATIENT).toHaveLength(1);
    // As after kill -9: neither closed nor said to be.
    const { worker } = recorder as unknown as { worker: { terminate(): Promise<number> } };
    await worker.terminate();
  };

  it('are said at the next start: opened, closed, recovered; and earlier recordings are not', async () => {
    const recordingsDir = join(home, 'recordings');
    const before = ulid(wall - HOUR, new Uint8Array(10));
    await record(recordingsDir, before, true);
    const device = await open();
    const { state, reporter } = surroundings(device);
    await reporter.started([]);
    pass(1000);
    const known = ulid(wall, new Uint8Array(10));
    state.fact(opened(known));
    await settled(device);
    await device.close();
    await record(recordingsDir, known, true);
    pass(1000);
    const missed = ulid(wall, new Uint8Array(10));
    await record(recordingsDir, missed, true);
    pass(1000);
    const killed = ulid(wall, new Uint8Array(10));
    await record(recordingsDir, killed, false);
    const recovered = await recoverRecordings(recordingsDir);
    const again = await open();
    const second = surroundings(again);
    await second.reporter.started(recovered.sessions.map(({ folder }) => folder));
    const about = async (log: Device) =>
      (await settled(log))
        .filter((entry) => entry.type === 'session-opened' || entry.type === 'session-closed')
        .map((entry) => [entry.type, entry.sid, entry.type === 'session-closed' ? entry.state : '']);
    expect(await about(again)).toEqual([
      ['session-opened', known, ''],
      ['session-closed', known, 'closed'],
      ['session-opened', missed, ''],
      ['session-closed', missed, 'closed'],
      ['session-opened', killed, ''],
      ['session-closed', killed, 'incomplete'],
    ]);
    expect(second.state.problems).toEqual([]);
    await again.close();
    const third = await open();
    await surroundings(third).reporter.started([]);
    expect(await about(third)).toHaveLength(6);
    await third.close();
  });
});
