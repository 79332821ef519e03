import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AgentAction } from './events.ts';
import { canonicalJson, Pairing } from './pairing.ts';

const shell = (command: string, cwd: string | null): AgentAction => ({ kind: 'shell', tool: 'Shell', command, cwd });

test('whatever order events come in, one decision answers one first and one second event of the same command', () => {
  const event = fc.record({
    phase: fc.constantFrom('first' as const, 'second' as const, 'end' as const),
    id: fc.constantFrom(null, 'a', 'b'),
    command: fc.constantFrom('ls', 'rm', 'x'.repeat(5000)),
    cwd: fc.constantFrom(null, '/a', '/b'),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const pairing = new Pairing<{ command: string; cwd: string | null; seconds: number }>();
      for (const { phase, id, command, cwd } of events) {
        const action = shell(command, cwd);
        // Ids are the agent's: of a second event it says none.
        const own = phase === 'second' ? null : id;
        if (phase === 'end') {
          const ended = pairing.ended(own, action);
          if (ended) pairing.forget(ended);
          continue;
        }
        const found = pairing.find(phase, own, action);
        if (!found) {
          pairing.add(phase, own, action, { command, cwd, seconds: phase === 'second' ? 1 : 0 });
          continue;
        }
        expect(found.value.command).toBe(command);
        if (phase === 'first') expect(found.ids.has(own!)).toBe(true);
        else {
          found.value.seconds += 1;
          expect(found.value.seconds).toBe(1);
          if (cwd !== null && found.value.cwd !== null) expect(found.value.cwd).toBe(cwd);
        }
      }
    }),
  );
});

test('the same arguments are the same in any order, and other ones are others', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(canonicalJson({ b: 1, a: [{ d: 2, c: 3 }] })).toBe(canonicalJson({ a: [{ c: 3, d: 2 }], b: 1 }));
  expect(canonicalJson(['1'])).not.toBe(canonicalJson([1]));
});
