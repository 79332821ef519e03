import { FrameScanner } from '../../protocols/postgres/codec/frame-scanner.ts';
import { frontendLimits } from '../../protocols/postgres/codec/limits.ts';
import { frontend } from '../../protocols/postgres/codec/messages.ts';
import { readRequest } from '../../protocols/postgres/derive/requests.ts';
import type { RecordedExchange } from '../../recording/recorded.ts';

/** Names that are followed; a session with more keeps the latest. */
const MAX_NAMES = 10_000;

/**
 * Where the text and the parameters of what an exchange executes were sent, when that was in an
 * exchange before it: prepared statements live for the session, portals for the transaction.
 */
export class Origins {
  readonly #parsed = new Map<string, number>();
  readonly #bound = new Map<string, { exchange: number; statement: string }>();

  /** @returns exchanges before this one. */
  see({ exchange, up }: RecordedExchange): { texts: Set<number>; parameters: Set<number> } {
    const texts = new Set<number>();
    const parameters = new Set<number>();
    const scanner = new FrameScanner('frontend', frontendLimits(), [frontend.CopyData]);
    const text = (statement: string) => {
      const from = this.#parsed.get(statement);
      if (from !== undefined && from !== exchange) texts.add(from);
    };
    try {
      for (const { bytes, at } of up) {
        if (bytes === null) break;
        scanner.feed(bytes);
        while (scanner.next()) {
          if (scanner.type === frontend.CopyData) continue;
          const request = readRequest(scanner, at);
          if (request?.kind === 'parse') this.#set(this.#parsed, request.name, exchange);
          if (request?.kind === 'bind') {
            this.#set(this.#bound, request.portal, { exchange, statement: request.statement });
            text(request.statement);
          }
          if (request?.kind === 'execute') {
            const bound = this.#bound.get(request.portal);
            if (bound === undefined || bound.exchange === exchange) continue;
            parameters.add(bound.exchange);
            text(bound.statement);
          }
        }
      }
    } catch {
      // What is no message names nothing.
    }
    return { texts, parameters };
  }

  #set<V>(map: Map<string, V>, name: string, value: V): void {
    map.delete(name);
    map.set(name, value);
    if (map.size > MAX_NAMES) map.delete(map.keys().next().value!);
  }
}
