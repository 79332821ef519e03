import type { Socket } from 'node:net';
import type { SessionRecorder } from '../../../pipeline/ports.ts';
import { directWriter } from './direct-write.ts';
import { readIntoOwnBuffer } from './own-buffer.ts';
import type { Relay } from './relay.ts';
import type { RelayIo } from './state.ts';

/** Bytes handed to the recorder's worker and not yet sealed, above which the server is not read. */
const MAX_BACKLOG = 16 * 1024 * 1024;

/**
 * Joins a relay to its two sockets: what one read yields leaves in one write, neither side is read
 * faster than the other takes it, and the server not faster than the recorder seals.
 */
export class SocketPair implements RelayIo {
  readonly #client: Writer;
  readonly #server: Writer;
  readonly #recorder: SessionRecorder;
  readonly #onClosed: (reason: string) => void;
  #relay: Relay | null = null;
  #reason: string | null = null;
  #clientPauses = 0;
  #serverPauses = 0;
  #draining = false;

  constructor(client: Socket, server: Socket, recorder: SessionRecorder, onClosed: (reason: string) => void) {
    this.#recorder = recorder;
    this.#onClosed = onClosed;
    this.#client = new Writer(
      client,
      () => this.#pauseServer(),
      () => this.#resumeServer(),
    );
    this.#server = new Writer(
      server,
      () => this.pauseClient(),
      () => this.resumeClient(),
    );
  }

  /** Starts the flow; `clientBytes` and `serverBytes` arrived during the handshake. */
  start(relay: Relay, clientBytes: Uint8Array, serverBytes: Uint8Array): void {
    this.#relay = relay;
    const { socket: client } = this.#client;
    const { socket: server } = this.#server;
    client.on('end', () => relay.clientEnded());
    server.on('end', () => relay.serverEnded());
    client.on('error', () => this.#closed('the client’s connection broke'));
    server.on('error', () => relay.serverEnded());
    client.on('close', () => this.#closed('the client closed its connection'));
    server.on('close', () => relay.serverEnded());
    if (client.destroyed) {
      this.#closed('the client closed its connection');
      return;
    }
    if (serverBytes.length > 0) relay.serverData(serverBytes);
    if (clientBytes.length > 0) relay.clientData(clientBytes);
    readIntoOwnBuffer(server, (bytes) => {
      relay.serverData(bytes);
      if (!this.#draining && this.#recorder.backlog > MAX_BACKLOG) this.#waitForRecorder();
      // The relay keeps nothing of what the server sent; the client's socket may.
      return client.writableLength === 0;
    });
    readIntoOwnBuffer(client, (bytes) => {
      relay.clientData(bytes);
      // It may wait for a decision, or for the disk.
      return false;
    });
    if (this.#clientPauses === 0) client.resume();
    if (this.#serverPauses === 0) server.resume();
  }

  toClient(pieces: readonly Uint8Array[]): void {
    this.#client.write(pieces);
  }

  toServer(pieces: readonly Uint8Array[]): void {
    this.#server.write(pieces);
  }

  pauseClient(): void {
    if (this.#clientPauses++ === 0) this.#client.socket.pause();
  }

  resumeClient(): void {
    if (this.#clientPauses > 0 && --this.#clientPauses === 0) this.#client.socket.resume();
  }

  endServer(): void {
    this.#server.socket.end();
  }

  finish(reason: string): void {
    this.#reason ??= reason;
    this.#client.end();
    this.#server.end();
  }

  #waitForRecorder(): void {
    this.#draining = true;
    this.#pauseServer();
    const go = () => {
      this.#draining = false;
      this.#resumeServer();
    };
    // A recorder that failed says so at the next request; the server is read again either way.
    this.#recorder.drained().then(go, go);
  }

  #pauseServer(): void {
    if (this.#serverPauses++ === 0) this.#server.socket.pause();
  }

  #resumeServer(): void {
    if (this.#serverPauses > 0 && --this.#serverPauses === 0) this.#server.socket.resume();
  }

  #closed(reason: string): void {
    const first = this.#relay;
    if (!first) return;
    this.#relay = null;
    first.closed(reason);
    this.#server.socket.destroySoon();
    this.#client.socket.destroy();
    this.#onClosed(this.#reason ?? reason);
  }
}

/** Larger pieces fill the socket often enough for its own way to be the better one. */
const SMALL = 16 * 1024;

/** How long a side may read nothing of what is left for it when the session ends. */
const LINGER_MS = 5_000;

/** Pieces leave together; more than the socket takes pauses the other side. */
class Writer {
  readonly socket: Socket;
  readonly #onFull: () => void;
  readonly #direct: ((bytes: Uint8Array) => number) | null;
  #full = false;

  constructor(socket: Socket, onFull: () => void, onDrained: () => void) {
    this.socket = socket;
    this.#onFull = onFull;
    this.#direct = directWriter(socket);
    socket.on('drain', () => {
      if (!this.#full) return;
      this.#full = false;
      onDrained();
    });
  }

  write(pieces: readonly Uint8Array[]): void {
    const { socket } = this;
    if (socket.destroyed || socket.writableEnded) return;
    let room = true;
    if (pieces.length === 1) {
      let piece = pieces[0]!;
      if (this.#direct && piece.length <= SMALL && socket.writableLength === 0) {
        const taken = this.#direct(piece);
        if (taken === piece.length) return;
        piece = piece.subarray(taken);
      }
      room = socket.write(piece);
    } else {
      socket.cork();
      for (const piece of pieces) room = socket.write(piece);
      socket.uncork();
    }
    if (room || this.#full) return;
    this.#full = true;
    this.#onFull();
  }

  end(): void {
    const { socket } = this;
    socket.end();
    let left = socket.writableLength;
    const timer = setInterval(() => {
      if (left > 0 && socket.writableLength < left) left = socket.writableLength;
      else socket.destroy();
    }, LINGER_MS).unref();
    socket.once('close', () => clearInterval(timer));
  }
}
