import { expect, test } from 'vitest';
import type { TerminalEvent } from '../../../../../../gateway/contract/terminal.ts';
import { bytesOf, framesOf, framesUntil } from './timeline.ts';

const output = (at: number): TerminalEvent => ({ kind: 'output', at, data: '' });

test('silence is cut, and the rest keeps its pace', () => {
  const frames = framesOf([output(500), output(600), output(60_600), output(60_700), output(60_650)]);
  expect(frames.map(({ at }) => at)).toEqual([0, 100, 1600, 1700, 1700]);
  expect(framesOf([])).toEqual([]);
});

test('what has happened at a time is found', () => {
  const frames = framesOf([output(0), output(100), output(100), output(300)]);
  expect([-1, 0, 99, 100, 299, 300, 1000].map((at) => framesUntil(frames, at))).toEqual([0, 1, 1, 3, 3, 4, 4]);
});

test('bytes are bytes, whatever they are', () => {
  expect([...bytesOf(btoa('\u0000\u00ff\u001b'))]).toEqual([0, 255, 27]);
});
