import { ActionIcon, Button, Select, Text, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { type ColumnTag, Entity, MaskAction } from '../../../../gateway/contract/connection.ts';
import { strings } from '../../strings.ts';
import type { DraftTag } from './connection-draft.ts';
import classes from './connection-form.module.css';

const t = strings.connectionForm;
const MAX_TAGS = 4096;
const NAMES = ['schema', 'table', 'column'] as const;

interface Props {
  tags: readonly DraftTag[];
  errors: Readonly<Record<string, string>>;
  change(tags: readonly DraftTag[]): void;
}

export function ColumnTags({ tags, errors, change }: Props) {
  const set = (key: number, part: Partial<ColumnTag>) =>
    change(tags.map((tag) => (tag.key === key ? { ...tag, ...part } : tag)));
  const add = () =>
    change([
      ...tags,
      {
        key: Math.max(-1, ...tags.map((tag) => tag.key)) + 1,
        schema: 'public',
        table: '',
        column: '',
        entity: 'EMAIL_ADDRESS',
        action: 'redact',
      },
    ]);
  return (
    <fieldset className={classes.group}>
      <legend>{t.columns}</legend>
      <Text size="sm" c="dimmed">
        {t.columnsHint}
      </Text>
      {tags.map((tag, index) => (
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
            data={MaskAction.options.map((value) => ({ value, label: t.actions[value] }))}
            value={tag.action}
            onChange={(value) => value !== null && set(tag.key, { action: value as MaskAction })}
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
      <div>
        <Button variant="default" leftSection={<IconPlus size={16} />} onClick={add} disabled={tags.length >= MAX_TAGS}>
          {t.addColumn}
        </Button>
      </div>
    </fieldset>
  );
}
