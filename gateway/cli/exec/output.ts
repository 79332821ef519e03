import { write } from 'node:fs';

/** Bytes that wait to be written above which their source should pause. */
const HIGH = 1024 * 1024;
const AGAIN_MS = 5;

/**
 * Bytes to a descriptor of ours, in order. Written by the thread pool, so that a reader that does not read
 * holds up neither signals nor the gateway, and so that the descriptor, which other processes share, is not
 * made non-blocking.
 */
export class OutputQueue {
  readonly #fd: number;
  #waiting: Uint8Array[] = [];
  #length = 0;
  #writing = false;
  #broken = false;
  #idle: (() => void)[] = [];
  /** Called when less waits than before the source had to pause. */
  onDrain: () => void = () => {};
  /** Called once when nobody reads any more. */
  onBroken: () => void = () => {};

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** @returns false when the source should pause until onDrain. */
  push(bytes: Uint8Array): boolean {
    if (this.#broken) return true;
    this.#waiting.push(bytes);
    this.#length += bytes.length;
    if (!this.#writing) this.#next();
    return this.#length < HIGH;
  }

  get isFull(): boolean {
    return this.#length >= HIGH;
  }

  /** Resolves when all of it is written, or nobody reads. */
  flushed(): Promise<void> {
    if (this.#length === 0 || this.#broken) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    const { length } = this.#waiting;
    if (length === 0) {
      this.#writing = false;
      for (const resolve of this.#idle.splice(0)) resolve();
      return;
    }
    this.#writing = true;
    const bytes = length === 1 ? (this.#waiting[0] as Uint8Array) : Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#write(bytes);
  }

  #write(bytes: Uint8Array): void {
    write(this.#fd, bytes, (error, written) => {
      if (error?.code === 'EAGAIN') {
        setTimeout(() => this.#write(bytes), AGAIN_MS);
        return;
      }
      if (error !== null) {
        this.#broken = true;
        this.#waiting = [];
        this.#length = 0;
        for (const resolve of this.#idle.splice(0)) resolve();
        this.onBroken();
        return;
      }
      const wasFull = this.isFull;
      this.#length -= written;
      if (wasFull && !this.isFull) this.onDrain();
      if (written < bytes.length) this.#write(bytes.subarray(written));
      else this.#next();
    });
  }
}
