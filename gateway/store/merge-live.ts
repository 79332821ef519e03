import type { SessionFilter } from '../contract/routes/sessions.ts';
import type { Session } from '../contract/session.ts';

/**
 * Puts sessions that live now (whose counters are ahead of the index, or which it does not know yet)
 * in the place of what the index says, for one page of a list.
 *
 * Only the first page gains sessions that the index did not give; a text filter is the index's alone,
 * since live sessions carry no statements.
 */
export function mergeLiveSessions(
  indexed: { items: Session[]; total: number },
  live: readonly Session[],
  filter: SessionFilter,
): { items: Session[]; total: number } {
  const byId = new Map(live.map((session) => [session.id, session]));
  const items = indexed.items
    .map((session) => byId.get(session.id) ?? session)
    .filter((session) => matches(session, filter));
  const dropped = indexed.items.length - items.length;
  if (filter.text !== undefined && filter.text.trim() !== '') return { items, total: indexed.total - dropped };
  const shown = new Set(indexed.items.map((session) => session.id));
  // Behind a full page there may be more that the index knows, so only what is later than it is new.
  const full = indexed.items.length >= filter.limit;
  const oldest = indexed.items.at(-1)?.openedAt ?? '';
  const missing = live.filter(
    (session) => !shown.has(session.id) && matches(session, filter) && (!full || session.openedAt > oldest),
  );
  const total = indexed.total - dropped + missing.length;
  if (filter.offset > 0) return { items, total: Math.max(indexed.total, items.length) };
  const merged = [...items, ...missing].sort(latestFirst).slice(0, filter.limit);
  return { items: merged, total };
}

function matches(session: Session, filter: SessionFilter): boolean {
  const { connectionId, conversationId, state, verdict, since, until } = filter;
  if (connectionId !== undefined && session.connectionId !== connectionId) return false;
  if (conversationId !== undefined && session.conversationId !== conversationId) return false;
  if (state !== undefined && session.state !== state) return false;
  if (verdict === 'asked' && session.asked === 0) return false;
  if (verdict === 'denied' && session.denied === 0) return false;
  if (verdict === 'error' && session.errors === 0) return false;
  const openedAt = Date.parse(session.openedAt);
  if (since !== undefined && openedAt < Date.parse(since)) return false;
  return until === undefined || openedAt < Date.parse(until);
}

function latestFirst(a: Session, b: Session): number {
  return a.openedAt === b.openedAt ? (a.id < b.id ? 1 : -1) : a.openedAt < b.openedAt ? 1 : -1;
}
