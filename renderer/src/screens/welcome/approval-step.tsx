import { ApprovalCard } from '../../components/approval/approval-card.tsx';
import { useQueue } from '../../components/approval/use-queue.ts';
import { CopyBlock } from '../../components/copy.tsx';
import { strings } from '../../strings.ts';
import type { Setup } from './use-setup.ts';
import { Waits } from './waits.tsx';
import classes from './welcome-screen.module.css';

const t = strings.welcome;
/** Of the sample data of the demo (gateway/demo). */
const DEMO = 'demo';

/** The first request is decided here, on the same card as everywhere. */
export function ApprovalStep({ setup }: { setup: Setup }) {
  const queue = useQueue();
  return (
    <>
      {setup.connection === DEMO ? (
        <CopyBlock label={t.tryStatement} text={t.demoStatement} />
      ) : (
        <p className={classes.muted}>{t.tryOwn}</p>
      )}
      {queue.shown === null ? (
        <Waits text={t.waitsForApproval} />
      ) : (
        <ApprovalCard
          key={queue.shown.id}
          approval={queue.shown}
          position={queue.position}
          waiting={queue.waiting.length}
          move={queue.move}
          onDecided={queue.advance}
        />
      )}
    </>
  );
}
