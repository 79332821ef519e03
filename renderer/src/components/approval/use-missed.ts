import { useCallback, useState } from 'react';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { useApi } from '../../api/queries.ts';

const SEEN = 'countersign.missed-seen';
const LOOKED_AT = 100;

/** Requests that were denied because nobody decided, since the person last said that they saw them. */
export function useMissed(): { missed: readonly Approval[]; seen(): void } {
  const [since, setSince] = useState(() => localStorage.getItem(SEEN) ?? '');
  const { data } = useApi('approvals', { state: 'all', limit: LOOKED_AT });
  const missed = (data?.items ?? [])
    .filter(({ state, decidedAt }) => state === 'expired' && (decidedAt ?? '') > since)
    .toSorted((a, b) => (b.decidedAt ?? '').localeCompare(a.decidedAt ?? ''));
  return {
    missed,
    seen: useCallback(() => {
      const now = new Date().toISOString();
      localStorage.setItem(SEEN, now);
      setSince(now);
    }, []),
  };
}
