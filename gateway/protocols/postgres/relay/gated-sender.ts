/** Sends in order; what is sent while a gate is closed waits until all gates are open. */
export class GatedSender {
  readonly #send: (pieces: readonly Uint8Array[]) => void;
  #gates = 0;
  #waiting: Uint8Array[] = [];
  /** Bytes that wait. */
  bytes = 0;

  constructor(send: (pieces: readonly Uint8Array[]) => void) {
    this.#send = send;
  }

  /** Nothing waits and no gate is closed. */
  get open(): boolean {
    return this.#gates === 0;
  }

  send(pieces: readonly Uint8Array[]): void {
    if (this.#gates === 0) {
      this.#send(pieces);
      return;
    }
    for (const piece of pieces) {
      this.#waiting.push(piece);
      this.bytes += piece.length;
    }
  }

  close(): void {
    this.#gates++;
  }

  /** Opens one gate; sends what waited when it was the last. */
  release(): void {
    if (--this.#gates > 0 || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.drop();
    this.#send(waiting);
  }

  drop(): void {
    this.#waiting = [];
    this.bytes = 0;
  }
}
