import type { AgentProcess, Identity } from '../../contract/identity.ts';
import type { McpSecrets } from '../../contract/mcp.ts';
import type { ActionDigestInput } from '../../contract/operation-digest.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Approvals, Clock, LiveSessions, Recorder } from '../../pipeline/ports.ts';
import type { Message, RequestId } from './codec/message.ts';
import type { ToolPins } from './pins.ts';

/** What is shared between the parts of the MCP protocol. */

/** Longest message in either direction, in bytes. */
export const MAX_MESSAGE = 16 * 1024 * 1024;

/** What a transport tells of the server at its other end. Whoever calls waits for what is returned before it reads on. */
export interface UpstreamSink {
  /** @param relatedTo the client's request on whose stream it came; null where the transport does not tell. */
  message(text: string, relatedTo: RequestId | null): void | Promise<void>;
  /** A request did not reach the server, or its answer will not come. */
  failed(id: RequestId, sentence: string): void;
  /** Nothing comes any more. Told once. */
  closed(sentence: string): void;
}

/** A connection to a server, on whichever transport it speaks. */
export interface Upstream {
  /** Never throws: what fails is told to the sink. */
  send(message: Message): void;
  /** Ends the connection, and the process where there is one. Idempotent. */
  close(): Promise<void>;
}

/** What lets the gateway in at a server: variables of its program, or headers of each request. */
export interface UpstreamCredentials {
  /** By name, in lower case where they are tokens. Rejects MCP_SIGN_IN, MCP_OAUTH_UNREACHABLE. */
  headers(): Readonly<McpSecrets> | Promise<Readonly<McpSecrets>>;
  /** The server refused what was sent. @returns whether there is something newer to send. Rejects as headers(). */
  refused(sent: Readonly<McpSecrets>): Promise<boolean>;
  /** What must not be in anything that the server says. */
  values(): readonly string[];
}

/** The client's end of a session. */
export interface ClientSide {
  /**
   * @param relatedTo the client's request to whose stream the message belongs; null: to none.
   * @param final it is that request's response.
   * @returns when the next may be sent.
   */
  send(text: string, relatedTo: RequestId | null, final: boolean): void | Promise<void>;
  /** The session has ended; nothing is sent any more. */
  closed(sentence: string): void;
}

/** What the MCP protocol takes from the composition root. */
export interface McpDeps {
  pipeline: Pipeline;
  approvals: Pick<Approvals, 'sessionClosed'>;
  recorder: Recorder;
  live: LiveSessions;
  clock: Clock;
  pins: ToolPins;
  newSessionId(): string;
  digest(input: ActionDigestInput): string;
  identity(): Identity;
  /** 32 bytes for a server: hashes and stand-ins of masked values, and bindings of what is not shown. */
  maskingKey(server: string): Uint8Array;
  /** Why whatever a session runs waits for a person; null: nothing does but what policy says. */
  heldBecause(sessionId: string): string | null;
  /** Runs once, later; returns what stops it. */
  after(milliseconds: number, run: () => void): () => void;
  protection: 'protected' | 'unprotected';
  log: { info(detail: object, message: string): void; error(detail: object, message: string): void };
}

/** Who connected, as far as it is known. */
export interface McpClient {
  process: AgentProcess;
  /** Of its token; null: whoever the gateway acts for now. */
  identity: Identity | null;
  conversationId: string | null;
  /** What the client says that it is; null: nothing yet. */
  agent: string | null;
}
