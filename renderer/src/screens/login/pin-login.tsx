import { Button, PasswordInput, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useApiMutation } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { PIN_MIN } from '../../components/pin-field.tsx';
import { strings } from '../../strings.ts';
import classes from './login-screen.module.css';

const t = strings.login.pin;

/** In the desktop app the PIN gives a one-time code, which is used at once: there may be no terminal that shows one. */
export function PinLogin({ enter }: { enter(code: string): void }) {
  const [pin, setPin] = useState('');
  const code = useApiMutation('newLoginCode');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (pin.length < PIN_MIN || code.isPending) return;
    code.mutate({ pin }, { onSuccess: (given) => enter(given.code), onSettled: () => setPin('') });
  };
  return (
    <form onSubmit={submit} className={classes.form}>
      <PasswordInput
        label={t.label}
        value={pin}
        onChange={(event) => setPin(event.currentTarget.value)}
        autoComplete="off"
        maxLength={64}
        size="md"
      />
      <Button
        type="submit"
        variant="default"
        size="md"
        fullWidth
        loading={code.isPending}
        disabled={pin.length < PIN_MIN}
      >
        {t.submit}
      </Button>
      <Text size="sm" c="dimmed">
        {t.why}
      </Text>
      {code.error !== null && <Failure error={code.error} />}
    </form>
  );
}
