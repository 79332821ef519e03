import { expect, it } from 'vitest';
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
