import { expect, it } from 'vitest';
import { eventParser } from './event-stream.ts';

function eventsOf(...parts: string[]): string[] {
  const seen: string[] = [];
  const take = eventParser((text) => seen.push(text));
  for (const part of parts) expect(take(part)).toBe(true);
  return seen;
}

const STREAM = ': hello\n\ndata: {"a":1}\n\nevent: x\nid: 7\ndata: one\ndata:two\n\n: beat\r\n\r\ndata: last\r\n\r\n';

it('gives the data of each event, whatever else it says', () => {
  expect(eventsOf(STREAM)).toEqual(['{"a":1}', 'one\ntwo', 'last']);
});

it('gives the same however it is cut, and nothing of an event that has not ended', () => {
  for (let cut = 0; cut < STREAM.length; cut++) {
    expect(eventsOf(STREAM.slice(0, cut), STREAM.slice(cut))).toEqual(['{"a":1}', 'one\ntwo', 'last']);
  }
  expect(eventsOf('data: cut off\n')).toEqual([]);
});
