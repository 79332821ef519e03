import { ActionIcon, Button, Loader, Tooltip, VisuallyHidden } from '@mantine/core';
import { IconArrowsMaximize, IconMinus } from '@tabler/icons-react';
import { Link, useSearch } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { desktop } from '../../api/desktop.ts';
import { useApi } from '../../api/queries.ts';
import { ApprovalCard } from '../../components/approval/approval-card.tsx';
import { Moves } from '../../components/approval/moves.tsx';
import { PauseBanners } from '../../components/approval/pause-banners.tsx';
import { useAnnouncement } from '../../components/approval/use-announcement.ts';
import { useQueue } from '../../components/approval/use-queue.ts';
import { isTyping, Keys } from '../../components/keys.tsx';
import { Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { NothingWaits } from './nothing-waits.tsx';
import classes from './popup-screen.module.css';
import { useHeight } from './use-height.ts';

const t = strings.popup;

/** What nobody should decide without knowing: nothing is recorded, or everything is stopped. */
function Alarms() {
  const { data } = useApi('status', {});
  if (data === undefined) return null;
  return (
    <>
      {!data.recorder.ok && (
        <Notice tone="bad" role="alert">
          <strong>{strings.header.recordingFails}.</strong> <Visible>{data.recorder.error ?? ''}</Visible>
        </Notice>
      )}
      {data.halt !== null && (
        <Notice tone="bad" role="status">
          <strong>{strings.halt.kinds[data.halt.kind]}.</strong> <Visible>{data.halt.sentence}</Visible>
        </Notice>
      )}
    </>
  );
}

/** The window at the tray: one request at a time, and nothing that is not about it. */
export function PopupScreen() {
  const { id } = useSearch({ from: '/popup' });
  const queue = useQueue(id);
  const announcement = useAnnouncement(queue);
  const [left, setLeft] = useState(false);
  const { move } = queue;
  const count = queue.waiting.length;
  const known = useRef(count);
  const root = useRef<HTMLElement>(null);
  useHeight(root, queue.shown?.id ?? null);

  useEffect(() => {
    document.title = `${count > 0 ? strings.approvals.titleCount(count) : strings.approvals.title} · ${strings.product}`;
  }, [count]);

  // Something new is asked: it shows itself again.
  useEffect(() => {
    if (count > known.current) setLeft(false);
    known.current = count;
  }, [count]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'j') move(1);
      else if (event.key === 'k') move(-1);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [move]);

  /** The request stays; only the window goes. A browser's window cannot, so it shrinks to a line. */
  const leave = () => {
    if (desktop === null) setLeft(true);
    else desktop.hidePopup();
  };

  return (
    <main ref={root} className={classes.popup}>
      <VisuallyHidden aria-live="polite">{announcement}</VisuallyHidden>
      <header className={classes.head}>
        <img src="/favicon.svg" alt="" width={20} height={20} />
        <h1 className={classes.title}>
          {queue.position === null || left ? strings.product : strings.approvals.position(queue.position, count)}
        </h1>
        {!left && count > 1 && <Moves disabled={false} move={move} />}
        {desktop === null ? (
          <Tooltip label={t.console}>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={t.console}
              component={Link}
              to="/approvals"
              target="_blank"
            >
              <IconArrowsMaximize size={16} />
            </ActionIcon>
          </Tooltip>
        ) : (
          <ActionIcon
            variant="subtle"
            color="gray"
            aria-label={t.console}
            onClick={() => desktop?.openConsole('/approvals')}
          >
            <IconArrowsMaximize size={16} />
          </ActionIcon>
        )}
        <Tooltip
          label={
            <>
              {t.leave} <Keys keys={['Esc']} />
            </>
          }
        >
          <ActionIcon variant="subtle" color="gray" aria-label={t.leave} aria-keyshortcuts="Escape" onClick={leave}>
            <IconMinus size={16} />
          </ActionIcon>
        </Tooltip>
      </header>
      {left ? (
        <div className={classes.left}>
          <span>{count > 0 ? t.stillWaiting(count) : strings.approvals.emptyTitle}</span>
          <Button size="compact-sm" variant="default" onClick={() => setLeft(false)} autoFocus>
            {t.show}
          </Button>
        </div>
      ) : (
        <>
          <div className={classes.banners}>
            <Alarms />
            <PauseBanners />
            {queue.error !== null && queue.shown === null && <Failure error={queue.error} />}
          </div>
          {queue.shown !== null ? (
            <ApprovalCard
              key={queue.shown.id}
              approval={queue.shown}
              position={queue.position}
              waiting={count}
              compact
              move={queue.move}
              onDecided={queue.advance}
              onLeave={leave}
            />
          ) : queue.loading ? (
            <div className={classes.loading}>
              <Loader size="sm" />
            </div>
          ) : (
            <NothingWaits />
          )}
        </>
      )}
    </main>
  );
}
