import { equal, fromBase64, toBase64 } from './format/bytes.ts';
import { nodePrimitives as p } from './primitives.ts';

/** What the device's log says of a session: signed elsewhere, so it holds whatever became of the recording. */
export interface LoggedSession {
  /** base64 of the session's first public key. */
  key: string;
  /** base64 SHA-256 of the open event's line. */
  open: string;
  /** Heads of the session that the log holds, smallest first. */
  heads: readonly { size: number; root: string; where: string }[];
  closed: { state: string; size: number; root: string; units: number; sums: string } | null;
}

export interface LoggedCheck {
  name: string;
  status: 'ok' | 'failed' | 'not-checked';
  sentence: string;
}

/** Compares a recording with the device's log while it is walked. */
export class LoggedChecks {
  readonly #logged: LoggedSession;
  readonly #heads: { size: number; root: Uint8Array | null; where: string; matched: boolean }[];

  #next = 0;

  constructor(logged: LoggedSession) {
    this.#logged = logged;
    const closing = logged.closed === null ? [] : [{ ...logged.closed, where: 'its closing in the log' }];
    this.#heads = [...logged.heads, ...closing]
      .map(({ size, root, where }) => ({ size, root: fromBase64(root), where, matched: false }))
      .sort((a, b) => a.size - b.size);
  }

  /** After each event. */
  at(size: number, root: () => Uint8Array): void {
    for (; this.#next < this.#heads.length && this.#heads[this.#next]!.size <= size; this.#next += 1) {
      const head = this.#heads[this.#next]!;
      head.matched = head.size === size && head.root !== null && equal(head.root, root());
    }
  }

  /** Whether a key that a later event names is under a head that the log holds. */
  vouches(base64: string, from: number): boolean {
    if (from === 0) return base64 === this.#logged.key;
    return this.#heads.some(({ size, matched }) => matched && size > from);
  }

  conclude(found: {
    open: Uint8Array | null;
    size: number;
    units: number;
    state: string | null;
    sums: Uint8Array | null;
  }): LoggedCheck[] {
    const { open } = found;
    const opened = open !== null && toBase64(p.sha256(open)) === this.#logged.open;
    return [
      opened
        ? { name: 'opening', status: 'ok', sentence: "The open event is the one that the device's log names." }
        : { name: 'opening', status: 'failed', sentence: "The open event is not the one that the device's log names." },
      this.#left(found.size),
      this.#closing(found),
    ];
  }

  #left(size: number): LoggedCheck {
    const name = 'heads that had left';
    const trimmed = this.#heads.findLast((head) => head.size > size);
    if (trimmed !== undefined) {
      const sentence = `The recording was trimmed, or parts of it are missing: ${trimmed.where} is over ${trimmed.size} events, and ${size} are here.`;
      return { name, status: 'failed', sentence };
    }
    const other = this.#heads.find(({ matched }) => !matched);
    if (other !== undefined) {
      const sentence = `The recording was changed: its first ${other.size} events are not those of ${other.where}.`;
      return { name, status: 'failed', sentence };
    }
    if (this.#heads.length === 0) {
      const sentence =
        "The device's log holds no head of this session yet, so what was cut off its end would not show.";
      return { name, status: 'not-checked', sentence };
    }
    const sentence = `The recording holds what the device's log has of it: ${this.#heads.length} of its heads.`;
    return { name, status: 'ok', sentence };
  }

  #closing({
    units,
    state,
    sums,
    size,
  }: {
    units: number;
    state: string | null;
    sums: Uint8Array | null;
    size: number;
  }): LoggedCheck {
    const name = 'closing in the log';
    const { closed } = this.#logged;
    if (closed === null) {
      const sentence =
        state === null
          ? "Neither the recording nor the device's log says that the session ended."
          : "The recording was closed, and the device's log does not say so yet.";
      return { name, status: 'not-checked', sentence };
    }
    const wrong = [
      closed.state === state ? null : `is ${state ?? 'open'} here and ${closed.state} there`,
      closed.size === size ? null : `has ${size} events here and ${closed.size} there`,
      closed.units === units ? null : `has ${units} units here and ${closed.units} there`,
      sums !== null && toBase64(p.sha256(sums)) === closed.sums ? null : 'has another SHA256SUMS than there, or none',
    ].filter((one) => one !== null);
    if (wrong.length === 0) return { name, status: 'ok', sentence: "Its end is the one that the device's log states." };
    return {
      name,
      status: 'failed',
      sentence: `The session's end is not the one that the device's log states: it ${wrong.join('; it ')}.`,
    };
  }
}
