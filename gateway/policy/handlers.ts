import { Connection } from '../contract/connection.ts';
import { CountersignError } from '../contract/errors.ts';
import type { Identity } from '../contract/identity.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { PolicyAdmin } from './engine.ts';
import type { PastOperation } from './suggest/past.ts';
import type { PolicyTrials } from './trials/trials.ts';

type PolicyRoutes =
  | 'policy'
  | 'stagePolicy'
  | 'acceptPolicy'
  | 'discardPolicy'
  | 'checkPolicy'
  | 'policyHistory'
  | 'policyVersion'
  | 'tryPolicy'
  | 'policySuggestions';

/** For a trial where no connection is registered yet: as cautious as they come. */
const MADE_UP = Connection.parse({
  id: 'example',
  kind: 'postgres',
  host: 'localhost',
  user: 'app',
  database: 'app',
  environment: 'production',
});

/** The control API's routes on the policy. Presence was established by the server. */
export function createPolicyHandlers(parts: {
  policy: PolicyAdmin;
  trials: PolicyTrials;
  connections: { list(): readonly Connection[]; get(id: string): Connection | null };
  identity: () => Identity;
  /** Questions since the gateway started, oldest first. */
  past: () => readonly PastOperation[];
  now(): number;
}): Pick<ControlHandlers, PolicyRoutes> {
  const { policy, trials, connections } = parts;
  const connectionOf = (id: string | undefined): Connection => {
    if (id === undefined) return connections.list()[0] ?? MADE_UP;
    const found = connections.get(id);
    if (!found) throw new CountersignError('CONNECTION_UNKNOWN', `There is no connection ${id}.`);
    return found;
  };
  return {
    policy: () => policy.view(),
    stagePolicy: ({ text }) => policy.stage(text),
    acceptPolicy: ({ hash }) => policy.accept(hash),
    discardPolicy: () => policy.discard(),
    checkPolicy: ({ text }) => trials.check(text),
    policyHistory: ({ offset, limit }) => {
      const all = policy.history();
      return { items: all.slice(offset, offset + limit), total: all.length };
    },
    policyVersion: ({ number }) => {
      const found = policy.version(number);
      if (found === null) throw new CountersignError('POLICY_VERSION_UNKNOWN', `There is no policy ${number} here.`);
      return found;
    },
    policySuggestions: () => trials.suggest(policy.view().text, parts.past(), new Date(parts.now()).toISOString()),
    tryPolicy: ({ policy: text, what }) =>
      trials.try(
        text ?? policy.view().text,
        what,
        parts.identity(),
        connectionOf(what.kind === 'statement' ? what.connectionId : undefined),
      ),
  };
}
