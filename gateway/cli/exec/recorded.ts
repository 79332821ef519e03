import { decodeAck, FRAME, MAX_DATA, WINDOW } from '../../protocols/terminal/frames.ts';
import type { GatewayLink } from './link.ts';

const STREAMS = { input: 0, output: 1, errors: 2 } as const;
export type StreamName = keyof typeof STREAMS;

interface Waiting {
  bytes: Uint8Array;
  /** Bytes of input that have to be acknowledged before; 0 for what is not recorded. */
  after: number;
}

/**
 * What is told to the gateway, and how far it has it. Output may be ahead of the recording by a window; input
 * reaches the program only once it is recorded.
 */
export class Recorded {
  readonly #link: GatewayLink;
  readonly #sent: [number, number, number] = [0, 0, 0];
  #acked: [number, number, number] = [0, 0, 0];
  #input: Waiting[] = [];
  #deliver: (bytes: Uint8Array) => void = () => {};
  #room: (() => void)[] = [];

  constructor(link: GatewayLink) {
    this.#link = link;
  }

  acknowledged(payload: Uint8Array): void {
    this.#acked = decodeAck(payload);
    while (this.#input.length > 0 && (this.#input[0]?.after ?? 0) <= this.#acked[0]) {
      this.#deliver(this.#input.shift()?.bytes ?? new Uint8Array());
    }
    for (const again of this.#room) again();
  }

  /** Where input goes once it is recorded. */
  deliverTo(deliver: (bytes: Uint8Array) => void): void {
    this.#deliver = deliver;
  }

  /** @param record false for what the terminal does not show: it goes to the program alone. */
  input(bytes: Uint8Array, record: boolean): void {
    if (record) this.#send('input', bytes);
    const after = record ? this.#sent[0] : (this.#input.at(-1)?.after ?? 0);
    if (after <= this.#acked[0] && this.#input.length === 0) this.#deliver(bytes);
    else this.#input.push({ bytes, after });
  }

  /** Resolves when all input so far was delivered. */
  get inputPending(): boolean {
    return this.#input.length > 0;
  }

  output(stream: 'output' | 'errors', bytes: Uint8Array): void {
    this.#send(stream, bytes);
  }

  #send(stream: StreamName, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_DATA) {
      this.#link.data(FRAME[stream], bytes.subarray(at, at + MAX_DATA));
    }
    this.#sent[STREAMS[stream]] += bytes.length;
  }

  isAhead(stream: StreamName): boolean {
    const at = STREAMS[stream];
    return this.#sent[at] - this.#acked[at] >= WINDOW;
  }

  /** Called at each acknowledgement. */
  onRoom(again: () => void): void {
    this.#room.push(again);
  }
}
