/** asciicast, versions 3 and 2: https://docs.asciinema.org/manual/asciicast/v3/ */
export interface CastHeader {
  columns: number;
  rows: number;
  /** Seconds since the epoch. */
  timestamp: number;
  title: string;
}

export function castHead(version: 2 | 3, { columns, rows, timestamp, title }: CastHeader): string {
  return version === 3
    ? JSON.stringify({ version, term: { cols: columns, rows, type: 'xterm-256color' }, timestamp, title })
    : JSON.stringify({ version, width: columns, height: rows, timestamp, title, env: { TERM: 'xterm-256color' } });
}

/** Output events of a recording whose time goes on only by pass(). */
export class CastWriter {
  readonly #version: 2 | 3;
  readonly #write: (line: string) => void;
  /** Milliseconds since the beginning, and of the last event. */
  #now = 0;
  #last = 0;

  constructor(version: 2 | 3, write: (line: string) => void) {
    this.#version = version;
    this.#write = write;
  }

  pass(milliseconds: number): void {
    this.#now += milliseconds;
  }

  /** One line of a terminal, and the beginning of the next. */
  line(text: string): void {
    this.#event('o', `${text}\r\n`);
  }

  /** Names a place in the recording, where a player can jump to. */
  marker(label: string): void {
    this.#event('m', label);
  }

  /** Version 3 says that it ended well. */
  end(): void {
    if (this.#version === 3) this.#event('x', '0');
  }

  #event(code: string, data: string): void {
    const at = this.#version === 3 ? this.#now - this.#last : this.#now;
    this.#last = this.#now;
    // Three digits of a second, as asciinema writes them.
    this.#write(`[${(at / 1000).toFixed(3)}, ${JSON.stringify(code)}, ${JSON.stringify(data)}]`);
  }
}
