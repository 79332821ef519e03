import { expect, it } from 'vitest';
import { CancelRegistry } from './cancel-registry.ts';

function registry(): CancelRegistry {
  let next = 0;
  return new CancelRegistry(
    (count) => new Uint8Array(count).fill(++next),
    (a, b) => a.every((byte, i) => byte === b[i]),
  );
}

it('cancels the session whose secret it is, though two servers gave one process id', () => {
  const cancels = registry();
  const calls: string[] = [];
  const first = cancels.add(0, 4242, () => void calls.push('first'));
  const second = cancels.add(2, 4242, () => void calls.push('second'));
  expect([first.pid, second.pid]).toEqual([4242, 4242]);
  expect([first.secret.length, second.secret.length]).toEqual([4, 32]);
  cancels.cancel(4242, second.secret);
  cancels.cancel(4242, new Uint8Array(4).fill(99));
  cancels.cancel(4242, second.secret.subarray(0, 4));
  cancels.cancel(1, first.secret);
  expect(calls).toEqual(['second']);
  cancels.remove(second);
  cancels.cancel(4242, second.secret);
  cancels.cancel(4242, first.secret);
  expect(calls).toEqual(['second', 'first']);
});

it('makes a process id up where the server gave none', () => {
  const key = registry().add(0, null, () => {});
  expect(key.pid).toBeGreaterThan(0);
});
