import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Card, Failure } from '../../components/page.tsx';
import { PIN_MIN, PinField } from '../../components/pin-field.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './settings-screen.module.css';

const t = strings.emergency;
const REASON_MIN = 10;

function Begin() {
  const begin = useApiMutation('beginEmergency', ['emergency', 'status']);
  const [reason, setReason] = useState('');
  const [pin, setPin] = useState('');
  return (
    <form
      className={classes.settingText}
      onSubmit={(event) => {
        event.preventDefault();
        begin.mutate({ reason, pin }, { onSettled: () => setPin('') });
      }}
    >
      <TextInput
        label={t.reason}
        value={reason}
        maxLength={500}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      <PinField value={pin} onChange={setPin} />
      {begin.error !== null && <Failure error={begin.error} />}
      <div>
        <Button
          type="submit"
          color="red"
          loading={begin.isPending}
          disabled={reason.trim().length < REASON_MIN || pin.length < PIN_MIN}
        >
          {t.begin}
        </Button>
      </div>
    </form>
  );
}

/** Break-glass: what it is, whether it may be begun here, and the way in; the banner ends it. */
export function EmergencyCard() {
  const { data, error } = useApi('emergency', {});
  return (
    <Card label={t.title}>
      <h2 className={classes.title}>{t.title}</h2>
      <p className={classes.hint}>{t.what}</p>
      {error !== null && <Failure error={error} />}
      {data !== undefined && (
        <>
          <div>
            <ToneBadge tone={data.active === null ? 'quiet' : 'bad'}>{data.active === null ? t.none : t.now}</ToneBadge>
          </div>
          {data.active === null && data.refusal !== null && (
            <p className={classes.hint}>
              <Visible>{`${data.refusal}.`}</Visible>
            </p>
          )}
          {data.active === null && data.refusal === null && <Begin />}
        </>
      )}
    </Card>
  );
}
