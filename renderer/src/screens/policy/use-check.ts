import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { PolicyCheck } from '../../../../gateway/contract/policy.ts';
import { callApi } from '../../api/client.ts';

const TYPING_MS = 400;

export interface Checked {
  /** Of the text as it was when somebody last paused; null before the first answer. */
  check: PolicyCheck | null;
  /** The text was changed since. */
  pending: boolean;
  error: unknown;
}

/** Looks at a text whenever typing pauses. Nothing is staged by it. */
export function usePolicyCheck(text: string): Checked {
  const [settled] = useDebouncedValue(text, TYPING_MS);
  const { data, error, isPlaceholderData, isFetching } = useQuery({
    queryKey: ['checkPolicy', settled],
    queryFn: ({ signal }) => callApi('checkPolicy', { text: settled }, signal),
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    retry: 1,
  });
  return { check: data ?? null, pending: settled !== text || isPlaceholderData || isFetching, error };
}
