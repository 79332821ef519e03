import { createHmac, randomBytes } from 'node:crypto';
import type { ApprovedCommands } from '../approvals/approved-commands.ts';
import { actionDigest } from '../approvals/digest.ts';
import { TERMINAL_PATH, TERMINAL_UPGRADE } from '../contract/terminal-upgrade.ts';
import { postgresVariables } from '../control/default-handlers.ts';
import { createProcScanner } from '../identity/proc-scanner.ts';
import type { TokensAdmin } from '../identity/tokens.ts';
import type { Connections } from '../pipeline/ports.ts';
import { withoutSecrets } from '../protocols/agent/secrets.ts';
import type { TerminalDeps } from '../protocols/terminal/ports.ts';
import { createTerminals, type Terminals } from '../protocols/terminal/server.ts';
import type { SessionRegistry } from '../sessions/live-sessions.ts';

type Given = Pick<
  TerminalDeps,
  | 'classifier'
  | 'pipeline'
  | 'approvals'
  | 'recorder'
  | 'clock'
  | 'newSessionId'
  | 'identity'
  | 'environment'
  | 'protection'
  | 'log'
>;

/** Recorded terminals, and where the control socket hands command lines to them. */
export function serviceTerminals(
  given: Given & {
    approved: ApprovedCommands;
    registry: SessionRegistry;
    connections: Connections;
    tokens: TokensAdmin;
    postgres(): { host: string; port: number };
  },
): Terminals & { upgrade: { path: string; protocol: string; accept: Terminals['accept'] } } {
  const { registry, connections, tokens } = given;
  const processes = process.platform === 'linux' ? createProcScanner() : null;
  const key = randomBytes(32);
  const terminals = createTerminals({
    ...given,
    live: registry,
    conversationOf(id) {
      const session = registry.get(id);
      return session?.protocol === 'terminal' ? session.conversationId : null;
    },
    digest: actionDigest,
    clientProcess: (pid) => processes?.describe(pid) ?? { pid, name: 'unknown', parents: [] },
    hasConnection: (id) => connections.get(id) !== null,
    mint(connectionId, purpose, conversationId) {
      const connection = connections.get(connectionId)!;
      const { token, session } = tokens.mint({ identity: given.identity(), connectionId, purpose, conversationId });
      return {
        agentSessionId: session.id,
        variables: postgresVariables(token, connection, given.postgres()),
      };
    },
    revoke: (id) => void tokens.revoke(id, 'the command that it was made for has ended'),
    withoutSecrets,
    keyed: (text) => createHmac('sha256', key).update(text).digest('hex'),
  });
  return {
    ...terminals,
    upgrade: { path: TERMINAL_PATH, protocol: TERMINAL_UPGRADE, accept: terminals.accept },
  };
}
