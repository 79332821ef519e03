import { describe, expect, it } from 'vitest';
import { testTime } from '../../gateway/approvals/test-operation.ts';
import type { AppQuestion } from '../../gateway/contract/desktop.ts';
import { type GatewayProcess, Supervisor } from './supervisor.ts';

/** A double of the process: what it says and how it ends is the test's to decide. */
function setup(place: { own?: boolean; up?: boolean } = {}) {
  const time = testTime();
  const world = { own: place.own ?? true, up: place.up ?? false, missing: false };
  const log: string[] = [];
  const processes: { say(message: unknown): void; end(sentence: string): void; asked: string[] }[] = [];
  const start = (): GatewayProcess => {
    let hear: (message: unknown) => void = () => {};
    let gone: (sentence: string) => void = () => {};
    const asked: string[] = [];
    processes.push({ say: (message) => hear(message), end: (sentence) => gone(sentence), asked });
    return {
      onMessage: (listener) => {
        hear = listener;
      },
      onEnd: (listener) => {
        gone = listener;
      },
      ask: ({ ask }: AppQuestion) => void asked.push(ask),
      release: () => void asked.push('release'),
    };
  };
  const supervisor = new Supervisor({
    where: async () => {
      if (world.missing) throw new Error('install again');
      return { version: '1', home: '/home', socket: '/home/s', own: world.own };
    },
    answers: async () => world.up,
    start,
    schedule: time.schedule,
    now: time.clock.now,
    onState: (state) => log.push(state.kind === 'stopped' ? `stopped: ${state.sentence}` : JSON.stringify(state)),
    onCode: (code) => log.push(`code ${code}`),
  });
  /** What is under way goes on as far as it can. */
  const settle = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const pass = async (milliseconds: number) => {
    time.pass(milliseconds);
    await settle();
  };
  return { supervisor, world, processes, log, pass, settle, time };
}
const READY = { ready: { socket: '/home/s', code: 'C1' } };
const RUNNING = '{"kind":"running","started":true}';

describe('a gateway that runs already', () => {
  it('is used as it is, and never joined by a second one', async () => {
    const { supervisor, processes, log } = setup({ up: true });
    await supervisor.look();
    expect([log, processes.length, supervisor.socket]).toEqual([['{"kind":"running","started":false}'], 0, '/home/s']);
  });

  it('is started anew once it is gone', async () => {
    const { supervisor, world, processes } = setup({ up: true });
    await supervisor.look();
    world.up = false;
    await supervisor.look();
    expect(processes.length).toBe(1);
  });

  it('of the machine is waited for, and not started by this user', async () => {
    const { supervisor, world, processes, pass, log } = setup({ own: false });
    await supervisor.look();
    await pass(60_000);
    expect(processes.length).toBe(0);
    expect(log.at(-1)).toContain('protected gateway does not run');
    world.up = true;
    await pass(60_000);
    expect(log.at(-1)).toBe('{"kind":"running","started":false}');
  });
});

describe('a gateway of its own', () => {
  it('is started once, and its code reaches the app', async () => {
    const { supervisor, processes, log } = setup();
    await Promise.all([supervisor.look(), supervisor.look()]);
    expect(processes.length).toBe(1);
    for (const message of ['x', null, { ready: 1 }, { code: 7 }]) processes[0]?.say(message);
    processes[0]?.say(READY);
    expect(log).toEqual(['{"kind":"starting"}', RUNNING, 'code C1']);
    supervisor.askCode();
    processes[0]?.say({ code: 'C2' });
    expect([processes[0]?.asked, log.at(-1)]).toEqual([['code'], 'code C2']);
  });

  it('is started again when it ends, later each time, and at once again after it ran well', async () => {
    const { supervisor, processes, pass, log } = setup();
    await supervisor.look();
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      processes.at(-1)?.end('the port is taken');
      const before = processes.length;
      let waited = 0;
      while (processes.length === before) {
        await pass(1000);
        waited += 1;
      }
      waits.push(waited);
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
    expect(log).toContain('stopped: the port is taken');
    processes.at(-1)?.say(READY);
    await pass(60_000);
    processes.at(-1)?.end('killed');
    const before = processes.length;
    await pass(1000);
    expect(processes.length).toBe(before + 1);
  });

  it('is not started where another one came up meanwhile', async () => {
    const { supervisor, world, processes, pass, log } = setup();
    await supervisor.look();
    world.up = true;
    processes[0]?.end('a gateway already runs');
    await pass(1000);
    expect([processes.length, log.at(-1)]).toEqual([1, '{"kind":"running","started":false}']);
  });

  it('that never says that it serves is told of', async () => {
    const { supervisor, pass, log } = setup();
    await supervisor.look();
    await pass(120_000);
    expect(log.at(-1)).toContain('does not say that it serves');
  });

  it('goes on when the app ends', async () => {
    const { supervisor, processes, pass, log } = setup();
    await supervisor.look();
    processes[0]?.say(READY);
    supervisor.release();
    processes[0]?.end('killed');
    await pass(3_600_000);
    await supervisor.look();
    expect([processes[0]?.asked, processes.length, log.at(-1)]).toEqual([['release'], 1, 'code C1']);
  });

  it('ends in order where the person wants that, and is waited for a while', async () => {
    const { supervisor, processes, pass } = setup();
    await supervisor.look();
    processes[0]?.say(READY);
    const stopped = supervisor.stop();
    expect(processes[0]?.asked).toEqual(['stop']);
    processes[0]?.end('Stopped.');
    await stopped;
    await pass(3_600_000);
    expect(processes.length).toBe(1);
    const other = setup();
    await other.supervisor.look();
    const slow = other.supervisor.stop();
    other.time.pass(30_000);
    await slow;
  });
});

it('a program that is not there is tried again, and said', async () => {
  const { supervisor, world, processes, pass, log } = setup();
  world.missing = true;
  await supervisor.look();
  expect(log).toEqual(['stopped: install again']);
  world.missing = false;
  await pass(1000);
  expect(processes.length).toBe(1);
});
