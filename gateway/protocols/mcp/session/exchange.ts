import type { Decision } from '../../../contract/decision.ts';
import type { Effects } from '../../../contract/operation.ts';
import type { Session } from '../../../contract/session.ts';
import type { SessionRecorder } from '../../../pipeline/ports.ts';
import type { Request, RequestId } from '../codec/message.ts';

/** One request of the client, until its answer is complete. */
export interface Exchange {
  readonly number: number;
  request: Request;
  readonly progressToken: RequestId | null;
  decision: Decision;
  /** null: a message that nobody decides on (initialize, tools/list …). */
  effects: Effects | null;
  /** What was asked, without secrets. */
  text: string;
  digest: string | null;
  heldMs: number;
  masked: Record<string, number>;
  /** The client has its answer. */
  answered: boolean;
  /** The client does not want the answer any more. */
  cancelled: boolean;
  ended: boolean;
}

/** What was asked is whole in the recorded bytes; this is for lists and searches. */
const MAX_TEXT = 64 * 1024;

export const keyOf = (id: RequestId): string => JSON.stringify(id);

/** Writes exchanges into a session's recording, and counts. Throws RECORDING_FAILED, as the recorder does. */
export class ExchangeLog {
  readonly #recorder: SessionRecorder;
  readonly #session: Session;
  readonly #encoder = new TextEncoder();
  readonly #seen = new Set<string>();
  #next = 0;

  constructor(recorder: SessionRecorder, session: Session) {
    this.#recorder = recorder;
    this.#session = session;
  }

  /** @param line the request, without secrets. */
  begin(request: Request, line: string, decision: Decision): Exchange {
    const number = this.#up(line);
    return {
      number,
      request,
      progressToken: progressTokenOf(request),
      decision,
      effects: null,
      text: '',
      digest: null,
      heldMs: 0,
      masked: {},
      answered: false,
      cancelled: false,
      ended: false,
    };
  }

  /** What the client sent that has no answer. */
  alone(line: string): void {
    this.#recorder.end(this.#up(line));
  }

  #up(line: string): number {
    const bytes = this.#encoder.encode(`${line}\n`);
    const number = this.#next++;
    this.#recorder.request(number, bytes);
    this.#session.bytesUp += bytes.length;
    return number;
  }

  down(exchange: Exchange, line: string): void {
    if (exchange.ended) return;
    const bytes = this.#encoder.encode(`${line}\n`);
    this.#recorder.response(exchange.number, bytes);
    this.#session.bytesDown += bytes.length;
  }

  /** @param error a code, or null. */
  end(exchange: Exchange, error: string | null): void {
    if (exchange.ended) return;
    exchange.ended = true;
    const { effects, decision, request, masked } = exchange;
    const session = this.#session;
    const fingerprint = effects?.fingerprint ?? fingerprintOf(request.method);
    const own = effects !== null || error !== null || decision.effect === 'deny';
    const first = !this.#seen.has(fingerprint);
    this.#seen.add(fingerprint);
    session.statements += 1;
    if (decision.approvalId !== null) session.asked += 1;
    if (decision.effect === 'deny') session.denied += 1;
    if (error !== null) session.errors += 1;
    for (const [entity, count] of Object.entries(masked))
      session.masked[entity] = (session.masked[entity] ?? 0) + count;
    this.#recorder.statement(exchange.number, {
      fingerprint,
      class: effects?.class ?? 'session',
      op: request.method,
      decision,
      own,
      text: own || first ? (exchange.text || request.method).slice(0, MAX_TEXT) : null,
      digest: exchange.digest,
      rows: 0,
      error,
      heldMs: exchange.heldMs,
      masked: Object.keys(masked).length > 0 ? masked : null,
      maskedColumns: null,
      objects: effects === null ? [] : effects.ops,
      flags: effects?.flags ?? [],
    });
    this.#recorder.end(exchange.number);
  }
}

function progressTokenOf({ params }: Request): RequestId | null {
  const meta = params._meta;
  const token =
    typeof meta === 'object' && meta !== null && !Array.isArray(meta)
      ? (meta as { progressToken?: unknown }).progressToken
      : undefined;
  return typeof token === 'string' || typeof token === 'number' ? token : null;
}

/** Of messages that nobody decides on: their method, as 16 hex digits (FNV-1a, 64 bits). */
function fingerprintOf(method: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(method))
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, '0');
}
