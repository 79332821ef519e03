import type { BackendKey } from '../codec/backend.ts';

/**
 * The gateway's own cancellation keys: a client never learns the server's. The process id is the
 * server's where it gave one, since clients compare it (pg_backend_pid(), notifications of their own);
 * several servers may use the same, so the secret tells their sessions apart. Secrets are compared
 * without giving away by time how much of one was right.
 */
export class CancelRegistry {
  readonly #sessions = new Map<number, { secret: Uint8Array; cancel: () => void }[]>();
  readonly #random: (bytes: number) => Uint8Array;
  readonly #equal: (a: Uint8Array, b: Uint8Array) => boolean;

  constructor(random: (bytes: number) => Uint8Array, equal: (a: Uint8Array, b: Uint8Array) => boolean) {
    this.#random = random;
    this.#equal = equal;
  }

  /**
   * @param minor protocol 3.2 takes longer secrets.
   * @param serverPid null: the server gave none, and one is made up.
   */
  add(minor: number, serverPid: number | null, cancel: () => void): BackendKey {
    const secret = this.#random(minor >= 2 ? 32 : 4);
    const made = new DataView(this.#random(4).slice().buffer).getUint32(0) & 0x7fffffff;
    const pid = serverPid ?? made;
    const others = this.#sessions.get(pid);
    if (others) others.push({ secret, cancel });
    else this.#sessions.set(pid, [{ secret, cancel }]);
    return { pid, secret };
  }

  remove({ pid, secret }: BackendKey): void {
    const left = (this.#sessions.get(pid) ?? []).filter((session) => session.secret !== secret);
    if (left.length === 0) this.#sessions.delete(pid);
    else this.#sessions.set(pid, left);
  }

  cancel(pid: number, secret: Uint8Array): void {
    for (const session of this.#sessions.get(pid) ?? []) {
      if (session.secret.length === secret.length && this.#equal(session.secret, secret)) session.cancel();
    }
  }
}
