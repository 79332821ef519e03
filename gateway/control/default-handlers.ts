import type { ConnectionsRegistry } from '../config/connections.ts';
import type { Connection } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import type { ConnectionView, MintedToken } from '../contract/routes/connections.ts';
import type { TokensAdmin } from '../identity/tokens.ts';
import type { SharedQueue } from '../mailbox/queue.ts';
import type { Vault } from '../pipeline/ports.ts';
import type { ControlHandlers } from './handlers.ts';

export interface DefaultHandlerDeps {
  approvals: SharedQueue;
  connections: ConnectionsRegistry;
  vault: Vault;
  tokens: TokensAdmin;
  identity: () => Identity;
  /** Where agents reach the PostgreSQL gateway. */
  postgres: () => { host: string; port: number };
  openSessions: (connectionId: string) => number;
  /** A person ended one. */
  pausesChanged: () => void;
}

type DefaultRoutes =
  | 'approvals'
  | 'approval'
  | 'decide'
  | 'extendApproval'
  | 'similarApprovals'
  | 'endPause'
  | 'grants'
  | 'revokeGrant'
  | 'revokeGrants'
  | 'connections'
  | 'putConnection'
  | 'deleteConnection'
  | 'mintToken'
  | 'revokeToken';

/** The routes about approvals, grants, connections and tokens. Presence was established by the server. */
export function createDefaultHandlers(deps: DefaultHandlerDeps): Pick<ControlHandlers, DefaultRoutes> {
  const { approvals, connections, vault, tokens } = deps;

  async function view(connection: Connection): Promise<ConnectionView> {
    return {
      ...connection,
      // A vault that cannot be read is told where the secret is used; a list still shows.
      hasSecret: await vault.has(connection.id).catch(() => false),
      openSessions: deps.openSessions(connection.id),
    };
  }

  function known(id: string): Connection {
    const connection = connections.get(id);
    if (!connection) throw new CountersignError('CONNECTION_UNKNOWN', `There is no connection ${id}.`);
    return connection;
  }

  return {
    approvals: (input) => approvals.list(input),
    approval({ id }) {
      const approval = approvals.get(id);
      if (!approval) throw new CountersignError('APPROVAL_UNKNOWN', 'There is no such request.');
      return approval;
    },
    decide: (input, { channel, level, proof, decidedBy }) =>
      approvals.decide({
        approvalId: input.id,
        digest: input.digest,
        decision: input.decision,
        scope: input.scope,
        message: input.message ?? null,
        // What was typed on a terminal is no click on a notification.
        channel: channel === 'console' ? (input.via ?? channel) : channel,
        level,
        proof,
        decidedBy,
      }),
    extendApproval: ({ id }) => approvals.extend(id),
    similarApprovals: ({ id }) => approvals.similar(id),
    endPause({ id }) {
      approvals.resume(id);
      deps.pausesChanged();
      return {};
    },
    grants: () => ({ items: approvals.grants() }),
    revokeGrant({ id }) {
      approvals.revokeGrant(id);
      return {};
    },
    revokeGrants({ leaving }) {
      const live = approvals.grants().filter(({ standing, endedAt }) => endedAt === null && !(leaving && standing));
      for (const { id } of live) approvals.revokeGrant(id);
      return { revoked: live.length };
    },

    connections: async () => ({ items: await Promise.all(connections.list().map(view)) }),
    async putConnection({ id, connection, secret }) {
      if (connection.id !== id) {
        throw new CountersignError('BAD_REQUEST', 'The connection’s id and the one in the path differ.');
      }
      const before = connections.get(id);
      // Whoever may change where a connection leads must not get its stored password sent there.
      if (before && secret === undefined && leadsElsewhere(before, connection) && (await vault.has(id))) {
        throw new CountersignError(
          'CONNECTION_SECRET_REQUIRED',
          'This changes where the connection leads or how it is secured, so its password has to be entered again.',
        );
      }
      // A secret left over under this id was for another target.
      if (secret === '' || (!before && secret === undefined)) await vault.remove(id);
      else if (secret !== undefined) await vault.write(id, secret);
      return view(connections.put(connection));
    },
    async deleteConnection({ id }) {
      known(id);
      tokens.revokeConnection(id, `the connection ${id} was removed`);
      connections.remove(id);
      await vault.remove(id);
      return {};
    },

    mintToken({ id, purpose }) {
      const connection = known(id);
      const minted = tokens.mint({ identity: deps.identity(), connectionId: id, purpose });
      return mintedView(minted, connection, deps.postgres());
    },
    revokeToken({ id }) {
      if (!tokens.revoke(id, 'it was revoked')) {
        throw new CountersignError('AGENT_SESSION_UNKNOWN', 'There is no such agent session, or it has ended.');
      }
      return {};
    },
  };
}

/** Whether a stored password would go to another place by it. */
export function leadsElsewhere(before: Connection, after: Connection): boolean {
  const target = (connection: Connection) =>
    JSON.stringify([connection.host, connection.port, connection.user, connection.tls]);
  return target(before) !== target(after);
}

/** The environment by which libpq's clients find the gateway and prove the token. */
export function postgresVariables(
  token: string,
  { id, database }: Connection,
  { host, port }: { host: string; port: number },
) {
  return { PGHOST: host, PGPORT: String(port), PGUSER: id, PGPASSWORD: token, PGDATABASE: database };
}

function mintedView(
  minted: ReturnType<TokensAdmin['mint']>,
  connection: Connection,
  postgres: { host: string; port: number },
): MintedToken {
  const env = postgresVariables(minted.token, connection, postgres);
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${shellQuoted(value)}`);
  return {
    token: minted.token,
    agentSessionId: minted.session.id,
    expiresAt: minted.expiresAt,
    host: postgres.host,
    port: postgres.port,
    env,
    // By the environment: arguments of a process can be read by others.
    command: `${assignments.join(' ')} psql`,
  };
}

/** One word for a POSIX shell. */
function shellQuoted(value: string): string {
  return /^[A-Za-z0-9_./:-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}
