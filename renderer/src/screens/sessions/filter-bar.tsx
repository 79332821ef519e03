import { Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useRef, useState } from 'react';
import { useApi } from '../../api/queries.ts';
import { strings } from '../../strings.ts';
import classes from './sessions-screen.module.css';
import type { Filters } from './use-sessions.ts';

const t = strings.sessions;
const TYPING_MS = 300;

export function FilterBar({ filters, change }: { filters: Filters; change(next: Filters): void }) {
  const connections = useApi('connections', {});
  const [text, setText] = useState(filters.text ?? '');
  const sent = useRef(filters.text ?? '');
  const search = useDebouncedCallback((value: string) => {
    sent.current = value;
    change({ ...filters, text: value === '' ? undefined : value });
  }, TYPING_MS);
  // The address changed by itself (back, "clear"): the field follows.
  useEffect(() => {
    if ((filters.text ?? '') !== sent.current) {
      sent.current = filters.text ?? '';
      setText(sent.current);
    }
  }, [filters.text]);

  return (
    <search className={classes.filters}>
      <TextInput
        className={classes.search}
        label={t.filterText}
        leftSection={<IconSearch size={16} />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          search(event.currentTarget.value.trim());
        }}
        maxLength={400}
      />
      <Select
        label={t.filterConnection}
        placeholder={t.any}
        clearable
        data={(connections.data?.items ?? []).map((item) => item.id)}
        value={filters.connectionId ?? null}
        onChange={(value) => change({ ...filters, connectionId: value ?? undefined })}
      />
      <Select
        label={t.filterState}
        placeholder={t.any}
        clearable
        data={Object.entries(t.states).map(([value, label]) => ({ value, label }))}
        value={filters.state ?? null}
        onChange={(value) => change({ ...filters, state: (value as Filters['state']) ?? undefined })}
      />
      <Select
        label={t.filterVerdict}
        placeholder={t.any}
        clearable
        data={Object.entries(t.verdicts).map(([value, label]) => ({ value, label }))}
        value={filters.verdict ?? null}
        onChange={(value) => change({ ...filters, verdict: (value as Filters['verdict']) ?? undefined })}
      />
    </search>
  );
}
