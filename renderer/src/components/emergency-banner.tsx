import { Button } from '@mantine/core';
import { useApi, useApiMutation } from '../api/queries.ts';
import { strings } from '../strings.ts';
import { clock } from '../text/format.ts';
import classes from './halt-banner.module.css';
import { Failure } from './page.tsx';
import { Notice } from './tone.tsx';
import { useNow } from './use-now.ts';
import { Visible } from './visible.tsx';

const t = strings.emergency;

/** Somebody broke the glass: says so on each page with the time that is left, and ends it. */
export function EmergencyBanner() {
  const status = useApi('status', {});
  const end = useApiMutation('endEmergency', ['status', 'emergency']);
  const now = useNow();
  const emergency = status.data?.emergency ?? null;
  const left = emergency === null ? 0 : Date.parse(emergency.until) - now;
  if (emergency === null || left <= 0) return null;
  return (
    <section aria-label={t.label} className={classes.banner}>
      <Notice tone="bad">
        <div className={classes.row}>
          <span className={classes.text}>
            <strong>{t.left(clock(left))}</strong> <Visible>{t.by(emergency.by)}</Visible>{' '}
            <Visible>{emergency.reason}</Visible>
          </span>
          <Button size="xs" variant="default" loading={end.isPending} onClick={() => end.mutate({})}>
            {t.end}
          </Button>
        </div>
        {end.error !== null && <Failure error={end.error} />}
      </Notice>
    </section>
  );
}
