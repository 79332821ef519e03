import { expect, test } from 'vitest';
import {
  decodeAck,
  encodeAck,
  encodeFrame,
  encodeMessage,
  FRAME,
  FrameReader,
  MAX_DATA,
  MAX_MESSAGE,
} from './frames.ts';

const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) % 256);
const frames = [
  encodeMessage(FRAME.hello, { cwd: '/', text: 'ls ü' }),
  encodeFrame(FRAME.input, new Uint8Array()),
  encodeFrame(FRAME.output, bytes(300, 1)),
  encodeAck([1, 2 ** 40, 0]),
];
const whole = Uint8Array.from(frames.flatMap((frame) => [...frame]));

function read(chunks: readonly Uint8Array[]) {
  const reader = new FrameReader();
  return chunks.flatMap((chunk) =>
    [...reader.push(chunk)].map(({ type, payload }) => ({ type, payload: [...payload] })),
  );
}

test('frames come out as they went in, however the stream is cut', () => {
  const expected = read([whole]);
  expect(expected.map(({ type }) => type)).toEqual([FRAME.hello, FRAME.input, FRAME.output, FRAME.ack]);
  expect(expected[2]?.payload).toEqual([...bytes(300, 1)]);
  expect(decodeAck(Uint8Array.from(expected[3]?.payload ?? []))).toEqual([1, 2 ** 40, 0]);
  for (let at = 0; at <= whole.length; at++) {
    expect(read([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
  }
  expect(read([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
});

test('the longest frames are taken, longer ones are refused before they come', () => {
  expect(read([encodeFrame(FRAME.output, bytes(MAX_DATA, 3))])).toHaveLength(1);
  const head = (type: number, length: number) => {
    const frame = new Uint8Array(5);
    new DataView(frame.buffer).setUint32(0, length);
    frame[4] = type;
    return frame;
  };
  expect(() => read([head(FRAME.output, MAX_DATA + 1)])).toThrow(RangeError);
  expect(() => read([head(FRAME.hello, MAX_MESSAGE + 1)])).toThrow(RangeError);
  expect(read([head(FRAME.hello, MAX_MESSAGE)])).toEqual([]);
});

test('an acknowledgement of another length is none', () => {
  expect(() => decodeAck(new Uint8Array(23))).toThrow(RangeError);
});
