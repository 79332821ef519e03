import { AppAnswer, type AppQuestion, type Whereabouts } from '../../gateway/contract/desktop.ts';

/** A gateway process that the app started. */
export interface GatewayProcess {
  onMessage(listener: (message: unknown) => void): void;
  /** Once: it ended, or could not be started. `sentence`: what it said last. */
  onEnd(listener: (sentence: string) => void): void;
  ask(question: AppQuestion): void;
  /** From now on it is on its own: the app may end without it. */
  release(): void;
}

export type GatewayState =
  | { kind: 'starting' }
  /** `started`: by this app, which can therefore sign itself in. */
  | { kind: 'running'; started: boolean }
  | { kind: 'stopped'; sentence: string };

export interface SupervisorDeps {
  where(): Promise<Whereabouts>;
  /** Whether a gateway answers on the socket. */
  answers(socket: string): Promise<boolean>;
  start(): GatewayProcess;
  schedule(milliseconds: number, run: () => void): () => void;
  now(): number;
  onState(state: GatewayState): void;
  /** A one-time code of the gateway that this app started. */
  onCode(code: string): void;
}

const FIRST_RETRY_MS = 1000;
const LAST_RETRY_MS = 60_000;
/** Running for so long, it was no failure to start. */
const SETTLED_MS = 60_000;
/** A gateway is given so long to say that it serves; the console's first build takes some seconds. */
const START_MS = 120_000;
const STOP_MS = 30_000;

/** Finds the gateway or starts it, and starts it again when it ends. One that runs already is used as it is. */
export class Supervisor {
  readonly #deps: SupervisorDeps;
  #state: GatewayState = { kind: 'starting' };
  #process: GatewayProcess | null = null;
  #ready = false;
  #startedAt = 0;
  #retryMs = FIRST_RETRY_MS;
  #cancelTimer: (() => void) | null = null;
  #looking = false;
  #ended = false;
  #onGone: (() => void) | null = null;
  socket = '';

  constructor(deps: SupervisorDeps) {
    this.#deps = deps;
  }

  get state(): GatewayState {
    return this.#state;
  }

  /** Also after the gateway stopped answering: never starts a second one. */
  async look(): Promise<void> {
    if (this.#looking || this.#ended || this.#process !== null) return;
    this.#looking = true;
    this.#cancel();
    try {
      const place = await this.#deps.where();
      this.socket = place.socket;
      const up = await this.#deps.answers(place.socket);
      if (this.#ended) return;
      if (up) {
        this.#retryMs = FIRST_RETRY_MS;
        this.#set({ kind: 'running', started: false });
      } else if (place.own) this.#start();
      else {
        this.#stopped('This machine’s protected gateway does not run. Whoever looks after the machine starts it.');
      }
    } catch (error) {
      if (!this.#ended) this.#stopped(error instanceof Error ? error.message : String(error));
    } finally {
      this.#looking = false;
    }
  }

  /** Asks for another code; without a gateway of its own nothing comes. */
  askCode(): void {
    if (this.#ready) this.#process?.ask({ ask: 'code' });
  }

  /** Ends the gateway that this app started, in order: sessions end, recordings are sealed. */
  async stop(): Promise<void> {
    const running = this.#process;
    this.#end();
    if (running === null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onGone = resolve;
    const cancel = this.#deps.schedule(STOP_MS, resolve);
    running.ask({ ask: 'stop' });
    await promise;
    cancel();
  }

  /** The app ends and the gateway stays. */
  release(): void {
    this.#end();
    this.#process?.release();
  }

  #end(): void {
    this.#ended = true;
    this.#cancel();
  }

  #start(): void {
    this.#set({ kind: 'starting' });
    this.#ready = false;
    this.#startedAt = this.#deps.now();
    const started = this.#deps.start();
    this.#process = started;
    started.onMessage((message) => {
      if (this.#process === started) this.#hear(message);
    });
    started.onEnd((sentence) => {
      if (this.#process === started) this.#gone(sentence);
    });
    this.#cancelTimer = this.#deps.schedule(START_MS, () => {
      if (!this.#ready)
        this.#set({ kind: 'stopped', sentence: 'The gateway was started and does not say that it serves.' });
    });
  }

  #hear(message: unknown): void {
    const answer = AppAnswer.safeParse(message);
    if (!answer.success || this.#ended) return;
    if ('code' in answer.data) {
      this.#deps.onCode(answer.data.code);
      return;
    }
    this.#cancel();
    this.#ready = true;
    this.socket = answer.data.ready.socket;
    this.#set({ kind: 'running', started: true });
    this.#deps.onCode(answer.data.ready.code);
  }

  #gone(sentence: string): void {
    this.#process = null;
    this.#ready = false;
    this.#onGone?.();
    if (this.#ended) return;
    this.#cancel();
    if (this.#deps.now() - this.#startedAt >= SETTLED_MS) this.#retryMs = FIRST_RETRY_MS;
    this.#stopped(sentence);
  }

  #stopped(sentence: string): void {
    this.#set({ kind: 'stopped', sentence });
    this.#cancelTimer = this.#deps.schedule(this.#retryMs, () => void this.look());
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
  }

  #cancel(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #set(state: GatewayState): void {
    this.#state = state;
    this.#deps.onState(state);
  }
}
