import { ActionIcon, Button, Popover, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback, useDisclosure } from '@mantine/hooks';
import { IconBookmark, IconSearch, IconX } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Entity } from '../../../../gateway/contract/connection.ts';
import type { StatementFilter } from '../../../../gateway/contract/search.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { strings } from '../../strings.ts';
import { visibleString } from '../../text/visible-text.ts';
import { DayField, dayStart } from './day-field.tsx';
import classes from './sessions-screen.module.css';

const t = strings.audit.sessions;
const TYPING_MS = 500;
const FURTHER = ['agent', 'connection', 'approver', 'entity', 'since', 'until'] as const;
type TextField = 'text' | 'person' | 'agent' | 'connection' | 'table' | 'approver';

/** A field whose value is taken once the typing pauses: each search is written to the auditor's log. */
function TypedField({
  label,
  value,
  change,
  search = false,
}: {
  label: string;
  value: string | undefined;
  change(value: string | undefined): void;
  search?: boolean;
}) {
  const [typed, setTyped] = useState(value ?? '');
  const sent = useRef(value ?? '');
  const send = useDebouncedCallback((next: string) => {
    sent.current = next;
    change(next === '' ? undefined : next);
  }, TYPING_MS);
  useEffect(() => {
    if ((value ?? '') === sent.current) return;
    sent.current = value ?? '';
    setTyped(sent.current);
  }, [value]);
  return (
    <TextInput
      label={label}
      {...(search ? { leftSection: <IconSearch size={16} />, placeholder: t.textHint } : {})}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        send(event.currentTarget.value.trim());
      }}
      maxLength={search ? 400 : 256}
    />
  );
}

function SaveSearch({ filter }: { filter: StatementFilter }) {
  const [opened, dialog] = useDisclosure(false);
  const [name, setName] = useState('');
  const save = useApiMutation('saveSearch', ['savedSearches'], dialog.close);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() !== '') save.mutate({ name: name.trim(), filter });
  };
  return (
    <Popover opened={opened} onChange={dialog.toggle} trapFocus withinPortal position="bottom-start">
      <Popover.Target>
        <Button size="compact-sm" variant="subtle" leftSection={<IconBookmark size={15} />} onClick={dialog.toggle}>
          {t.save}
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={submit}>
          <TextInput
            label={t.saveName}
            description={t.saveHint}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            maxLength={100}
            data-autofocus
          />
          {save.error !== null && <Failure error={save.error} />}
          <Button type="submit" size="xs" mt="sm" loading={save.isPending} disabled={name.trim() === ''}>
            {t.saving}
          </Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

export function SearchBar({ filter }: { filter: StatementFilter }) {
  const navigate = useNavigate({ from: '/audit/sessions' });
  const devices = useApi('auditDevices', {}).data?.items ?? [];
  const saved = useApi('savedSearches', {}).data?.items ?? [];
  const forget = useApiMutation('forgetSearch', ['savedSearches']);
  const further = FURTHER.some((field) => filter[field] !== undefined);
  const [moreOpen, setMoreOpen] = useState(further);
  const filtered = Object.values(filter).some((value) => value !== undefined);
  const show = (next: StatementFilter) => void navigate({ search: next, replace: true });
  const set = (change: Partial<StatementFilter>) =>
    show(Object.fromEntries(Object.entries({ ...filter, ...change }).filter(([, value]) => value !== undefined)));
  const typed = (field: TextField) => (
    <TypedField
      label={t[field]}
      value={filter[field]}
      change={(value) => set({ [field]: value })}
      search={field === 'text'}
    />
  );
  const day = (field: 'since' | 'until') => (
    <DayField
      label={t[field]}
      value={filter[field]?.slice(0, 10) ?? ''}
      onChange={(value) => set({ [field]: value === '' ? undefined : dayStart(value) })}
    />
  );
  return (
    <search className={classes.search}>
      <div className={classes.filters}>
        {typed('text')}
        <Select
          label={t.device}
          placeholder={t.any}
          clearable
          searchable
          data={devices.map(({ device, name }) => ({
            value: device,
            label: visibleString(name === null ? device : `${name} (${device.slice(-6)})`),
          }))}
          value={filter.device ?? null}
          onChange={(value) => set({ device: value ?? undefined })}
        />
        <Select
          label={t.verdict}
          placeholder={t.any}
          clearable
          data={Object.entries(t.verdicts).map(([value, label]) => ({ value, label }))}
          value={filter.verdict ?? null}
          onChange={(value) => set({ verdict: (value as StatementFilter['verdict']) ?? undefined })}
        />
        {typed('table')}
        <Button variant="default" aria-expanded={moreOpen} onClick={() => setMoreOpen((open) => !open)}>
          {moreOpen ? t.fewer : t.more}
        </Button>
      </div>
      {moreOpen && (
        <div className={classes.more}>
          {typed('person')}
          {typed('agent')}
          {typed('connection')}
          {typed('approver')}
          <Select
            label={t.entity}
            placeholder={t.any}
            clearable
            searchable
            data={Entity.options.map((value) => ({ value, label: strings.connectionForm.entityName(value) }))}
            value={filter.entity ?? null}
            onChange={(value) => set({ entity: value ?? undefined })}
          />
          {day('since')}
          {day('until')}
        </div>
      )}
      <div className={classes.saved}>
        {filtered && (
          <Button size="compact-sm" variant="subtle" onClick={() => show({})}>
            {strings.sessions.clear}
          </Button>
        )}
        {filtered && <SaveSearch filter={filter} />}
        {saved.map((search) => (
          <span key={search.name} className={classes.chip}>
            <Button
              size="compact-sm"
              variant="default"
              leftSection={<IconBookmark size={14} />}
              onClick={() => show(search.filter)}
            >
              {visibleString(search.name)}
            </Button>
            <ActionIcon
              size="sm"
              variant="subtle"
              color="gray"
              aria-label={t.forget(visibleString(search.name))}
              onClick={() => forget.mutate({ name: search.name })}
            >
              <IconX size={13} />
            </ActionIcon>
          </span>
        ))}
      </div>
    </search>
  );
}
