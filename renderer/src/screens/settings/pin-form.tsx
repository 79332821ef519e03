import { Button, PasswordInput, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type FormEvent, useState } from 'react';
import { useApiMutation } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { PIN_MIN } from '../../components/pin-field.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import classes from './settings-screen.module.css';

const t = strings.settings;

/** The first PIN is set with a one-time code in hand; another needs the current one. */
export function PinForm({ isSet, saved }: { isSet: boolean; saved(): void }) {
  const [pin, setPin] = useState('');
  const [again, setAgain] = useState('');
  const [proof, setProof] = useState('');
  const save = useApiMutation('setPin', ['status'], () => notifications.show({ message: t.pinSaved, color: 'green' }));
  const differs = again !== '' && !pin.startsWith(again) && pin !== again;
  const complete = pin.length >= PIN_MIN && pin === again && proof.trim().length >= PIN_MIN;

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!complete || save.isPending) return;
    save.mutate(isSet ? { pin, current: proof } : { pin, code: proof.trim() }, {
      onSuccess: () => {
        setPin('');
        setAgain('');
        setProof('');
        saved();
      },
    });
  };

  return (
    <form onSubmit={submit} className={classes.form}>
      {isSet ? <ToneBadge tone="good">{t.pinSet}</ToneBadge> : <Notice tone="warn">{t.pinNotSet}</Notice>}
      <Text size="sm" c="dimmed">
        {t.pinWhat}
      </Text>
      {isSet ? (
        <PasswordInput
          label={t.pinCurrent}
          value={proof}
          onChange={(event) => setProof(event.currentTarget.value)}
          autoComplete="off"
          maxLength={64}
        />
      ) : (
        <TextInput
          label={t.pinCode}
          description={t.pinCodeHint}
          value={proof}
          onChange={(event) => setProof(event.currentTarget.value)}
          autoComplete="one-time-code"
          maxLength={64}
        />
      )}
      <PasswordInput
        label={t.pinNew}
        description={strings.pin.hint}
        value={pin}
        onChange={(event) => setPin(event.currentTarget.value)}
        autoComplete="new-password"
        maxLength={64}
      />
      <PasswordInput
        label={t.pinAgain}
        value={again}
        onChange={(event) => setAgain(event.currentTarget.value)}
        error={differs ? t.pinDiffers : undefined}
        autoComplete="new-password"
        maxLength={64}
      />
      {save.error !== null && <Failure error={save.error} />}
      <div>
        <Button type="submit" disabled={!complete} loading={save.isPending}>
          {isSet ? t.pinChange : t.pinSetButton}
        </Button>
      </div>
    </form>
  );
}
