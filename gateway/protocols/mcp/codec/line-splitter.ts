const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * Bytes of a stdio stream into lines (MCP, transports, stdio: messages are delimited by newlines and
 * hold none). Bounded: a line above `maxBytes` ends the stream with `too-large`, and nothing after it is read.
 */
export class LineSplitter {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #held = 0;
  #broken = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @returns the lines that this chunk completes, without line ends, empty ones left out; null: too large. */
  push(chunk: Uint8Array): string[] | null {
    if (this.#broken) return null;
    const lines: string[] = [];
    let from = 0;
    for (;;) {
      const at = chunk.indexOf(NEWLINE, from);
      if (at === -1) break;
      const line = this.#complete(chunk.subarray(from, at));
      if (line === null) return null;
      if (line !== '') lines.push(line);
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    if (this.#held + rest.length > this.#maxBytes) return this.#break();
    if (rest.length > 0) {
      this.#parts.push(rest.slice());
      this.#held += rest.length;
    }
    return lines;
  }

  #complete(end: Uint8Array): string | null {
    if (this.#held + end.length > this.#maxBytes) return this.#break();
    let bytes = end;
    if (this.#parts.length > 0) {
      bytes = new Uint8Array(this.#held + end.length);
      let offset = 0;
      for (const part of [...this.#parts, end]) {
        bytes.set(part, offset);
        offset += part.length;
      }
      this.#parts = [];
      this.#held = 0;
    }
    if (bytes.at(-1) === RETURN) bytes = bytes.subarray(0, -1);
    return new TextDecoder().decode(bytes);
  }

  #break(): null {
    this.#broken = true;
    this.#parts = [];
    return null;
  }
}
