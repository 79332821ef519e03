import { Button } from '@mantine/core';
import type { SessionPause } from '../../../../gateway/contract/decision.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import { Failure } from '../page.tsx';
import { Notice } from '../tone.tsx';
import { useNow } from '../use-now.ts';
import { Visible } from '../visible.tsx';
import classes from './pause-banners.module.css';

const t = strings.approvals;

function PauseBanner({ pause, now }: { pause: SessionPause; now: number }) {
  const session = useApi('session', { id: pause.sessionId });
  const end = useApiMutation('endPause', ['status']);
  const who = session.data === undefined ? '' : `${session.data.agent.name} → ${session.data.connectionId}`;
  return (
    <Notice tone="late" role="status">
      <div className={classes.row}>
        <span>
          {who !== '' && (
            <strong>
              <Visible>{who}</Visible>:{' '}
            </strong>
          )}
          {t.paused(timeOfDay(pause.until, now).replace(/:\d\d$/, ''))}
        </span>
        <Button
          size="compact-sm"
          variant="default"
          loading={end.isPending}
          onClick={() => end.mutate({ id: pause.sessionId })}
        >
          {t.askAgain}
        </Button>
      </div>
      {end.error !== null && <Failure error={end.error} />}
    </Notice>
  );
}

/** Sessions that are refused unasked, since nobody answered their last requests: a pause, not a rule. */
export function PauseBanners() {
  const status = useApi('status', {});
  const now = useNow(5000);
  return (status.data?.pauses ?? [])
    .filter(({ until }) => Date.parse(until) > now)
    .map((pause) => <PauseBanner key={pause.sessionId} pause={pause} now={now} />);
}
