import { ACCESS_LEVELS, type AccessLevel, type Connection } from '../contract/connection.ts';
import type { Verdict } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import type { Effects, OperationClass } from '../contract/operation.ts';
import type { Pipeline } from './pipeline.ts';
import type { AgentSession, CredentialCheck, Tokens } from './ports.ts';

/** What a level lets policy decide about; all else is denied whatever policy says. null: everything. */
const CLASSES: Readonly<Record<AccessLevel, ReadonlySet<OperationClass> | null>> = {
  'read-only': new Set<OperationClass>(['session', 'read']),
  'read-write': new Set<OperationClass>(['session', 'read', 'write']),
  admin: null,
};

/** The highest level that the groups give; null: none of them gives any. */
export function levelOf({ access }: Pick<Connection, 'access'>, groups: readonly string[]): AccessLevel | null {
  if (access === undefined) return 'admin';
  const levels = new Set(groups.flatMap((group) => (Object.hasOwn(access, group) ? [access[group]!] : [])));
  return ACCESS_LEVELS.findLast((level) => levels.has(level)) ?? null;
}

/** For who is in no group that a connection names. */
export const noAccess = ({ id, access }: Pick<Connection, 'id' | 'access'>, { display }: Identity): string =>
  `${display} has no access to ${id}: it is for the groups ${Object.keys(access ?? {})
    .slice(0, 5)
    .join(', ')}`;

function refusalOf(connection: Connection, identity: Identity, { class: kind, words }: Effects): string | null {
  const level = levelOf(connection, identity.groups);
  if (level === null) return noAccess(connection, identity);
  const classes = CLASSES[level];
  if (classes === null || classes.has(kind)) return null;
  const what = words[0] === undefined ? '' : ` (${words[0]})`;
  return `${identity.display} has ${level} access to ${connection.id}, and this is ${kind}${what}`;
}

/** Levels of access before policy: what a level does not give is denied, in observe mode too. */
export function accessPipeline(pipeline: Pipeline): Pipeline {
  const denied = new WeakSet<Verdict>();
  return {
    ...pipeline,
    get policyHash() {
      return pipeline.policyHash;
    },
    verdict(input) {
      const { connection, identity, effects } = input;
      const refusal = connection.access === undefined ? null : refusalOf(connection, identity, effects);
      if (refusal === null) return pipeline.verdict(input);
      const verdict: Verdict = {
        effect: 'deny',
        policyIds: [],
        policyHash: pipeline.policyHash,
        reason: refusal,
        level: 'click',
        expiresSeconds: 1,
        grantable: false,
      };
      denied.add(verdict);
      return verdict;
    },
    decide: (verdict, connection, operation, longestMs) =>
      pipeline.decide(verdict, denied.has(verdict) ? { mode: 'enforce' } : connection, operation, longestMs),
  };
}

export interface AccessDeps {
  connection(id: string): Connection | null;
  /** Whoever works here now: of their groups those count that the provider named last. */
  person(): Identity;
}

interface MintInput {
  identity: Identity;
  connectionId: string;
}

/** Nobody comes in, and no token is made, where the person's groups give no level. */
export function accessTokens<T extends Tokens & { mint(input: MintInput): unknown }>(
  tokens: T,
  deps: AccessDeps,
): T & { admitted(found: CredentialCheck, connectionId: string): CredentialCheck } {
  /** A token remembers the groups of when it was made; the provider may have named others since. */
  function fresh(session: AgentSession): AgentSession {
    const { identity } = session;
    const now = deps.person();
    if (now === identity || identity.kind === 'workload' || now.subject !== identity.subject) return session;
    return { ...session, identity: now };
  }
  function refusal(id: string, identity: Identity): string | null {
    const connection = deps.connection(id);
    if (connection === null || connection.access === undefined) return null;
    return levelOf(connection, identity.groups) === null ? noAccess(connection, identity) : null;
  }
  function admitted(found: CredentialCheck, id: string): CredentialCheck {
    if (!found.ok) return found;
    const session = fresh(found.session);
    const reason = refusal(id, session.identity);
    return reason === null ? { ok: true, session } : { ok: false, reason };
  }
  return {
    ...tokens,
    admitted,
    verify: (token, id) => admitted(tokens.verify(token, id), id),
    scramCandidates: (id) =>
      tokens.scramCandidates(id).flatMap((candidate) => {
        const session = fresh(candidate.session);
        return refusal(id, session.identity) === null ? [{ ...candidate, session }] : [];
      }),
    mint(input) {
      const reason = refusal(input.connectionId, input.identity);
      if (reason !== null) throw new CountersignError('ACCESS_NONE', `${reason}. Ask whoever administers it.`);
      return tokens.mint(input);
    },
  };
}

/**
 * Ends sessions that were opened under other levels or groups.
 * @returns to be called when who works here, or their groups, may have changed.
 */
export function endChangedAccess(
  deps: AccessDeps & {
    onConnection(listener: (id: string, connection: Connection | null) => void): unknown;
    connections(): readonly Connection[];
    sessions(): readonly { id: string; connectionId: string; identity: Identity }[];
    end(sessionId: string, reason: string): unknown;
  },
): () => void {
  const levels = new Map(deps.connections().map(({ id, access }) => [id, JSON.stringify(access)]));
  deps.onConnection((id, connection) => {
    const before = levels.get(id);
    const after = JSON.stringify(connection?.access);
    levels.set(id, after);
    if (before === after) return;
    for (const session of deps.sessions())
      if (session.connectionId === id)
        deps.end(session.id, `the levels of access to ${id} are others now; connect again`);
  });
  return () => {
    const now = deps.person();
    for (const { id, identity } of deps.sessions()) {
      if (identity.kind === 'workload' || identity.subject !== now.subject || identity === now) continue;
      if (JSON.stringify(identity.groups) === JSON.stringify(now.groups)) continue;
      deps.end(id, `the groups of ${now.display} are others now; connect again`);
    }
  };
}
