import { duplexPair } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeFrame, encodeMessage, FRAME, MAX_MESSAGE } from './frames.ts';
import { Link } from './link.ts';
import { Resize } from './messages.ts';

function pair(head = new Uint8Array()) {
  const [ours, theirs] = duplexPair();
  theirs.on('error', () => {});
  return { link: new Link(ours, head), theirs };
}

const size = Uint8Array.from(encodeMessage(FRAME.resize, { cols: 80, rows: 24 }));

test('a message is what its type and shape say', async () => {
  const { link, theirs } = pair();
  theirs.write(size);
  expect(await link.message(FRAME.resize, Resize, 1000)).toEqual({ cols: 80, rows: 24 });
});

test('what came with the change of protocol is read first', async () => {
  const { link } = pair(size);
  expect(await link.message(FRAME.resize, Resize, 1000)).toEqual({ cols: 80, rows: 24 });
});

test.each([
  ['another message', encodeMessage(FRAME.ended, {})],
  ['no JSON', encodeFrame(FRAME.resize, new Uint8Array([0x7b, 0xff]))],
  ['another shape', encodeMessage(FRAME.resize, { cols: '80', rows: 24 })],
  ['a size that cannot be', encodeMessage(FRAME.resize, { cols: -1, rows: 24 })],
])('%s is refused in words', async (_what, frame) => {
  const { link, theirs } = pair();
  theirs.write(frame);
  await expect(link.message(FRAME.resize, Resize, 1000)).rejects.toMatchObject({ code: 'TERMINAL_PROTOCOL' });
});

test('a frame that is too long ends the connection before it is read', async () => {
  const { link, theirs } = pair();
  const head = new Uint8Array(5);
  new DataView(head.buffer).setUint32(0, MAX_MESSAGE + 1);
  head[4] = FRAME.hello;
  theirs.write(head);
  await link.closed;
  await expect(link.next(1000)).rejects.toMatchObject({ code: 'TERMINAL_GONE' });
});

test('silence ends the wait, and so does the other side', async () => {
  await expect(pair().link.next(5)).rejects.toMatchObject({ code: 'TERMINAL_SLOW' });
  const { link, theirs } = pair();
  const next = link.next(10_000);
  theirs.end();
  await expect(next).rejects.toMatchObject({ code: 'TERMINAL_GONE' });
});

test('while a listener is busy nothing more is taken, and nothing is lost or changes its order', async () => {
  const { link, theirs } = pair();
  const seen: number[] = [];
  let atOnce = 0;
  let most = 0;
  const done = new Promise<void>((resolve) => {
    link.listen(async (frames) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      for (const { payload } of frames) seen.push(payload[0] ?? -1);
      await turn();
      atOnce -= 1;
      if (seen.length === 200) resolve();
    });
  });
  for (let i = 0; i < 200; i++) theirs.write(encodeFrame(FRAME.output, Uint8Array.of(i, ...new Uint8Array(1000))));
  await done;
  expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => i));
  expect(most).toBe(1);
});

test('who reads nothing of what it is told is cut off', async () => {
  const { link } = pair();
  for (let i = 0; i < 40 && !link.isClosed; i++) {
    link.write(encodeFrame(FRAME.output, new Uint8Array(64 * 1024)));
    await turn();
  }
  expect(link.isClosed).toBe(true);
});
