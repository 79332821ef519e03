import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DerivedStatement, StatementFacts } from '../../pipeline/derive.ts';
import { AgentDeriver } from './deriver.ts';

const encoder = new TextEncoder();
const lines = (...all: object[]) => encoder.encode(all.map((line) => `${JSON.stringify(line)}\n`).join(''));

/** @param size bytes that come at once. */
function derive(up: Uint8Array, down: Uint8Array, facts: StatementFacts[], size = 1 << 20) {
  const deriver = new AgentDeriver();
  const statements: DerivedStatement[] = [];
  const rows: (string | null)[][] = [];
  deriver.begin(3, facts, {
    statement: (one) => statements.push(one),
    wantsRows: () => true,
    row: (_, values) => rows.push(values),
  });
  for (let at = 0; at < up.length; at += size) deriver.up(up.subarray(at, at + size), 1000);
  for (let at = 0; at < down.length; at += size) deriver.down(down.subarray(at, at + size), 1500);
  deriver.end();
  return { statements, rows };
}

const WRITE = lines({ event: 'writeFile', tool: 'Write', path: '/a', before: 'old', after: 'néw' });
const DONE = lines({ answer: 'allow' }, { outcome: 'failed', output: 'oops', error: 'exit 1', durationMs: 3 });
const FACTS: StatementFacts[] = [{ op: 'Write', class: 'write', text: '+néw', error: 'FAILED', objects: ['/a'] }];

test('an action with what it was about and what came of it', () => {
  const { statements, rows } = derive(WRITE, DONE, FACTS);
  expect(statements).toMatchObject([
    {
      exchange: 3,
      op: 'Write',
      class: 'write',
      text: '+néw',
      rows: 4,
      durationMs: 500,
      error: { sqlstate: 'FAILED', message: 'exit 1' },
      objects: ['/a'],
    },
  ]);
  expect(rows).toEqual([
    ['before', 'old'],
    ['after', 'néw'],
    ['output', 'oops'],
    ['error', 'exit 1'],
  ]);
});

test('is the same however its bytes come', () => {
  const whole = derive(WRITE, DONE, FACTS);
  for (const size of [1, 2, 3, 7, 64]) expect(derive(WRITE, DONE, FACTS, size)).toEqual(whole);
});

describe('what a crash cut off', () => {
  test.each([
    [
      lines({ event: 'shell', tool: 'Shell', command: 'ls' }),
      new Uint8Array(),
      { op: 'Shell', text: 'ls', verdict: 'allowed' },
    ],
    [
      lines({ event: 'shell', tool: 'Shell', command: 'rm' }),
      lines({ answer: 'deny', message: 'no' }),
      { verdict: 'denied', error: { message: 'no' } },
    ],
    [lines({ event: 'Thought', text: 'hm' }), new Uint8Array(), { op: 'Thought', text: 'hm' }],
    [encoder.encode('{"event":"shell","comm'), new Uint8Array(), { op: '', text: '' }],
  ])('is told by its bytes (%#)', (up, down, wanted) => {
    expect(derive(up, down, []).statements).toMatchObject([wanted]);
  });

  test('of which nothing is there is nothing', () => {
    expect(derive(new Uint8Array(), new Uint8Array(), []).statements).toEqual([]);
  });
});

test('anything at all is read without an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (up, down) => {
      expect(derive(up, down, FACTS).statements).toHaveLength(1);
    }),
  );
});
