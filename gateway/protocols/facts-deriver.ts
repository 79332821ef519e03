import type { DeriveSink, SessionDeriver, StatementFacts } from '../pipeline/derive.ts';
import { verdictOf } from '../pipeline/verdict-of.ts';

/** For protocols whose recorder tells all there is of each operation: bytes only say when it began and ended. */
export class FactsDeriver implements SessionDeriver {
  #sink: DeriveSink = {};
  #exchange = 0;
  #facts: readonly StatementFacts[] = [];
  #first: number | null = null;
  #last = 0;

  begin(exchange: number, facts: readonly StatementFacts[], sink: DeriveSink): void {
    this.#exchange = exchange;
    this.#facts = facts;
    this.#sink = sink;
    this.#first = null;
  }

  up(_bytes: Uint8Array, atMs: number): void {
    this.#first ??= atMs;
    this.#last = atMs;
  }

  down(_bytes: Uint8Array, atMs: number): void {
    this.up(_bytes, atMs);
  }

  gap(): void {}

  end(): void {
    const began = this.#first ?? this.#last;
    for (const [ordinal, facts] of this.#facts.entries()) {
      const { decision, error } = facts;
      this.#sink.statement?.({
        exchange: this.#exchange,
        ordinal,
        part: 0,
        copyIn: null,
        startedUs: Math.round(began * 1000),
        durationMs: Math.max(0, Math.round((this.#last - began) * 1000) / 1000),
        heldMs: facts.heldMs ?? 0,
        text: facts.text ?? '',
        parameters: [],
        op: facts.op ?? '',
        class: facts.class ?? 'unknown',
        verdict: verdictOf(decision),
        policyIds: decision?.verdict.policyIds ?? [],
        approvalId: decision?.approvalId ?? null,
        decidedBy: decision?.decidedBy ?? null,
        rows: facts.rows ?? 0,
        tag: error == null ? (facts.op ?? null) : null,
        error: error == null ? null : { sqlstate: error, message: decision?.message ?? '' },
        columns: [],
        masked: { ...facts.masked },
        formats: [],
        objects: facts.objects ?? [],
      });
    }
  }

  snapshot(): unknown {
    return null;
  }

  restore(): void {}
}
