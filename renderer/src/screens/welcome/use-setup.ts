import { useCallback, useSyncExternalStore } from 'react';
import { z } from 'zod';
import { useSessionEvents } from '../../api/events.ts';
import { useApi } from '../../api/queries.ts';

/** What this browser remembers of the set-up; everything else is asked of the gateway. */
const Kept = z.object({
  /** The connection that is being set up. */
  connection: z.string().nullable().catch(null),
  /** Those whose test succeeded here. */
  tested: z.array(z.string()).catch([]),
  dismissed: z.boolean().catch(false),
});
type Kept = z.infer<typeof Kept>;

const KEY = 'countersign.setup';
const EMPTY: Kept = { connection: null, tested: [], dismissed: false };
const listeners = new Set<() => void>();
let kept: Kept | null = null;

function read(): Kept {
  if (kept !== null) return kept;
  let stored: unknown = null;
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? 'null');
  } catch {
    // Not ours any more: begin anew.
  }
  const parsed = Kept.safeParse(stored);
  kept = parsed.success ? parsed.data : EMPTY;
  return kept;
}

function change(part: Partial<Kept>): void {
  kept = { ...read(), ...part };
  localStorage.setItem(KEY, JSON.stringify(kept));
  for (const listener of listeners) listener();
}

export type StepKey = 'connection' | 'agent' | 'approval';

export interface Setup {
  loading: boolean;
  steps: readonly { key: StepKey; done: boolean }[];
  /** All of it was seen to work. */
  complete: boolean;
  dismissed: boolean;
  /** null: none is chosen yet. */
  connection: string | null;
  choose(id: string): void;
  testSucceeded(id: string): void;
  dismiss(): void;
}

/** Each step is done once it was seen to work: a test that succeeded, a session, a request that a person was asked. */
export function useSetup(): Setup {
  const state = useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, read);
  const connections = useApi('connections', {});
  const sessions = useApi('sessions', { limit: 1, offset: 0 });
  const asked = useApi('sessions', { limit: 1, offset: 0, verdict: 'asked' });
  const approvals = useApi('approvals', { state: 'all', limit: 1 });
  const { refetch: again } = sessions;
  const { refetch: askedAgain } = asked;
  useSessionEvents(
    useCallback(() => {
      void again();
      void askedAgain();
    }, [again, askedAgain]),
  );

  const items = connections.data?.items ?? [];
  const connected = (sessions.data?.total ?? 0) > 0;
  // A session that reached its target proves more than a test.
  const reached = connected || items.some(({ id }) => state.tested.includes(id));
  const seen = (approvals.data?.total ?? 0) > 0 || (asked.data?.total ?? 0) > 0;
  const steps = [
    { key: 'connection', done: reached },
    { key: 'agent', done: connected },
    { key: 'approval', done: seen },
  ] as const;
  return {
    loading: connections.isPending || sessions.isPending || approvals.isPending || asked.isPending,
    steps,
    complete: steps.every(({ done }) => done),
    dismissed: state.dismissed,
    connection: items.find(({ id }) => id === state.connection)?.id ?? items[0]?.id ?? null,
    choose: (id) => change({ connection: id }),
    testSucceeded: (id) => change({ connection: id, tested: [...new Set([...read().tested, id])].slice(-50) }),
    dismiss: () => change({ dismissed: true }),
  };
}
