import { Button, PasswordInput, Select, Switch, Textarea, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import type { ConnectionView } from '../../../../gateway/contract/routes/connections.ts';
import { callApi, failureText } from '../../api/client.ts';
import { useApiMutation } from '../../api/queries.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { Failure } from '../../components/page.tsx';
import { PIN_MIN, PinField } from '../../components/pin-field.tsx';
import { Notice } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { visibleString } from '../../text/visible-text.ts';
import { ColumnTags } from './column-tags.tsx';
import { type Draft, toConnection } from './connection-draft.ts';
import classes from './connection-form.module.css';
import { Detectors } from './detectors.tsx';

const t = strings.connectionForm;
const options = (names: Readonly<Record<string, string>>) =>
  Object.entries(names).map(([value, label]) => ({ value, label }));

type TextKey =
  | 'id'
  | 'host'
  | 'port'
  | 'database'
  | 'databases'
  | 'user'
  | 'caFile'
  | 'serverName'
  | 'certFile'
  | 'keyFile';

/** Whether what was saved works is said while the person goes on, whatever page that is. */
function tryOut(id: string): void {
  callApi('testConnection', { id }).then(
    ({ ok, sentence }) =>
      notifications.show({ message: visibleString(`${id}: ${sentence}`), color: ok ? 'green' : 'red' }),
    (error: unknown) => notifications.show({ message: visibleString(`${id}: ${failureText(error)}`), color: 'red' }),
  );
}

export function ConnectionForm({ start, before }: { start: Draft; before: ConnectionView | null }) {
  const [draft, setDraft] = useState(start);
  const [secret, setSecret] = useState('');
  const [pin, setPin] = useState('');
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const [asksDelete, setAsksDelete] = useState(false);
  const navigate = useNavigate();
  const save = useApiMutation('putConnection', ['connections']);
  const remove = useApiMutation('deleteConnection', ['connections']);
  const set = (part: Partial<Draft>) => setDraft((current) => ({ ...current, ...part }));

  const text = (key: TextKey, errorAt: string = key) => ({
    label: t[key],
    value: draft[key],
    error: errors[errorAt],
    onChange: (event: { currentTarget: { value: string } }) => set({ [key]: event.currentTarget.value }),
    spellCheck: false,
    autoComplete: 'off',
  });

  const done = (message: string) => {
    notifications.show({ message, color: 'green' });
    void navigate({ to: '/connections' });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const checked = toConnection(draft, before);
    setErrors(checked.ok ? {} : checked.errors);
    if (!checked.ok || pin.length < PIN_MIN) return;
    save.mutate(
      { id: checked.connection.id, connection: checked.connection, pin, ...(secret === '' ? {} : { secret }) },
      {
        onSuccess: () => {
          done(t.saved(checked.connection.id));
          tryOut(checked.connection.id);
        },
        onError: () => setPin(''),
      },
    );
  };

  return (
    <form onSubmit={submit} className={classes.form} noValidate>
      <fieldset className={classes.group}>
        <legend>{t.target}</legend>
        <div className={classes.two}>
          <TextInput {...text('id')} description={t.idHint} disabled={before !== null} maxLength={63} />
          <Select
            label={t.environment}
            description={t.environmentHint}
            data={options(strings.connections.environments)}
            value={draft.environment}
            onChange={(value) => value !== null && set({ environment: value as Draft['environment'] })}
            allowDeselect={false}
          />
          <TextInput {...text('host')} description={t.hostHint} maxLength={255} />
          <TextInput {...text('port')} description={t.portHint} inputMode="numeric" maxLength={5} />
          <TextInput {...text('database')} maxLength={63} />
          <TextInput {...text('user')} maxLength={63} />
          <TextInput {...text('databases')} description={t.databasesHint} />
          <PasswordInput
            label={t.secret}
            description={before?.hasSecret ? t.secretKeep : t.secretNew}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
            autoComplete="new-password"
            maxLength={4096}
          />
        </div>
        <Textarea
          label={t.description}
          value={draft.description}
          onChange={(event) => set({ description: event.currentTarget.value })}
          maxLength={1000}
          autosize
          minRows={1}
        />
      </fieldset>

      <fieldset className={classes.group}>
        <legend>{t.tls}</legend>
        <Select
          label={t.tlsMode}
          data={options(t.tlsModes)}
          value={draft.tlsMode}
          onChange={(value) => value !== null && set({ tlsMode: value as Draft['tlsMode'] })}
          allowDeselect={false}
        />
        {draft.tlsMode !== 'disable' && (
          <div className={classes.two}>
            <TextInput {...text('caFile', 'tls.caFile')} />
            <TextInput {...text('serverName', 'tls.serverName')} />
            <TextInput {...text('certFile', 'tls.certFile')} />
            <TextInput {...text('keyFile', 'tls.keyFile')} />
          </div>
        )}
        {draft.tlsMode !== 'disable' && (
          <Switch
            label={t.direct}
            description={t.directHint}
            checked={draft.direct}
            onChange={(event) => set({ direct: event.currentTarget.checked })}
          />
        )}
      </fieldset>

      <fieldset className={classes.group}>
        <legend>{t.handling}</legend>
        <div className={classes.two}>
          <Select
            label={t.mode}
            data={options(t.modes)}
            value={draft.mode}
            onChange={(value) => value !== null && set({ mode: value as Draft['mode'] })}
            allowDeselect={false}
          />
          <Select
            label={t.masking}
            data={options(t.maskings)}
            value={draft.masking}
            onChange={(value) => value !== null && set({ masking: value as Draft['masking'] })}
            allowDeselect={false}
          />
        </div>
        <Select
          label={t.sync}
          data={options(t.syncs)}
          value={draft.sync}
          onChange={(value) => value !== null && set({ sync: value as Draft['sync'] })}
          allowDeselect={false}
        />
        {draft.mode === 'observe' && <Notice tone="watch">{strings.connections.observe}.</Notice>}
        {draft.masking === 'off' && <Notice tone="warn">{strings.connections.maskingOff}.</Notice>}
      </fieldset>

      <ColumnTags tags={draft.columns} errors={errors} change={(columns) => set({ columns })} />

      {draft.masking === 'on' && <Detectors detectors={draft.detectors} change={(detectors) => set({ detectors })} />}

      <fieldset className={classes.group}>
        <legend>{t.presence}</legend>
        <div>{t.pinWhy}</div>
        {Object.keys(errors).length > 0 && (
          <Notice tone="bad" role="alert">
            {t.check}
          </Notice>
        )}
        {(save.error ?? remove.error) !== null && <Failure error={save.error ?? remove.error} />}
        <div className={classes.save}>
          <PinField className={classes.pin} value={pin} onChange={setPin} />
          <div className={classes.buttons}>
            {before !== null &&
              (asksDelete ? (
                <Button
                  color="red"
                  disabled={pin.length < PIN_MIN}
                  loading={remove.isPending}
                  onClick={() =>
                    remove.mutate(
                      { id: before.id, pin },
                      { onSuccess: () => done(t.deleted(before.id)), onError: () => setPin('') },
                    )
                  }
                >
                  {t.deleteConfirm}
                </Button>
              ) : (
                <Button variant="default" onClick={() => setAsksDelete(true)}>
                  {t.delete}
                </Button>
              ))}
            <LinkButton variant="default" to="/connections">
              {strings.cancel}
            </LinkButton>
            <Button type="submit" loading={save.isPending} disabled={pin.length < PIN_MIN}>
              {t.save}
            </Button>
          </div>
        </div>
      </fieldset>
    </form>
  );
}
