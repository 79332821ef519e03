import { useMemo } from 'react';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useHost } from '../../api/host.ts';
import { useApi } from '../../api/queries.ts';

const MOST = 50;
const NONE: readonly Session[] = [];

/** Other sessions of the same conversation, in order of opening. An auditor's workspace does not list them so. */
export function useRelated({ id, conversationId }: Session): readonly Session[] {
  const enabled = useHost() === 'gateway' && conversationId !== null;
  const query = useApi('sessions', { conversationId: conversationId ?? '', limit: MOST }, { enabled });
  const items = enabled ? query.data?.items : undefined;
  return useMemo(
    () => items?.filter((session) => session.id !== id).toSorted((a, b) => (a.openedAt < b.openedAt ? -1 : 1)) ?? NONE,
    [items, id],
  );
}
