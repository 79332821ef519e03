import {
  type ErrorSummary,
  readCommandComplete,
  readErrorFields,
  readReadyForQuery,
  readRowDescription,
  summarizeError,
} from '../codec/backend.ts';
import { backend, type TransactionStatus } from '../codec/messages.ts';
import type { FieldDescription } from '../ports.ts';

/** One result of an own statement. */
export interface OwnResult {
  fields: readonly FieldDescription[];
  /** Bodies of the first DataRows, as the server sent them. */
  rows: readonly Uint8Array[];
  /** How many rows came. */
  count: number;
  /** '' where the statement did not end. */
  tag: string;
}

export interface OwnAnswer {
  results: readonly OwnResult[];
  error: ErrorSummary | null;
  status: TransactionStatus;
}

const MAX_RESULTS = 64;

/** Gathers the answers to messages of the gateway's own, up to ReadyForQuery; keeps of rows what its limits admit. */
export class OwnAnswers {
  readonly answer: Promise<OwnAnswer>;
  readonly #resolve: (answer: OwnAnswer) => void;
  readonly #maxRows: number;
  readonly #maxBytes: number;
  #bytes = 0;
  #results: OwnResult[] = [];
  #fields: readonly FieldDescription[] = [];
  #rows: Uint8Array[] = [];
  #count = 0;
  #error: ErrorSummary | null = null;
  #status: TransactionStatus = 'idle';

  constructor(maxRows: number, maxBytes: number) {
    this.#maxRows = maxRows;
    this.#maxBytes = maxBytes;
    const { promise, resolve } = Promise.withResolvers<OwnAnswer>();
    this.answer = promise;
    this.#resolve = resolve;
  }

  /** @returns true at ReadyForQuery. */
  message(type: number, bytes: Uint8Array, start: number, end: number): boolean {
    switch (type) {
      case backend.RowDescription:
        this.#fields = readRowDescription(bytes, start, end);
        break;
      case backend.DataRow:
        this.#count++;
        this.#bytes += end - start;
        if (this.#rows.length < this.#maxRows && this.#bytes <= this.#maxBytes) {
          this.#rows.push(Uint8Array.prototype.slice.call(bytes, start, end));
        }
        break;
      case backend.CommandComplete:
        this.#ended(readCommandComplete(bytes, start, end));
        break;
      case backend.ErrorResponse:
        this.#error ??= summarizeError(readErrorFields(bytes, start, end));
        break;
      case backend.ReadyForQuery:
        this.#status = readReadyForQuery(bytes, start, end);
        return true;
    }
    return false;
  }

  finish(): void {
    this.#resolve({ results: this.#results, error: this.#error, status: this.#status });
  }

  #ended(tag: string): void {
    if (this.#results.length < MAX_RESULTS) {
      this.#results.push({ fields: this.#fields, rows: this.#rows, count: this.#count, tag });
    }
    this.#fields = [];
    this.#rows = [];
    this.#count = 0;
    this.#bytes = 0;
  }
}
