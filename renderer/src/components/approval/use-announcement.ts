import { useEffect, useRef, useState } from 'react';
import { strings } from '../../strings.ts';
import { operationLine } from '../../text/operation-line.ts';
import { visibleString } from '../../text/visible-text.ts';
import type { useQueue } from './use-queue.ts';

const t = strings.approvals;

/** Says each new request once, in one sentence; never the ticking of a clock. */
export function useAnnouncement(queue: ReturnType<typeof useQueue>): string {
  const known = useRef<Set<string> | null>(null);
  const [sentence, setSentence] = useState('');
  useEffect(() => {
    if (queue.loading) return;
    const before = known.current;
    known.current = new Set(queue.waiting.map((item) => item.id));
    if (before === null) return;
    const fresh = queue.waiting.find((item) => !before.has(item.id) && item.id !== queue.shown?.id);
    if (fresh === undefined) return;
    // Its card comes by itself and takes the focus, which says it.
    if (queue.shown === null && document.activeElement === document.body) return;
    const line = operationLine(fresh.operation);
    setSentence(t.announce(visibleString(`${line.who} → ${line.what} → ${line.where}`)));
  }, [queue.loading, queue.waiting, queue.shown]);
  return sentence;
}
