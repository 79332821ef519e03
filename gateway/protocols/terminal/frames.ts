/**
 * What `countersign exec` and the gateway say to each other over one connection: frames of
 * `length[4, big-endian] type[1] payload[length]`. The command line starts with this file, so it imports nothing.
 */
export const FRAME = {
  // from the command line
  hello: 1,
  files: 2,
  input: 3,
  output: 4,
  /** Standard error, where it is not the same terminal. */
  errors: 5,
  resize: 6,
  /** What the files of `start` are now; not sent where it names none. */
  started: 7,
  ended: 8,
  note: 9,
  /** What a command would touch, as far as it is found. */
  looked: 10,
  // from the gateway
  need: 16,
  held: 17,
  denied: 18,
  start: 19,
  /** All input, output and errors up to here are recorded: three counts of bytes, each 8 bytes big-endian. */
  ack: 20,
  stop: 21,
  done: 22,
  /** To be looked at while a person reads. */
  look: 23,
} as const;
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** Terminal data of one frame; what a person types is one frame a read. */
export const MAX_DATA = 64 * 1024;
/** Messages in JSON: a command line, or the scripts it names. */
export const MAX_MESSAGE = 8 * 1024 * 1024;
/** Bytes of one stream that may be under way before they have to be acknowledged. */
export const WINDOW = 1024 * 1024;

export interface Frame {
  type: number;
  payload: Uint8Array;
}

const isData = (type: number) => type === FRAME.input || type === FRAME.output || type === FRAME.errors;

export function encodeFrame(type: FrameType, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(5 + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length);
  frame[4] = type;
  frame.set(payload, 5);
  return frame;
}

export function encodeMessage(type: FrameType, message: object): Uint8Array {
  return encodeFrame(type, new TextEncoder().encode(JSON.stringify(message)));
}

export function encodeAck(counts: readonly [input: number, output: number, errors: number]): Uint8Array {
  const payload = new Uint8Array(24);
  const view = new DataView(payload.buffer);
  for (const [i, count] of counts.entries()) view.setBigUint64(i * 8, BigInt(count));
  return encodeFrame(FRAME.ack, payload);
}

/** Throws a RangeError when it is none. */
export function decodeAck(payload: Uint8Array): [input: number, output: number, errors: number] {
  if (payload.length !== 24) throw new RangeError('an acknowledgement has 24 bytes');
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  return [0, 8, 16].map((at) => Number(view.getBigUint64(at))) as [number, number, number];
}

/** Cuts a stream into frames; holds no more than one frame that is not whole. */
export class FrameReader {
  #held: Uint8Array[] = [];
  #length = 0;
  #wanted = 5;

  /** Frames that are whole with these bytes. Throws a RangeError when a frame is longer than its type may be. */
  *push(chunk: Uint8Array): Generator<Frame> {
    if (chunk.length === 0) return;
    this.#held.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#wanted) return;
    let bytes = this.#held.length === 1 ? chunk : joined(this.#held, this.#length);
    this.#held = [];
    this.#length = 0;
    this.#wanted = 5;
    while (bytes.length >= 5) {
      const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
      const type = bytes[4] ?? 0;
      if (length > (isData(type) ? MAX_DATA : MAX_MESSAGE)) throw new RangeError('a frame is too long');
      if (bytes.length < 5 + length) {
        this.#wanted = 5 + length;
        break;
      }
      yield { type, payload: bytes.subarray(5, 5 + length) };
      bytes = bytes.subarray(5 + length);
    }
    if (bytes.length === 0) return;
    this.#held = [bytes];
    this.#length = bytes.length;
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
