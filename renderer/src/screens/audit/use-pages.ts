import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';
import { callApi } from '../../api/client.ts';
import type { RouteInput, RouteName, RouteOutput } from '../../api/routes.ts';

const PAGE = 100;

type ListRoute = {
  [N in RouteName]: RouteOutput<N> extends { items: unknown[]; total: number } ? N : never;
}[RouteName];
type Item<N extends ListRoute> = RouteOutput<N> extends { items: (infer T)[] } ? T : never;

/** A list of the API, page by page as it is scrolled. What is asked is not asked again by itself. */
export function usePages<N extends ListRoute>(name: N, input: RouteInput<N>, enabled = true) {
  const query = useInfiniteQuery({
    queryKey: [name, input],
    queryFn: ({ pageParam, signal }) =>
      callApi(name, { ...input, offset: pageParam, limit: PAGE } as RouteInput<N>, signal) as Promise<
        RouteOutput<N> & { items: Item<N>[]; total: number }
      >,
    initialPageParam: 0,
    getNextPageParam: (last, pages) => {
      const have = pages.reduce((sum, page) => sum + page.items.length, 0);
      return last.items.length > 0 && have < last.total ? have : undefined;
    },
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
    enabled,
  });
  const items = useMemo(() => (query.data?.pages ?? []).flatMap((page) => page.items), [query.data]);
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);
  return { query, items, total: query.data?.pages[0]?.total ?? 0, more };
}
