import { isCountersignError } from '../../../contract/errors.ts';
import { ClientSide } from './client-side.ts';
import { errorResponse } from './denial.ts';
import { ServerSide } from './server-side.ts';
import { type RelayDeps, RelayState } from './state.ts';

/**
 * One established session between a client and the server, without sockets: bytes come in by
 * clientData and serverData, and leave through `deps.io`. Everything is decided, recorded, forwarded
 * and masked in between; after a broken invariant both sides are ended with an error that says why.
 */
export class Relay {
  readonly #state: RelayState;
  readonly #client: ClientSide;
  readonly #server: ServerSide;

  constructor(deps: RelayDeps) {
    this.#state = new RelayState(deps);
    const fail = (error: unknown) => this.#fail(error);
    this.#client = new ClientSide(this.#state, fail);
    this.#server = new ServerSide(this.#state, fail, () => this.#client.relieved());
  }

  clientData(bytes: Uint8Array): void {
    this.#client.data(bytes);
  }

  serverData(bytes: Uint8Array): void {
    this.#server.data(bytes);
  }

  clientEnded(): void {
    this.#client.end();
  }

  serverEnded(): void {
    const state = this.#state;
    if (!state.terminated && !state.clientEnded && !state.toldEnd) {
      this.end('the server closed the connection', '08006');
    } else if (!state.ended) {
      state.ended = true;
      this.#client.stop('the session ended');
      state.deps.io.finish(
        state.terminated
          ? 'the client ended the session'
          : state.clientEnded
            ? 'the client closed its connection'
            : 'the server ended the session',
      );
    }
  }

  /** @returns true when a held statement was withdrawn; false: pass the cancellation on to the server. */
  cancel(): boolean {
    return this.#client.cancel();
  }

  /** Ends the session from the gateway's side; the client reads `reason` as a FATAL error. */
  end(reason: string, sqlstate = '57P01'): void {
    const state = this.#state;
    if (state.ended) return;
    this.#client.stop(reason);
    if (!this.#server.midMessage) this.#tell(errorResponse({ sqlstate, message: `Countersign: ${reason}` }, 'FATAL'));
    state.ended = true;
    state.deps.io.finish(reason);
  }

  #tell(message: Uint8Array): void {
    try {
      this.#server.say(message);
    } catch {
      // The recorder is what failed; the client was told before that was found out.
    }
  }

  /** The sockets are gone: nothing more is sent; what waits for a person is withdrawn. */
  closed(reason: string): void {
    this.#state.ended = true;
    this.#client.stop(reason);
  }

  #fail(error: unknown): void {
    if (isCountersignError(error)) {
      this.end(error.message, SQLSTATES[error.code] ?? (error.code.startsWith('PG_') ? '08P01' : 'XX000'));
    } else {
      this.#state.deps.unexpected(error);
      this.end('an internal error ended this session; nothing was forwarded unrecorded', 'XX000');
    }
  }
}

/** Class 58 and 54: errcodes-appendix. */
const SQLSTATES: Readonly<Record<string, string>> = {
  RECORDING_FAILED: '58030',
  PG_MESSAGE_TOO_LARGE: '54000',
  MASK_ROW_TOO_LARGE: '54000',
};
