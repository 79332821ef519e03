import { timingSafeEqual } from 'node:crypto';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import type { AgentSession, Clock, Tokens } from '../pipeline/ports.ts';
import { loadTokens, type StoredToken, saveTokens } from './token-file.ts';
import {
  formatToken,
  hashTokenSecret,
  newTokenSecret,
  parseToken,
  SCRAM_ITERATIONS,
  tokenScramKeys,
} from './token-secret.ts';

export interface TokenLimits {
  /** Beyond the last sign of life. */
  idleMs: number;
  /** No agent session lives longer, however busy. */
  maxAgeMs: number;
  live: number;
  livePerConnection: number;
}

const DEFAULT_TOKEN_LIMITS: TokenLimits = {
  idleMs: 15 * 60 * 1000,
  maxAgeMs: 7 * 24 * 60 * 60 * 1000,
  live: 1024,
  livePerConnection: 256,
};

/** Ended sessions whose reason is remembered, so that their clients are told why. */
const MAX_ENDED = 1024;
/** How often idle sessions are ended and signs of life are written down. */
const SWEEP_MS = 30_000;

export interface TokensDeps {
  /** Holds hashes and SCRAM keys, never a token. */
  file: string;
  clock: Clock;
  randomBytes(length: number): Uint8Array;
  /** Runs again and again; returns what stops it. */
  every(milliseconds: number, run: () => void): () => void;
  limits?: Partial<TokenLimits>;
  /** How a person lets a client in, for sentences to clients. */
  howTo?: (connectionId: string) => string;
  /** A sentence about a file that could not be read or written. */
  onProblem?: (sentence: string) => void;
}

export interface AgentSessionInfo extends AgentSession {
  createdAt: string;
  /** null while a connection is open, which keeps it alive. */
  expiresAt: string | null;
  openConnections: number;
}

export interface TokensAdmin {
  /** Throws TOKENS_FULL. The token is in what is returned and nowhere else. */
  mint(input: { identity: Identity; connectionId: string; purpose: string; conversationId?: string | null }): {
    token: string;
    session: AgentSession;
    expiresAt: string;
  };
  /** Ends the agent session at once, on disk before it returns. @returns false when it does not live. */
  revoke(agentSessionId: string, reason: string): boolean;
  /** Ends every agent session of a connection. */
  revokeConnection(connectionId: string, reason: string): void;
  list(): AgentSessionInfo[];
  /** Writes down the signs of life; agent sessions outlive the gateway's process. */
  close(): void;
}

interface Live extends StoredToken {
  session: AgentSession;
  expires: number;
  listeners: Set<(reason: string) => void>;
  /** In the form that scramCandidates() gives out. */
  candidate: ReturnType<Tokens['scramCandidates']>[number];
}

/**
 * Tokens that let agents in: one per agent session, for one connection. A token's string stays valid
 * while its session shows life (touch(), or an open connection that listens with onEnded()), so
 * connection pools do not break; revocation ends it at once. What is stored cannot be used to log in
 * in clear; its SCRAM keys are like a server's own (they prove a server, and check a client).
 */
export function createTokens(deps: TokensDeps): Tokens & TokensAdmin {
  const limits = { ...DEFAULT_TOKEN_LIMITS, ...deps.limits };
  const howTo = deps.howTo ?? ((connectionId) => `get a new one with: countersign connect ${connectionId}`);
  const now = () => deps.clock.now();
  const live = new Map<string, Live>();
  const ended = new Map<string, { hash: Buffer; reason: string }>();
  const salts = new Map<string, Buffer>();
  let candidates = new Map<string, ReadonlyArray<Live['candidate']>>();
  let unsaved = false;

  const loaded = loadTokens(deps.file);
  if (loaded.problem !== null) deps.onProblem?.(loaded.problem);
  for (const [connectionId, salt] of loaded.salts) salts.set(connectionId, salt);
  for (const token of loaded.tokens) if (salts.has(token.connectionId)) add(token, token.expires);

  function add(stored: StoredToken, expires: number): Live {
    const { id, identity, connectionId, purpose, conversationId } = stored;
    const session: AgentSession = Object.freeze({ id, identity, connectionId, purpose, conversationId });
    const salt = salts.get(connectionId)!;
    const { storedKey, serverKey } = stored;
    const candidate = { session, salt, iterations: SCRAM_ITERATIONS, storedKey, serverKey };
    const entry: Live = { ...stored, session, expires, listeners: new Set(), candidate };
    live.set(id, entry);
    candidates.delete(connectionId);
    return entry;
  }

  function save(): void {
    const tokens = [...live.values()].map((entry) => ({ ...entry, expires: expiryOf(entry) }));
    const used = new Set(tokens.map((token) => token.connectionId));
    for (const connectionId of salts.keys()) if (!used.has(connectionId)) salts.delete(connectionId);
    saveTokens(deps.file, { salts, tokens });
    unsaved = false;
  }

  function trySave(): void {
    try {
      save();
    } catch {
      deps.onProblem?.(`${deps.file} cannot be written; after a restart agents may have to log in again`);
    }
  }

  function expiryOf(entry: Live): number {
    const alive = entry.listeners.size > 0 ? now() + limits.idleMs : entry.expires;
    return Math.min(alive, entry.created + limits.maxAgeMs);
  }

  function end(entry: Live, reason: string): void {
    live.delete(entry.id);
    candidates.delete(entry.connectionId);
    ended.set(entry.id, { hash: entry.hash, reason });
    if (ended.size > MAX_ENDED) ended.delete(ended.keys().next().value!);
    unsaved = true;
    const listeners = [...entry.listeners];
    entry.listeners.clear();
    for (const listener of listeners) listener(reason);
  }

  function isDue(entry: Live): boolean {
    return expiryOf(entry) <= now();
  }

  function sweep(): void {
    for (const entry of [...live.values()]) {
      if (isDue(entry)) end(entry, 'its agent session expired');
      else if (entry.listeners.size > 0) unsaved = true;
    }
    if (unsaved) trySave();
  }
  const stopSweeping = deps.every(SWEEP_MS, sweep);

  function refused(connectionId: string, what: string): { ok: false; reason: string } {
    return { ok: false, reason: `${what}; ${howTo(connectionId)}` };
  }

  return {
    verify(text, connectionId) {
      const parsed = parseToken(text);
      if (!parsed) return refused(connectionId, 'the password is not a Countersign token');
      const hash = hashTokenSecret(parsed.secret);
      const entry = live.get(parsed.id);
      if (entry && isDue(entry)) end(entry, 'its agent session expired');
      const known = live.get(parsed.id) ?? ended.get(parsed.id);
      // What became of a token is told only to who holds it.
      if (!known || !timingSafeEqual(known.hash, hash)) return refused(connectionId, 'this token is not known here');
      if (!('session' in known)) return refused(connectionId, `this token is not valid any more: ${known.reason}`);
      if (known.connectionId !== connectionId) return refused(connectionId, 'this token is for another connection');
      return { ok: true, session: known.session };
    },

    scramCandidates(connectionId) {
      for (const entry of [...live.values()]) {
        if (entry.connectionId === connectionId && isDue(entry)) end(entry, 'its agent session expired');
      }
      let found = candidates.get(connectionId);
      if (!found) {
        found = [...live.values()]
          .filter((entry) => entry.connectionId === connectionId)
          .map((entry) => entry.candidate);
        candidates.set(connectionId, found);
        if (candidates.size > limits.live) candidates = new Map([[connectionId, found]]);
      }
      return found;
    },

    touch(agentSessionId) {
      const entry = live.get(agentSessionId);
      if (!entry || isDue(entry)) return;
      entry.expires = now() + limits.idleMs;
      unsaved = true;
    },

    onEnded(agentSessionId, listener) {
      const entry = live.get(agentSessionId);
      if (!entry || isDue(entry)) {
        // Told later, as all others are: the caller has its unsubscription first.
        let wanted = true;
        queueMicrotask(() => wanted && listener(ended.get(agentSessionId)?.reason ?? 'its agent session ended'));
        return () => {
          wanted = false;
        };
      }
      // One listener may be given several times, once for each connection.
      const own = (reason: string) => listener(reason);
      entry.listeners.add(own);
      return () => {
        if (!entry.listeners.delete(own)) return;
        entry.expires = now() + limits.idleMs;
        unsaved = true;
      };
    },

    mint({ identity, connectionId, purpose, conversationId = null }) {
      sweep();
      const ofConnection = [...live.values()].filter((entry) => entry.connectionId === connectionId).length;
      if (live.size >= limits.live || ofConnection >= limits.livePerConnection) {
        throw new CountersignError('TOKENS_FULL', 'Too many agent sessions are alive; revoke some of them first.');
      }
      const id = Buffer.from(deps.randomBytes(8)).toString('hex');
      const secret = newTokenSecret(deps.randomBytes);
      const token = formatToken({ id, secret });
      const salt = salts.get(connectionId) ?? Buffer.from(deps.randomBytes(16));
      salts.set(connectionId, salt);
      const created = now();
      const entry = add(
        {
          id,
          identity,
          connectionId,
          purpose,
          conversationId,
          hash: hashTokenSecret(secret),
          ...tokenScramKeys(token, salt),
          created,
          expires: created + limits.idleMs,
        },
        created + limits.idleMs,
      );
      trySave();
      return { token, session: entry.session, expiresAt: new Date(entry.expires).toISOString() };
    },

    revoke(agentSessionId, reason) {
      const entry = live.get(agentSessionId);
      if (!entry) return false;
      end(entry, reason);
      save();
      return true;
    },

    revokeConnection(connectionId, reason) {
      const entries = [...live.values()].filter((entry) => entry.connectionId === connectionId);
      for (const entry of entries) end(entry, reason);
      if (entries.length > 0) save();
    },

    list() {
      return [...live.values()]
        .filter((entry) => !isDue(entry))
        .map((entry) => ({
          ...entry.session,
          createdAt: new Date(entry.created).toISOString(),
          expiresAt: entry.listeners.size > 0 ? null : new Date(expiryOf(entry)).toISOString(),
          openConnections: entry.listeners.size,
        }));
    },

    close() {
      stopSweeping();
      if (unsaved || [...live.values()].some((entry) => entry.listeners.size > 0)) trySave();
    },
  };
}
