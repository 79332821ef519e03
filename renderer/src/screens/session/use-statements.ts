import { useQueries } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { Statement } from '../../../../gateway/contract/session.ts';
import { callApi } from '../../api/client.ts';
import { STATEMENTS_PAGE } from '../../api/events.ts';

/** The replay covers this many pages from the beginning; the list reaches all of them. */
const REPLAYED_PAGES = 20;
export const REPLAYED_STATEMENTS = REPLAYED_PAGES * STATEMENTS_PAGE;

interface Statements {
  total: number;
  /** null while its page is on the way. */
  at(index: number): Statement | null;
  /** The list shows these places: their pages are fetched. */
  want(first: number, last: number): void;
  /** From the first statement on without a gap, for the replay. */
  replayed: readonly Statement[];
  pending: boolean;
  error: unknown;
}

export function useStatements(sessionId: string): Statements {
  const [seen, setSeen] = useState<readonly [number, number]>([0, 0]);
  const [depth, setDepth] = useState(1);
  const pages = useMemo(() => {
    const wanted = new Set<number>();
    for (let page = 0; page < depth; page++) wanted.add(page);
    for (let page = seen[0]; page <= seen[1]; page++) wanted.add(page);
    return [...wanted].sort((a, b) => a - b);
  }, [seen, depth]);

  const combined = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['statements', sessionId, page],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        callApi('statements', { id: sessionId, offset: page * STATEMENTS_PAGE, limit: STATEMENTS_PAGE }, signal),
    })),
    combine: useCallback(
      (results: { data: { items: Statement[]; total: number } | undefined; error: unknown; isPending: boolean }[]) => ({
        data: results.map((result) => result.data),
        error: results.find((result) => result.error)?.error ?? null,
        pending: results[0]?.isPending ?? true,
      }),
      [],
    ),
  });

  const total = Math.max(0, ...combined.data.map((page) => page?.total ?? 0));
  const byPage = useMemo(
    () => new Map(pages.map((page, i) => [page, combined.data[i]?.items])),
    [pages, combined.data],
  );
  const replayed = useMemo(() => {
    const all: Statement[] = [];
    for (let page = 0; page < REPLAYED_PAGES; page++) {
      const items = byPage.get(page);
      if (items === undefined) break;
      all.push(...items);
      if (items.length < STATEMENTS_PAGE) break;
    }
    return all;
  }, [byPage]);

  // One page after the other, so that a long session does not ask for twenty at once.
  const complete = Math.floor(replayed.length / STATEMENTS_PAGE);
  const nextDepth = Math.min(REPLAYED_PAGES, Math.ceil(total / STATEMENTS_PAGE), complete + 1);
  if (nextDepth > depth) setDepth(nextDepth);

  return {
    total,
    at: useCallback(
      (index: number) => byPage.get(Math.floor(index / STATEMENTS_PAGE))?.[index % STATEMENTS_PAGE] ?? null,
      [byPage],
    ),
    want: useCallback((first: number, last: number) => {
      const from = Math.floor(Math.max(0, first) / STATEMENTS_PAGE);
      const to = Math.floor(Math.max(0, last) / STATEMENTS_PAGE);
      setSeen((before) => (before[0] === from && before[1] === to ? before : [from, to]));
    }, []),
    replayed,
    pending: combined.pending,
    error: combined.error,
  };
}
