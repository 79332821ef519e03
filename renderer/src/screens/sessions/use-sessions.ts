import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { SessionFilter } from '../../../../gateway/contract/api.ts';
import type { Session } from '../../../../gateway/contract/session.ts';
import { callApi } from '../../api/client.ts';
import { useSessionEvents } from '../../api/events.ts';

const PAGE = 100;

export type Filters = Pick<SessionFilter, 'connectionId' | 'state' | 'verdict' | 'text'>;

/**
 * Sessions, newest first, page by page. New ones are counted, not inserted, unless `mayInsert` says that
 * nothing would move under the person's hands.
 */
export function useSessions(filters: Filters, mayInsert: () => boolean) {
  const query = useInfiniteQuery({
    queryKey: ['sessions', filters],
    queryFn: ({ pageParam, signal }) => callApi('sessions', { ...filters, offset: pageParam, limit: PAGE }, signal),
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const have = pages.reduce((sum, page) => sum + page.items.length, 0);
      return last.items.length > 0 && have < last.total ? have : undefined;
    },
    placeholderData: keepPreviousData,
  });
  // An insertion while paging shifts offsets, so the same session can come twice.
  const items = useMemo(() => {
    const seen = new Map<string, Session>();
    for (const page of query.data?.pages ?? []) for (const item of page.items) seen.set(item.id, item);
    return [...seen.values()];
  }, [query.data]);

  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const known = useRef(items);
  const insert = useRef(mayInsert);
  useEffect(() => {
    known.current = items;
    insert.current = mayInsert;
  });
  const { refetch } = query;
  const show = useCallback(() => {
    setFresh(new Set());
    void refetch();
  }, [refetch]);
  useSessionEvents(
    useCallback(
      (session: Session) => {
        if (known.current.some((item) => item.id === session.id)) return;
        if (insert.current()) show();
        else setFresh((before) => (before.has(session.id) ? before : new Set([...before, session.id])));
      },
      [show],
    ),
  );
  return { query, items, total: query.data?.pages[0]?.total ?? 0, fresh: fresh.size, show };
}
