/** asciicast, versions 3 and 2: https://docs.asciinema.org/manual/asciicast/v3/ */
export interface CastHeader {
  columns: number;
  rows: number;
  /** Seconds since the epoch. */
  timestamp: number;
  title: string;
  /** $TERM; default xterm-256color. */
  type?: string;
  command?: string;
}

export function castHead(version: 2 | 3, { columns, rows, timestamp, title, ...rest }: CastHeader): string {
  const type = rest.type || 'xterm-256color';
  const about = { timestamp, title, ...(rest.command ? { command: rest.command } : {}) };
  return version === 3
    ? JSON.stringify({ version, term: { cols: columns, rows, type }, ...about })
    : JSON.stringify({ version, width: columns, height: rows, ...about, env: { TERM: type } });
}

/** Events of a recording whose time goes on only by pass(). */
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

  /** As a terminal gets it. */
  output(text: string): void {
    this.#event('o', text);
  }

  input(text: string): void {
    this.#event('i', text);
  }

  resize(columns: number, rows: number): void {
    this.#event('r', `${columns}x${rows}`);
  }

  /** One line of a terminal, and the beginning of the next. */
  line(text: string): void {
    this.#event('o', `${text}\r\n`);
  }

  /** Names a place in the recording, where a player can jump to. */
  marker(label: string): void {
    this.#event('m', label);
  }

  /** Version 3 says how it ended. */
  end(code = 0): void {
    if (this.#version === 3) this.#event('x', String(code));
  }

  #event(code: string, data: string): void {
    const at = this.#version === 3 ? this.#now - this.#last : this.#now;
    this.#last = this.#now;
    // Three digits of a second, as asciinema writes them.
    this.#write(`[${(at / 1000).toFixed(3)}, ${JSON.stringify(code)}, ${JSON.stringify(data)}]`);
  }
}
