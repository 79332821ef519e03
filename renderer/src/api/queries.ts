import {
  keepPreviousData,
  QueryClient,
  type UseQueryResult,
  useMutation,
  useQuery,
  useQueryClient,
} from '@tanstack/react-query';
import { callApi, isUnauthorized } from './client.ts';
import type { RouteInput, RouteName, RouteOutput } from './routes.ts';

/** Every cache entry is keyed by its route and the route's input, so events can find it. */
export const apiKey = <N extends RouteName>(name: N, input: RouteInput<N>) => [name, input] as const;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (count, error) => !isUnauthorized(error) && count < 2,
        refetchOnWindowFocus: true,
      },
    },
  });
}

interface Options {
  enabled?: boolean;
  /** Shows the last answer while another page or filter loads, so that nothing jumps. */
  keepPrevious?: boolean;
  refetchInterval?: number;
  staleTime?: number;
}

export function useApi<N extends RouteName>(
  name: N,
  input: RouteInput<N>,
  options: Options = {},
): UseQueryResult<RouteOutput<N>> {
  const { keepPrevious, ...rest } = options;
  return useQuery({
    queryKey: apiKey(name, input),
    queryFn: ({ signal }) => callApi(name, input, signal),
    ...(keepPrevious ? { placeholderData: keepPreviousData } : {}),
    ...rest,
  }) as UseQueryResult<RouteOutput<N>>;
}

/**
 * A change through the API; `touches` names the routes whose answers it makes stale. `done` is called even
 * when the change took the calling component off the page; callbacks given to `mutate` are not.
 */
export function useApiMutation<N extends RouteName>(name: N, touches: readonly RouteName[] = [], done?: () => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (input: RouteInput<N>) => callApi(name, input),
    onSuccess: () => {
      for (const route of touches) void client.invalidateQueries({ queryKey: [route] });
      done?.();
    },
  });
}
