import { expect, test } from 'vitest';
import { outcomeOf } from './exchange-lines.ts';

const say = (fields: string, bytes: number, rule: string) => `${fields}/${bytes}/${rule}`;

test('what came of an action is read from the lines of its exchange', () => {
  const up = '{"event":"shell","tool":"Shell","command":"ls","attachments":["a.ts",7]}\n';
  const down = '{"answer":"allow"}\n{"outcome":"failed","output":"no such file","error":"exit 2","durationMs":12}\n';
  expect(outcomeOf(up, down, say)).toEqual({
    outputs: [
      { name: 'output', text: 'no such file' },
      { name: 'error', text: 'exit 2' },
    ],
    ok: false,
    durationMs: 12,
    withheld: [],
    attachments: ['a.ts'],
  });
});

test('what was withheld is said, and lines that are cut or no objects are passed over', () => {
  const up = '{"event":"sendPrompt","withheld":{"fields":["text"],"bytes":40,"rule":"left out"}}\n[1]\nnull\n';
  expect(outcomeOf(up, '{"content":"x"}\n{"output":"cut of', say)).toMatchObject({
    withheld: ['text/40/left out'],
    outputs: [{ name: 'content', text: 'x' }],
  });
  expect(outcomeOf('', '{"jsonrpc":"2.0","id":1,"result":{"ok":true}}', say).outputs).toEqual([
    { name: 'result', text: '{\n  "ok": true\n}' },
  ]);
});
