import type { BackendKey } from '../codec/backend.ts';

/**
 * The gateway's own cancellation keys: a client never learns the server's. Keys are compared without
 * giving away by time how much of one was right.
 */
export class CancelRegistry {
  readonly #sessions = new Map<number, { secret: Uint8Array; cancel: () => void }>();
  readonly #random: (bytes: number) => Uint8Array;
  readonly #equal: (a: Uint8Array, b: Uint8Array) => boolean;

  constructor(random: (bytes: number) => Uint8Array, equal: (a: Uint8Array, b: Uint8Array) => boolean) {
    this.#random = random;
    this.#equal = equal;
  }

  /** @param minor protocol 3.2 takes longer keys. */
  add(minor: number, cancel: () => void): BackendKey {
    const secret = this.#random(minor >= 2 ? 32 : 4);
    let pid: number;
    do {
      pid = new DataView(this.#random(4).buffer.slice(0)).getUint32(0) & 0x7fffffff;
    } while (pid === 0 || this.#sessions.has(pid));
    this.#sessions.set(pid, { secret, cancel });
    return { pid, secret };
  }

  remove(pid: number): void {
    this.#sessions.delete(pid);
  }

  cancel(pid: number, secret: Uint8Array): void {
    const session = this.#sessions.get(pid);
    if (session && session.secret.length === secret.length && this.#equal(session.secret, secret)) session.cancel();
  }
}
