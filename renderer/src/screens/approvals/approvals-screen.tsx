import { Anchor, Loader, VisuallyHidden } from '@mantine/core';
import { Link, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { ApprovalCard } from '../../components/approval/approval-card.tsx';
import { PauseBanners } from '../../components/approval/pause-banners.tsx';
import { useAnnouncement } from '../../components/approval/use-announcement.ts';
import { useQueue } from '../../components/approval/use-queue.ts';
import { isTyping } from '../../components/keys.tsx';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import classes from './approvals-screen.module.css';
import { QueueList } from './queue-list.tsx';
import { RecentList } from './recent-list.tsx';

const t = strings.approvals;

export function ApprovalsScreen() {
  const { id } = useSearch({ from: '/approvals' });
  const queue = useQueue(id);
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
      <PauseBanners />
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
