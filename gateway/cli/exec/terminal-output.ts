import { ReadStream } from 'node:tty';
import { MAX_DATA } from '../../protocols/terminal/frames.ts';
import type { OutputQueue } from './output.ts';
import type { Recorded } from './recorded.ts';

/** A terminal gives no more in one read; a read that fills its buffer is followed by another one at once. */
const READ = 4096;
/** While much comes, how long it is gathered. */
const GATHER_MS = 4;

/** Output of a terminal, to the recording and then to the screen. */
export class TerminalOutput {
  readonly terminal: ReadStream;
  readonly #queue: OutputQueue;
  readonly #recorded: Recorded;
  readonly #closed: Promise<void>;
  #gathered = Buffer.allocUnsafeSlow(MAX_DATA);
  #length = 0;
  #waiting = false;
  #paused = false;
  #lastRead = performance.now();
  #lastFlush = 0;

  constructor(fd: number, queue: OutputQueue, recorded: Recorded) {
    this.#queue = queue;
    this.#recorded = recorded;
    this.terminal = new ReadStream(fd, {
      onread: {
        buffer: Buffer.allocUnsafeSlow(READ),
        callback: (length, buffer) => {
          this.#take((buffer as Buffer).subarray(0, length));
          return true;
        },
      },
    });
    const { terminal } = this;
    const breathe = () => {
      if (!this.#paused || queue.isFull || recorded.isAhead('output')) return;
      this.#paused = false;
      terminal.resume();
    };
    queue.onDrain = breathe;
    recorded.onRoom(breathe);
    this.#closed = new Promise<void>((resolve) => {
      // Linux tells the end of a terminal as an input error.
      terminal.on('error', () => resolve());
      terminal.on('close', () => resolve());
      terminal.on('end', () => resolve());
    });
  }

  start(): void {
    this.terminal.resume();
  }

  #take(bytes: Buffer): void {
    this.#lastRead = performance.now();
    bytes.copy(this.#gathered, this.#length);
    this.#length += bytes.length;
    if (this.#length > MAX_DATA - READ) this.#flush();
    else if (!this.#waiting) {
      this.#waiting = true;
      const later = () => {
        this.#waiting = false;
        this.#flush();
      };
      // What comes after a silence is shown at once.
      if (this.#lastRead - this.#lastFlush > GATHER_MS) setImmediate(later);
      else setTimeout(later, GATHER_MS);
    }
  }

  #flush(): void {
    if (this.#length === 0) return;
    const much = this.#length > MAX_DATA / 2;
    const bytes = this.#gathered.subarray(0, this.#length);
    const whole = much ? bytes : Buffer.from(bytes);
    if (much) this.#gathered = Buffer.allocUnsafeSlow(MAX_DATA);
    this.#length = 0;
    this.#lastFlush = performance.now();
    this.#recorded.output('output', whole);
    this.#queue.push(whole);
    if (this.#paused || !(this.#queue.isFull || this.#recorded.isAhead('output'))) return;
    this.#paused = true;
    this.terminal.pause();
  }

  /** Resolves when the terminal has ended, or nothing has come for a while. */
  async over(quietMs: number): Promise<void> {
    this.#lastRead = performance.now();
    const silent = new Promise<void>((resolve) => {
      const look = () => {
        const left = this.#paused ? quietMs : this.#lastRead + quietMs - performance.now();
        if (left <= 0) resolve();
        else setTimeout(look, left);
      };
      look();
    });
    await Promise.race([this.#closed, silent]);
    this.#flush();
  }
}
