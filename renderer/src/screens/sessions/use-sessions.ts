import { useQueries, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { SessionFilter } from '../../../../gateway/contract/routes/sessions.ts';
import type { Session } from '../../../../gateway/contract/session.ts';
import { callApi } from '../../api/client.ts';
import { useSessionEvents } from '../../api/events.ts';

const PAGE = 100;

export type Filters = Pick<SessionFilter, 'connectionId' | 'state' | 'verdict' | 'text'>;
type Page = { items: Session[]; total: number };

/**
 * Sessions, newest first; the pages that are seen are fetched, wherever they are in the list. What was opened
 * after the list was asked for would move every row by one: it is counted, and shown when `show` is called, or
 * at once where `mayInsert` says that nothing would move under the person's hands.
 */
export function useSessions(filters: Filters, mayInsert: () => boolean) {
  const client = useQueryClient();
  const [asOf, setAsOf] = useState(() => new Date().toISOString());
  const [seen, setSeen] = useState<readonly [number, number]>([0, 0]);
  const key = JSON.stringify(filters);
  const pages = useMemo(() => {
    const wanted = new Set([0]);
    for (let page = seen[0]; page <= seen[1]; page++) wanted.add(page);
    return [...wanted].sort((a, b) => a - b);
  }, [seen]);

  const combined = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['sessions', { ...filters, until: asOf, offset: page * PAGE, limit: PAGE }],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        callApi('sessions', { ...filters, until: asOf, offset: page * PAGE, limit: PAGE }, signal),
    })),
    combine: useCallback(
      (results: { data: Page | undefined; error: unknown; isPending: boolean }[]) => ({
        data: results.map((result) => result.data),
        error: results.find((result) => result.error)?.error ?? null,
        pending: results[0]?.isPending ?? true,
      }),
      [],
    ),
  });
  const byPage = useMemo(() => new Map(pages.map((page, i) => [page, combined.data[i]])), [pages, combined.data]);

  // While another filter, or a later moment, is on its way the rows of before stay.
  const shown = useRef({ key, byPage });
  const fresh0 = byPage.get(0);
  if (fresh0 !== undefined) shown.current = { key, byPage };
  const stale = fresh0 === undefined;
  const current = shown.current.byPage;
  const total = current.get(0)?.total ?? 0;
  const at = useCallback(
    (index: number): Session | null => current.get(Math.floor(index / PAGE))?.items[index % PAGE] ?? null,
    [current],
  );

  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const show = useCallback(() => {
    setFresh(new Set());
    setAsOf(new Date().toISOString());
  }, []);
  const state = useRef({ asOf, mayInsert, current });
  useEffect(() => {
    state.current = { asOf, mayInsert, current };
  });
  useSessionEvents(
    useCallback(
      (session: Session) => {
        for (const page of state.current.current.values()) {
          if (page?.items.some((item) => item.id === session.id)) return;
        }
        if (session.state !== 'open' && Date.parse(session.openedAt) < Date.parse(state.current.asOf)) return;
        if (state.current.mayInsert()) show();
        else setFresh((before) => (before.has(session.id) ? before : new Set([...before, session.id])));
      },
      [show],
    ),
  );
  return {
    total,
    at,
    stale,
    pending: combined.pending && total === 0,
    loaded: shown.current.byPage.get(0) !== undefined,
    error: combined.error,
    retry: () => void client.invalidateQueries({ queryKey: ['sessions'] }),
    want: useCallback((first: number, last: number) => {
      const from = Math.floor(Math.max(0, first) / PAGE);
      const to = Math.floor(Math.max(0, last) / PAGE);
      setSeen((before) => (before[0] === from && before[1] === to ? before : [from, to]));
    }, []),
    fresh: fresh.size,
    show,
  };
}
