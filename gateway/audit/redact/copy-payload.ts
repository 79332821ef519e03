const COPY_DATA = 0x64;

/**
 * The data of COPY in one direction of an exchange, without the frames around its pieces: a client may
 * cut its data where it likes, also within a value. Bytes that are no messages end it.
 */
export class CopyPayload {
  #header: number[] = [];
  #left = 0;
  #copying = false;
  #broken = false;

  /** @param piece called for each stretch of data in `bytes`. */
  feed(bytes: Uint8Array, piece: (data: Uint8Array) => void): void {
    let at = 0;
    while (at < bytes.length && !this.#broken) {
      if (this.#left > 0) {
        const end = Math.min(bytes.length, at + this.#left);
        if (this.#copying) piece(bytes.subarray(at, end));
        this.#left -= end - at;
        at = end;
        continue;
      }
      this.#header.push(bytes[at]!);
      at += 1;
      if (this.#header.length < 5) continue;
      const [type = 0, ...length] = this.#header;
      this.#header = [];
      this.#left = length.reduce((sum, byte) => sum * 256 + byte, 0) - 4;
      this.#copying = type === COPY_DATA;
      this.#broken = this.#left < 0;
    }
  }
}
