import { expect, it } from 'vitest';
import { CHANGES, loggingChanges } from './changes.ts';
import type { CallContext, ControlHandlers } from './handlers.ts';
import { PRESENCE } from './presence.ts';

const context: CallContext = {
  channel: 'console',
  decidedBy: 'Ada',
  level: 'pin',
  signal: new AbortController().signal,
};
/** What every input might have. */
const INPUT = { id: 'x', name: 'x', vkey: 'w/1+00000000+AA', root: 'r', provider: { id: 'x' }, credentialId: 'x' };

function stage(work: () => unknown = () => 'done') {
  const said: string[] = [];
  const own = Object.fromEntries(Object.keys(PRESENCE).map((name) => [name, work])) as unknown as ControlHandlers;
  const handlers = loggingChanges(own, async (what, by, change) => {
    const done = await change();
    said.push(`${what} by ${by}`);
    return done;
  }) as unknown as Record<string, (input: object, context: CallContext) => unknown>;
  return { said, handlers };
}

it.each(Object.entries(CHANGES))('%s: says what it changed, or changes nothing', async (name, words) => {
  const { said, handlers } = stage();
  expect(await handlers[name]!(INPUT, context)).toBe('done');
  expect(said).toEqual(words === null ? [] : [expect.stringMatching(/^.{3,} by Ada$/)]);
});

it('says nothing of what was refused', async () => {
  const { said, handlers } = stage(() => {
    throw new Error('refused');
  });
  await expect(handlers.putConnection!(INPUT, context)).rejects.toThrow('refused');
  expect(said).toEqual([]);
});
