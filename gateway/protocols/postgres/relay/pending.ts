import type { Decision } from '../../../contract/decision.ts';
import type { OutputTaint, PutTokens } from '../ports.ts';
import type { PortalInfo, StatementInfo } from './names.ts';
import type { OwnAnswers } from './own-answers.ts';

/** Messages sent to the server whose answers have not come yet, oldest first. */
export const PENDING = {
  query: 1,
  parse: 2,
  bind: 3,
  describeStatement: 4,
  describePortal: 5,
  execute: 6,
  closeStatement: 7,
  closePortal: 8,
  sync: 9,
  functionCall: 10,
  /** CopyDone or CopyFail: no answer of its own; separates the Syncs the server ignored during COPY. */
  copyEnd: 11,
  /** Our own Describe before an Execute: its answers are kept from the client. */
  ownDescribe: 12,
  /** Messages of the gateway's own up to their Sync: their answers are kept from the client. */
  own: 13,
  /** A Bind of the client sent once more, since an own Sync ended its portal: BindComplete is kept from the client. */
  ownBind: 14,
  /** A statement prepared once more, for values in place of tokens: its answers are kept from the client. */
  tokensParse: 15,
} as const;
export type PendingKind = (typeof PENDING)[keyof typeof PENDING];

/** A statement on its way: made when it is forwarded, told to the recorder when it ends. */
export interface Run {
  statement: StatementInfo;
  /** What its results depend on. */
  output: OutputTaint;
  decision: Decision;
  digest: string | null;
  heldMs: number;
  rows: number;
  error: string | null;
  masked: Record<string, number> | null;
  maskedColumns: [result: number, columns: readonly number[] | null][] | null;
  /** Results of the message that are complete; a Query can have many. */
  result: number;
  /** The client sees this in place of the server's error: the message was replaced by one that fails. */
  substitute: { message: Uint8Array; sqlstate: string; opensBlock: boolean } | null;
  /** Definitions that this statement makes by SQL (PREPARE, DECLARE), to be confirmed when it succeeds. */
  defined: readonly { table: 'statements' | 'cursors'; name: string; ticket: number }[];
  /** What it closes by SQL (DEALLOCATE, CLOSE) once it has succeeded: all that was defined before it was sent. */
  closes: readonly { table: 'statements' | 'cursors' | 'portals'; name: string; mark: number }[];
  /** CommandComplete or the like was seen. */
  done: boolean;
  /** Values put in: what the server says of it may quote them. */
  tokens: PutTokens | null;
}

export interface Pending {
  kind: PendingKind;
  exchange: number;
  run: Run | null;
  name: string;
  ticket: number;
  statement: StatementInfo | null;
  portal: PortalInfo | null;
  own: OwnAnswers | null;
}

const INITIAL = 64;

/** A ring: no allocation of its own while it does not grow. */
export class PendingQueue {
  #items: (Pending | undefined)[] = new Array(INITIAL);
  #head = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(item: Pending): void {
    if (this.#size === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#size) & (this.#items.length - 1)] = item;
    this.#size++;
  }

  peek(): Pending | undefined {
    return this.#size === 0 ? undefined : this.#items[this.#head];
  }

  at(index: number): Pending | undefined {
    return index >= this.#size ? undefined : this.#items[(this.#head + index) & (this.#items.length - 1)];
  }

  some(test: (item: Pending) => boolean): boolean {
    for (let i = 0; i < this.#size; i++) if (test(this.at(i)!)) return true;
    return false;
  }

  shift(): Pending | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#size--;
    return item;
  }

  /** Keeps the items for which `keep` is true, in order. */
  filter(keep: (item: Pending, index: number) => boolean): void {
    const kept: Pending[] = [];
    for (let i = 0; i < this.#size; i++) {
      const item = this.at(i)!;
      if (keep(item, i)) kept.push(item);
    }
    this.#head = 0;
    this.#size = kept.length;
    this.#items.fill(undefined);
    for (let i = 0; i < kept.length; i++) this.#items[i] = kept[i];
  }

  #grow(): void {
    const next: (Pending | undefined)[] = new Array(this.#items.length * 2);
    for (let i = 0; i < this.#size; i++) next[i] = this.at(i);
    this.#items = next;
    this.#head = 0;
  }
}
