import { useCallback, useEffect, useRef, useState } from 'react';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { useApi } from '../../api/queries.ts';

const MAX_WAITING = 500;

interface Queue {
  waiting: readonly Approval[];
  total: number;
  /** The card on screen. It stays when it is decided elsewhere or expires, until the person moves on. */
  shown: Approval | null;
  /** Place of the card among those that wait, from 1; null once it does not wait any more. */
  position: number | null;
  loading: boolean;
  error: unknown;
  show(id: string): void;
  move(by: 1 | -1): void;
  /** Leaves the card, if it is still this one: the oldest that waits comes next. */
  advance(id: string): void;
}

/**
 * Which request is on the card; `asked` is the one to begin with. What arrives goes to the end of the list and never takes the
 * card's place.
 */
export function useQueue(asked?: string): Queue {
  const [shownId, setShownId] = useState<string | null>(asked ?? null);
  const query = useApi('approvals', { state: 'waiting', limit: MAX_WAITING });
  const waiting = query.data?.items ?? [];
  const first = waiting[0]?.id ?? null;

  useEffect(() => {
    if (asked !== undefined) setShownId(asked);
  }, [asked]);
  useEffect(() => {
    if (shownId === null && first !== null) setShownId(first);
  }, [shownId, first]);

  const at = waiting.findIndex((item) => item.id === shownId);
  const ended = useApi(
    'approval',
    { id: shownId ?? '-' },
    { enabled: shownId !== null && at === -1 && query.isSuccess },
  );
  const last = useRef<Approval | null>(null);
  let shown: Approval | null = at === -1 ? null : waiting[at]!;
  if (shown === null && shownId !== null) {
    if (ended.data !== undefined) shown = ended.data;
    else if (last.current?.id === shownId) shown = last.current;
  }
  useEffect(() => {
    last.current = shown;
  });
  useEffect(() => {
    if (ended.isError && shown === null) setShownId(null);
  }, [ended.isError, shown]);

  const move = useCallback(
    (by: 1 | -1) => {
      if (waiting.length === 0) return;
      const from = at === -1 ? (by === 1 ? -1 : 0) : at;
      setShownId(waiting[(from + by + waiting.length) % waiting.length]!.id);
    },
    [at, waiting],
  );

  return {
    waiting,
    total: query.data?.total ?? 0,
    shown,
    position: at === -1 ? null : at + 1,
    loading: query.isPending,
    error: query.error,
    show: setShownId,
    move,
    advance: useCallback((id: string) => setShownId((current) => (current === id ? null : current)), []),
  };
}
