import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { type AdministrationKeeper, createAdministration } from '../administration/administration.ts';
import { fetchSets, installedSet } from '../administration/fetch-sets.ts';
import type { AdministrationSet } from '../administration/judge.ts';
import type { ConnectionsRegistry } from '../config/connections.ts';
import { CountersignError } from '../contract/errors.ts';
import { leadsElsewhere } from '../control/default-handlers.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { Device } from '../evidence/device/device.ts';
import type { TokensAdmin } from '../identity/tokens.ts';
import type { Vault } from '../pipeline/ports.ts';
import type { PolicyAdmin } from '../policy/engine.ts';
import { readSyncConfig } from '../sync/config.ts';
import { openTarget } from '../sync/targets/open-target.ts';

const EVERY_MS = 10 * 60_000;
const FETCH_MS = 60_000;

export interface ServiceAdministration extends AdministrationKeeper {
  /** What the set says of one of its settings, and who signed it; null: nothing, and each gateway's own counts. */
  fixed<K extends 'roles' | 'emergency'>(what: K): { value: NonNullable<AdministrationSet[K]>; by: string } | null;
  handlers: Pick<ControlHandlers, 'administration' | 'refreshAdministration'>;
  /** Handlers that change nothing which the organisation has fixed. */
  locking(handlers: ControlHandlers): ControlHandlers;
}

/** The organisation's signed settings, as the gateway fetches and applies them. */
export function serviceAdministration(parts: {
  home: string;
  now(): number;
  every(milliseconds: number, run: () => void): unknown;
  vault: Vault;
  device: Device;
  policy: Pick<PolicyAdmin, 'stage' | 'accept' | 'discard'> & { readonly hash: string };
  connections: ConnectionsRegistry;
  tokens: Pick<TokensAdmin, 'revokeConnection'>;
  onChanged(): void;
  onProblem(sentence: string): void;
}): ServiceAdministration {
  const { home, vault, device, policy, connections } = parts;

  async function fetch(): Promise<Uint8Array[]> {
    const installed = await installedSet(join(home, 'administration.note'));
    const notes = installed === null ? [] : [installed];
    const { org } = device.file;
    const { store } = readSyncConfig(join(home, 'sync.json'));
    if (org === null || store === null) return notes;
    const target = openTarget(store.target, vault);
    try {
      return [...notes, ...(await fetchSets(target, org, AbortSignal.timeout(FETCH_MS)))];
    } finally {
      await target.close();
    }
  }

  /** The policy is looked at before anything is changed, so that a set with a broken one changes nothing. */
  function applyPolicy({ policy: text }: AdministrationSet): void {
    if (text === null || createHash('sha256').update(text).digest('hex') === policy.hash) return;
    const { staged } = policy.stage(text);
    if (staged === null || staged.errors.length > 0) {
      policy.discard();
      throw new CountersignError('POLICY_INVALID', `its policy has errors: ${staged?.errors.join('; ') ?? ''}`);
    }
    policy.accept(staged.hash);
  }

  async function applyConnections({ connections: wanted }: AdministrationSet, before: readonly string[]) {
    const ids = new Set(wanted.map(({ id }) => id));
    for (const id of before) {
      if (ids.has(id) || connections.get(id) === null) continue;
      parts.tokens.revokeConnection(id, `the organisation removed the connection ${id}`);
      connections.remove(id);
      await vault.remove(id);
    }
    for (const connection of wanted) {
      const known = connections.get(connection.id);
      if (known !== null && JSON.stringify(known) === JSON.stringify(connection)) continue;
      // A password goes nowhere but where it was entered for.
      if (known !== null && leadsElsewhere(known, connection)) await vault.remove(connection.id);
      connections.put(connection);
    }
  }

  const keeper = createAdministration({
    file: join(home, 'administration.json'),
    now: parts.now,
    trust: () => device.trust?.note ?? null,
    fetch,
    async apply(set, before) {
      applyPolicy(set);
      await applyConnections(set, before);
    },
    log: (entry) => device.log.append(entry),
    onChanged: parts.onChanged,
    onProblem: parts.onProblem,
  });
  parts.every(EVERY_MS, () => void keeper.refresh());

  return {
    get set() {
      return keeper.set;
    },
    view: keeper.view,
    start: keeper.start,
    refresh: keeper.refresh,
    assertOpen: keeper.assertOpen,
    assertConnection: keeper.assertConnection,
    fixed(what) {
      const { set } = keeper;
      const value = set?.[what] ?? null;
      return set === null || value === null ? null : { value, by: set.by };
    },
    handlers: {
      administration: () => keeper.view(),
      async refreshAdministration() {
        await keeper.refresh();
        return keeper.view();
      },
    },
    locking: (handlers) => ({
      ...handlers,
      stagePolicy(input, context) {
        keeper.assertOpen('policy', 'the policy');
        return handlers.stagePolicy(input, context);
      },
      acceptPolicy(input, context) {
        keeper.assertOpen('policy', 'the policy');
        return handlers.acceptPolicy(input, context);
      },
      putConnection(input, context) {
        keeper.assertConnection(input.id, input.connection);
        return handlers.putConnection(input, context);
      },
      deleteConnection(input, context) {
        keeper.assertConnection(input.id, null);
        return handlers.deleteConnection(input, context);
      },
      putProvider(input, context) {
        keeper.assertOpen('providers', 'who may sign in');
        return handlers.putProvider(input, context);
      },
      deleteProvider(input, context) {
        keeper.assertOpen('providers', 'who may sign in');
        return handlers.deleteProvider(input, context);
      },
    }),
  };
}
