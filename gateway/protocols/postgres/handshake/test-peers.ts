import { pbkdf2Sync } from 'node:crypto';
import type { AgentSession } from '../../../pipeline/ports.ts';
import { readErrorFields, summarizeError } from '../codec/backend.ts';
import { FrameScanner } from '../codec/frame-scanner.ts';
import { backendStartupLimits } from '../codec/limits.ts';
import { messageName } from '../codec/messages.ts';
import type { ClientCommand } from './client-events.ts';
import { ClientHandshake } from './client-handshake.ts';
import { type ScramKeys, scramKeys } from './scram.ts';
import type { StartupRules } from './startup-parameters.ts';

/** Both sides of a handshake as tests drive them, without sockets. */

export const TOKEN = 'cs_token';
export const SALT = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
export const ITERATIONS = 16;
export const utf8 = new TextEncoder();

export const saltedPassword = (password: string, salt = SALT, iterations = ITERATIONS): Uint8Array =>
  pbkdf2Sync(password, salt, iterations, 32, 'sha256');

export const keysOf = (password: string): ScramKeys => scramKeys(saltedPassword(password), SALT, ITERATIONS);

export const agentSession: AgentSession = {
  id: 'agent-1',
  identity: { subject: 'me', display: 'me', kind: 'local', verified: false, groups: [] },
  connectionId: 'demo',
  purpose: 'test',
  conversationId: null,
};

export const rules: StartupRules = { id: 'demo', database: 'company', databases: ['other'], mode: 'enforce' };

export function concat(...parts: Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A gateway with the connection `demo` and one token, which answers what the machine asks. */
export class TestGateway {
  readonly machine: ClientHandshake;
  readonly log: ClientCommand[] = [];
  readonly binding: Uint8Array | null;
  alpn: string | null = null;
  rules: StartupRules = rules;

  constructor(options: { tls?: boolean; loopback?: boolean; binding?: Uint8Array | null } = {}) {
    this.binding = options.binding ?? new Uint8Array(32).fill(9);
    this.machine = new ClientHandshake({
      tls: options.tls ?? true,
      loopback: options.loopback ?? true,
      nonce: () => 'server-nonce',
    });
  }

  receive(bytes: Uint8Array): this {
    return this.run(this.machine.handle({ type: 'Received', bytes }));
  }

  timeOut(): this {
    return this.run(this.machine.handle({ type: 'TimedOut' }));
  }

  run(commands: readonly ClientCommand[]): this {
    for (const command of commands) {
      this.log.push(command);
      const { machine, binding } = this;
      switch (command.type) {
        case 'StartTls':
          this.run(machine.handle({ type: 'TlsEstablished', alpn: this.alpn, binding }));
          break;
        case 'VerifyToken': {
          const known = command.token === TOKEN && command.connectionId === 'demo';
          const result = known
            ? ({ ok: true, session: agentSession } as const)
            : ({ ok: false, reason: 'this token is not valid for this connection' } as const);
          this.run(machine.handle({ type: 'TokenVerified', result }));
          break;
        }
        case 'FindScramKeys': {
          const candidates = command.connectionId === 'demo' ? [{ ...keysOf(TOKEN), session: agentSession }] : [];
          this.run(machine.handle({ type: 'ScramKeysFound', salt: SALT, iterations: ITERATIONS, candidates }));
          break;
        }
        case 'FindConnection': {
          const found = command.connectionId === 'demo' ? this.rules : null;
          this.run(machine.handle({ type: 'ConnectionFound', rules: found }));
          break;
        }
      }
    }
    return this;
  }

  get types(): string[] {
    return this.log.map((command) => command.type);
  }

  /** Bodies of what was sent last, by message name; one-byte answers as they are. */
  get sent(): { name: string; body: Uint8Array }[] {
    const scanner = new FrameScanner('backend', backendStartupLimits());
    const messages: { name: string; body: Uint8Array }[] = [];
    for (const command of this.log) {
      if (command.type !== 'Send') continue;
      if (command.bytes.length === 1) {
        messages.push({ name: String.fromCharCode(command.bytes[0]!), body: new Uint8Array(0) });
        continue;
      }
      scanner.feed(command.bytes);
      while (scanner.next()) {
        const body = scanner.bytes.slice(scanner.bodyStart, scanner.end);
        messages.push({ name: messageName('backend', scanner.type), body });
      }
    }
    return messages;
  }

  get error() {
    const last = this.sent.at(-1);
    if (last?.name !== 'ErrorResponse') return null;
    return summarizeError(readErrorFields(last.body, 0, last.body.length));
  }

  get authenticated() {
    const last = this.log.at(-1);
    return last?.type === 'Authenticated' ? last : null;
  }
}
