import { Button, Loader, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { PasskeyView } from '../../../../gateway/contract/passkey.ts';
import { callApi } from '../../api/client.ts';
import { canUsePasskeys, makePasskey } from '../../api/passkeys.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Failure } from '../../components/page.tsx';
import { PIN_MIN, PinField } from '../../components/pin-field.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import classes from './passkeys.module.css';

const t = strings.passkeys;
const TONES = { listed: 'good', local: 'quiet', unlisted: 'warn' } as const;

/** The person's passkeys; browsers make and use them at one address only. */
export function Passkeys() {
  const query = useApi('passkeys', {});
  const { data } = query;
  if (data === undefined) return query.error === null ? <Loader size="sm" /> : <Failure error={query.error} />;
  return (
    <div className={classes.all}>
      <p className={classes.what}>{t.what}</p>
      {data.items.length === 0 ? (
        <p className={classes.what}>{t.none}</p>
      ) : (
        <ul className={classes.list}>
          {data.items.map((one) => (
            <Item key={one.credentialId} passkey={one} />
          ))}
        </ul>
      )}
      {data.items.some(({ standing }) => standing === 'unlisted') && (
        <Notice tone="warn">
          {t.unlisted}
          <CommandBlock command={t.exportCommand} label={t.exportLabel} />
        </Notice>
      )}
      {canUsePasskeys(data.origin) ? (
        <AddForm />
      ) : (
        <Notice tone="info">
          {data.origin === null ? (
            t.nowhere
          ) : (
            <>
              {t.elsewhere} <a href={`${data.origin}/settings`}>{data.origin}</a>
            </>
          )}
        </Notice>
      )}
    </div>
  );
}

function Item({ passkey }: { passkey: PasskeyView }) {
  const now = useNow(60_000);
  const [asking, setAsking] = useState(false);
  const [pin, setPin] = useState('');
  const remove = useApiMutation('removePasskey', ['passkeys'], () =>
    notifications.show({ message: t.removed, color: 'green' }),
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (pin.length >= PIN_MIN && !remove.isPending) remove.mutate({ credentialId: passkey.credentialId, pin });
  };
  return (
    <li className={classes.item}>
      <div className={classes.line}>
        <strong>
          <Visible>{passkey.name}</Visible>
        </strong>
        <ToneBadge tone={TONES[passkey.standing]}>{t.standing[passkey.standing]}</ToneBadge>
        <span className={classes.when}>{t.added(ago(passkey.createdAt, now))}</span>
        {!asking && (
          <Button variant="subtle" color="red" size="compact-sm" onClick={() => setAsking(true)}>
            {t.remove}
          </Button>
        )}
      </div>
      {asking && (
        <form onSubmit={submit} className={classes.form} aria-label={t.removeTitle(passkey.name)}>
          <p className={classes.what}>{t.removeText}</p>
          <PinField value={pin} onChange={setPin} />
          {remove.error !== null && <Failure error={remove.error} />}
          <div className={classes.buttons}>
            <Button variant="default" onClick={() => setAsking(false)}>
              {strings.cancel}
            </Button>
            <Button type="submit" color="red" disabled={pin.length < PIN_MIN} loading={remove.isPending}>
              {t.remove}
            </Button>
          </div>
        </form>
      )}
    </li>
  );
}

function AddForm() {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [pin, setPin] = useState('');
  const add = useMutation({
    mutationFn: async () => callApi('finishPasskey', await makePasskey(await callApi('beginPasskey', { name, pin }))),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['passkeys'] });
      notifications.show({ message: t.addedToast, color: 'green' });
      setName('');
    },
    onSettled: () => setPin(''),
  });
  const complete = name.trim() !== '' && pin.length >= PIN_MIN;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (complete && !add.isPending) add.mutate();
  };
  return (
    <form onSubmit={submit} className={classes.form} aria-label={t.add}>
      <TextInput
        label={t.name}
        description={t.nameHint}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        autoComplete="off"
        maxLength={60}
      />
      <PinField value={pin} onChange={setPin} />
      {add.error !== null && <Failure error={add.error} />}
      <div>
        <Button type="submit" disabled={!complete} loading={add.isPending}>
          {t.add}
        </Button>
      </div>
    </form>
  );
}
