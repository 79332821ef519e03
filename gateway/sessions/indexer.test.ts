import { expect, it, vi } from 'vitest';
import { createIndexer } from './indexer.ts';

const silent = { error: () => {} };
const nothing = { sessions: 0, of: 0, statements: 0, stopped: false, problems: [], forgotten: 0 };

it('catches up first, then indexes what grows, each waiting session once', async () => {
  const calls: string[] = [];
  let open: () => void = () => {};
  const caughtUp = new Promise<void>((resolve) => {
    open = resolve;
  });
  const indexer = createIndexer(
    {
      rebuild: async () => {
        calls.push('rebuild');
        await caughtUp;
        return nothing;
      },
      indexSession: async (id) => void calls.push(id),
    },
    silent,
  );
  for (const id of ['a', 'b', 'a']) indexer.sealed(id);
  open();
  await expect.poll(() => calls).toEqual(['rebuild', 'a', 'b']);
  indexer.sealed('a');
  await expect.poll(() => calls).toEqual(['rebuild', 'a', 'b', 'a']);
  await indexer.close();
});

it('goes on after a session that cannot be indexed, and says so', async () => {
  const said: string[] = [];
  const done: string[] = [];
  const indexer = createIndexer(
    {
      rebuild: async () => nothing,
      indexSession: async (id) => {
        if (id === 'broken') throw new Error('no');
        done.push(id);
      },
    },
    { error: (_detail, message) => void said.push(message) },
  );
  indexer.sealed('broken');
  indexer.sealed('fine');
  await expect.poll(() => done).toEqual(['fine']);
  expect(said).toEqual(['a session could not be indexed']);
  await indexer.close();
});

it('rests longer the busier the relay is', async () => {
  const rests: number[] = [];
  const timer = vi.spyOn(globalThis, 'setTimeout').mockImplementation(((run: () => void, milliseconds: number) => {
    rests.push(milliseconds);
    queueMicrotask(run);
    return { unref() {} };
  }) as unknown as typeof setTimeout);
  const clock = vi.spyOn(performance, 'now');
  let now = 0;
  clock.mockImplementation(() => now);
  let load = 0;
  const indexer = createIndexer(
    {
      rebuild: async () => nothing,
      indexSession: async () => {
        now += 12;
      },
    },
    silent,
    () => load,
  );
  try {
    for (load of [0, 0.3, 0.9]) {
      const before = rests.length;
      indexer.sealed('a');
      while (rests.length === before) await Promise.resolve();
    }
  } finally {
    timer.mockRestore();
    clock.mockRestore();
  }
  expect(rests.map(Math.round)).toEqual([12, 68, 228]);
  await indexer.close();
});
