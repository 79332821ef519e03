import { ActionIcon, Button, Select, Text, Textarea, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { ColumnAction, type ColumnTag, Entity } from '../../../../gateway/contract/connection.ts';
import { Notice } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import type { DraftTag } from './connection-draft.ts';
import classes from './connection-form.module.css';
import { parseTagLines } from './tag-lines.ts';

const t = strings.connectionForm;
const MAX_TAGS = 4096;
/** Rows of fields are dear; more of them are shown when asked for, or found. */
const SHOWN = 40;
const SEARCHED_FROM = 8;
const NAMES = ['schema', 'table', 'column'] as const;

interface Props {
  tags: readonly DraftTag[];
  errors: Readonly<Record<string, string>>;
  change(tags: readonly DraftTag[]): void;
}

const nextKey = (tags: readonly DraftTag[]) => Math.max(-1, ...tags.map((tag) => tag.key)) + 1;

function Lines({ tags, change, close }: Omit<Props, 'errors'> & { close(): void }) {
  const [text, setText] = useState('');
  const parsed = parseTagLines(text);
  const add = () => {
    const same = (a: ColumnTag, b: ColumnTag) => NAMES.every((name) => a[name] === b[name]);
    const kept = tags.filter((tag) => !parsed.tags.some((one) => same(one, tag)));
    const first = nextKey(tags);
    change([...kept, ...parsed.tags.map((tag, i) => ({ ...tag, key: first + i }))].slice(0, MAX_TAGS));
    close();
  };
  return (
    <div className={classes.lines}>
      <Textarea
        label={t.lines}
        description={t.linesHint}
        placeholder={'customers.email email\nhr.staff.ssn us_ssn partial'}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        autosize
        minRows={4}
        maxRows={12}
        spellCheck={false}
        data-autofocus
      />
      {parsed.wrong.length > 0 && (
        <Notice tone="warn">{t.linesWrong(parsed.wrong.slice(0, 10), parsed.wrong.length)}</Notice>
      )}
      <div className={classes.buttons}>
        <Button variant="default" disabled={parsed.tags.length === 0 || parsed.wrong.length > 0} onClick={add}>
          {t.linesAdd(parsed.tags.length)}
        </Button>
        <Button variant="subtle" onClick={close}>
          {strings.cancel}
        </Button>
      </div>
    </div>
  );
}

export function ColumnTags({ tags, errors, change }: Props) {
  const [sought, setSought] = useState('');
  const [shown, setShown] = useState(SHOWN);
  const [lines, setLines] = useState(false);
  const set = (key: number, part: Partial<ColumnTag>) =>
    change(tags.map((tag) => (tag.key === key ? { ...tag, ...part } : tag)));
  const add = () => {
    setSought('');
    setShown(Math.max(shown, tags.length + 1));
    change([
      ...tags,
      { key: nextKey(tags), schema: 'public', table: '', column: '', entity: 'EMAIL_ADDRESS', action: 'redact' },
    ]);
  };
  const words = sought.toLowerCase().trim();
  const found = tags
    .map((tag, index) => ({ tag, index }))
    .filter(
      ({ tag, index }) =>
        words === '' ||
        `${tag.schema}.${tag.table}.${tag.column} ${t.entities[tag.entity]}`.toLowerCase().includes(words) ||
        NAMES.some((name) => errors[`columns.${index}.${name}`] !== undefined),
    );
  return (
    <fieldset className={classes.group}>
      <legend>{t.columns}</legend>
      <Text size="sm" c="dimmed">
        {t.columnsHint}
      </Text>
      {tags.length >= SEARCHED_FROM && (
        <TextInput
          label={t.findColumn}
          value={sought}
          onChange={(event) => setSought(event.currentTarget.value)}
          maxLength={200}
        />
      )}
      {found.slice(0, shown).map(({ tag, index }) => (
        <fieldset key={tag.key} className={classes.tag} aria-label={`${t.columns} ${index + 1}`}>
          {NAMES.map((name) => (
            <TextInput
              key={name}
              label={t[name]}
              value={tag[name]}
              error={errors[`columns.${index}.${name}`]}
              onChange={(event) => set(tag.key, { [name]: event.currentTarget.value })}
              maxLength={63}
              spellCheck={false}
            />
          ))}
          <Select
            label={t.entity}
            data={Entity.options.map((value) => ({ value, label: t.entities[value] }))}
            value={tag.entity}
            onChange={(value) => value !== null && set(tag.key, { entity: value as Entity })}
            allowDeselect={false}
            searchable
          />
          <Select
            label={t.action}
            data={ColumnAction.options.map((value) => ({ value, label: t.actions[value] }))}
            value={tag.action}
            onChange={(value) => value !== null && set(tag.key, { action: value as ColumnAction })}
            allowDeselect={false}
          />
          <ActionIcon
            className={classes.removeTag}
            variant="default"
            size={36}
            aria-label={t.removeColumn(`${tag.table}.${tag.column}`)}
            onClick={() => change(tags.filter((other) => other.key !== tag.key))}
          >
            <IconTrash size={17} />
          </ActionIcon>
        </fieldset>
      ))}
      {found.length > shown && (
        <Button variant="subtle" size="compact-sm" onClick={() => setShown(shown + 200)}>
          {t.showColumns(found.length - shown)}
        </Button>
      )}
      {lines ? (
        <Lines tags={tags} change={change} close={() => setLines(false)} />
      ) : (
        <div className={classes.buttons}>
          <Button
            variant="default"
            leftSection={<IconPlus size={16} />}
            onClick={add}
            disabled={tags.length >= MAX_TAGS}
          >
            {t.addColumn}
          </Button>
          <Button variant="subtle" onClick={() => setLines(true)}>
            {t.addLines}
          </Button>
        </div>
      )}
    </fieldset>
  );
}
