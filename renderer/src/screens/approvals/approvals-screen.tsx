import { Anchor, Loader, VisuallyHidden } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { isTyping } from '../../components/keys.tsx';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { operationLine } from '../../text/operation-line.ts';
import { visibleString } from '../../text/visible-text.ts';
import { ApprovalCard } from './approval-card.tsx';
import classes from './approvals-screen.module.css';
import { QueueList } from './queue-list.tsx';
import { RecentList } from './recent-list.tsx';
import { useQueue } from './use-queue.ts';

const t = strings.approvals;

/** Says each new request once, in one sentence; never the ticking of a clock. */
function useAnnouncement(queue: ReturnType<typeof useQueue>): string {
  const known = useRef<Set<string> | null>(null);
  const [sentence, setSentence] = useState('');
  useEffect(() => {
    if (queue.loading) return;
    const before = known.current;
    known.current = new Set(queue.waiting.map((item) => item.id));
    if (before === null) return;
    const fresh = queue.waiting.find((item) => !before.has(item.id) && item.id !== queue.shown?.id);
    if (fresh === undefined) return;
    const line = operationLine(fresh.operation);
    setSentence(t.announce(visibleString(`${line.who} → ${line.what} → ${line.where}`)));
  }, [queue.loading, queue.waiting, queue.shown]);
  return sentence;
}

export function ApprovalsScreen() {
  const queue = useQueue();
  const announcement = useAnnouncement(queue);
  const { move } = queue;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'j') move(1);
      else if (event.key === 'k') move(-1);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [move]);

  const count = queue.waiting.length;
  return (
    <Page title={count > 0 ? t.titleCount(count) : t.title} heading={t.title}>
      <VisuallyHidden aria-live="polite">{announcement}</VisuallyHidden>
      {queue.error !== null && queue.shown === null && <Failure error={queue.error} />}
      <div className={classes.columns}>
        <div className={classes.main}>
          {queue.shown !== null ? (
            <ApprovalCard
              key={queue.shown.id}
              approval={queue.shown}
              position={queue.position}
              waiting={count}
              move={queue.move}
              onDecided={queue.advance}
            />
          ) : queue.loading ? (
            <Card>
              <Loader size="sm" />
            </Card>
          ) : (
            <Card>
              <Empty title={t.emptyTitle} hint={t.emptyHint}>
                <Anchor component={Link} to="/connections" size="sm">
                  {t.emptyNext}
                </Anchor>
              </Empty>
            </Card>
          )}
        </div>
        <aside className={classes.side}>
          {count > 0 && <QueueList items={queue.waiting} shownId={queue.shown?.id ?? null} show={queue.show} />}
        </aside>
      </div>
      <RecentList />
    </Page>
  );
}
