import { Button, Checkbox, Loader, PasswordInput, TextInput } from '@mantine/core';
import { IconFileImport } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { PastImport } from '../../../../gateway/contract/audit.ts';
import { callApi } from '../../api/client.ts';
import { useApi } from '../../api/queries.ts';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { span, timeOfDay } from '../../text/format.ts';
import classes from './audit.module.css';
import { JobView, useJobs } from './job.tsx';

const t = strings.audit.imports;

function ImportForm({ busy }: { busy: boolean }) {
  const client = useQueryClient();
  const [what, setWhat] = useState('');
  const [recheck, setRecheck] = useState(false);
  /** Ids of the secrets that this source wants; null: it was not asked yet. */
  const [wanted, setWanted] = useState<readonly string[] | null>(null);
  const [secrets, setSecrets] = useState<Readonly<Record<string, string>>>({});
  const [error, setError] = useState<unknown>(null);
  const [pending, setPending] = useState(false);

  const start = async () => {
    const source = { what: what.trim() };
    const ids = wanted ?? (await callApi('importSource', source)).secrets;
    setWanted(ids);
    if (ids.some((id) => (secrets[id] ?? '') === '')) return;
    await callApi('startImport', { ...source, recheck, secrets });
    setWanted(null);
    setSecrets({});
    await client.invalidateQueries({ queryKey: ['auditJobs'] });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (what.trim() === '' || pending) return;
    setPending(true);
    setError(null);
    start()
      .catch(setError)
      .finally(() => setPending(false));
  };

  return (
    <form className={classes.form} onSubmit={submit}>
      <TextInput
        label={t.what}
        description={t.whatHint}
        value={what}
        onChange={(event) => {
          setWhat(event.currentTarget.value);
          setWanted(null);
        }}
        maxLength={4096}
        spellCheck={false}
        autoCapitalize="off"
      />
      {wanted?.map((id) => (
        <PasswordInput
          key={id}
          label={t.secret(id)}
          description={t.secretHint}
          value={secrets[id] ?? ''}
          onChange={(event) => {
            const { value } = event.currentTarget;
            setSecrets((before) => ({ ...before, [id]: value }));
          }}
          autoComplete="off"
        />
      ))}
      <Checkbox label={t.recheck} checked={recheck} onChange={(event) => setRecheck(event.currentTarget.checked)} />
      {error !== null && <Failure error={error} />}
      <div>
        <Button
          type="submit"
          leftSection={<IconFileImport size={17} />}
          loading={pending}
          disabled={busy || what.trim() === ''}
        >
          {t.start}
        </Button>
      </div>
    </form>
  );
}

function Past({ item }: { item: PastImport }) {
  const now = useNow(60_000);
  return (
    <li>
      <strong className={classes.main}>
        <Visible>{item.source}</Visible>
      </strong>
      <span>{t.objects(item.objects)}</span>
      <span className={classes.muted}>
        {timeOfDay(item.began, now)}
        {' · '}
        {item.ended === null ? t.notEnded : span(Date.parse(item.ended) - Date.parse(item.began))}
      </span>
    </li>
  );
}

export function ImportsScreen() {
  const imports = useApi('auditImports', {});
  const status = useApi('auditStatus', {}).data;
  const { latest, running } = useJobs(['import', 'index']);
  const items = imports.data?.items ?? [];
  const unusual = (['unread', 'torso', 'changed', 'refused'] as const).filter(
    (state) => (status?.objects[state] ?? 0) > 0,
  );
  return (
    <Page title={t.title} lead={t.lead}>
      {status?.keys === false && <Notice tone="warn">{t.noKeys}</Notice>}
      <Card>
        <ImportForm busy={running !== null} />
      </Card>
      {latest !== null && (
        <Card>
          <JobView job={latest} />
          {latest.state === 'done' && <p className={classes.muted}>{t.next}</p>}
        </Card>
      )}
      {unusual.length > 0 && (
        <Card label={t.unusual}>
          <h2 className={classes.subtitle}>{t.unusual}</h2>
          <ul className={classes.plain}>
            {unusual.map((state) => (
              <li key={state}>{t[state](status?.objects[state] ?? 0)}</li>
            ))}
          </ul>
        </Card>
      )}
      <Card label={t.past}>
        <h2 className={classes.subtitle}>{t.past}</h2>
        {imports.error !== null && <Failure error={imports.error} retry={() => void imports.refetch()} />}
        {imports.isPending && <Loader size="sm" />}
        {imports.isSuccess && items.length === 0 && <Empty title={t.emptyTitle} hint={t.emptyHint} />}
        <ul className={classes.plain}>
          {items.map((item) => (
            <Past key={item.id} item={item} />
          ))}
        </ul>
      </Card>
    </Page>
  );
}
