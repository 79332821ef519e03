import { z } from 'zod';
import type { Filters } from './use-sessions.ts';

const KEY = 'countersign.sessions.filters';
const Kept = z.object({
  connectionId: z.string().max(64).optional(),
  state: z.enum(['open', 'closed', 'incomplete']).optional(),
  verdict: z.enum(['asked', 'denied', 'error']).optional(),
  text: z.string().max(400).optional(),
});

/** The filters that were used last, for whoever comes back without any in the address. */
export function lastFilters(): Filters {
  try {
    return Kept.parse(JSON.parse(sessionStorage.getItem(KEY) ?? '{}'));
  } catch {
    return {};
  }
}

/** For this window: words that somebody searched for are not kept on the disk. */
export function keepFilters(filters: Filters): void {
  sessionStorage.setItem(KEY, JSON.stringify(filters));
}
