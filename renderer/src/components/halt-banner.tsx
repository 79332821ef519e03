import { Button } from '@mantine/core';
import { useState } from 'react';
import { useApi, useApiMutation } from '../api/queries.ts';
import { strings } from '../strings.ts';
import classes from './halt-banner.module.css';
import { Failure } from './page.tsx';
import { PIN_MIN, PinField } from './pin-field.tsx';
import { Notice } from './tone.tsx';
import { Visible } from './visible.tsx';

const t = strings.halt;

/** Everything was stopped by a person: says so on each page, and takes the PIN to go on. */
export function HaltBanner() {
  const status = useApi('status', {});
  const resume = useApiMutation('resumeAll', ['status']);
  const [pin, setPin] = useState('');
  const halt = status.data?.halt ?? null;
  if (halt === null) return null;
  const send = () => resume.mutate({ pin }, { onSettled: () => setPin('') });
  return (
    <section aria-label={t.label} className={classes.banner}>
      <Notice tone={halt.kind === 'panic' ? 'bad' : 'late'} role="status">
        <div className={classes.row}>
          <span className={classes.text}>
            <strong>{t.kinds[halt.kind]}.</strong> <Visible>{halt.sentence}</Visible>
          </span>
          <form
            className={classes.form}
            onSubmit={(event) => {
              event.preventDefault();
              send();
            }}
          >
            <PinField value={pin} onChange={setPin} size="xs" label={t.pin} className={classes.pin} />
            <Button
              type="submit"
              size="xs"
              variant="default"
              disabled={pin.length < PIN_MIN}
              loading={resume.isPending}
            >
              {t.resume}
            </Button>
          </form>
        </div>
        {resume.error !== null && <Failure error={resume.error} />}
      </Notice>
    </section>
  );
}
