import { ActionIcon, Button, Checkbox, MultiSelect, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { type FormEvent, type RefObject, useEffect, useState } from 'react';
import type { Redaction } from '../../../../gateway/contract/audit.ts';
import { Entity } from '../../../../gateway/contract/connection.ts';
import { useApiMutation } from '../../api/queries.ts';
import { Card, Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { bytes } from '../../text/format.ts';
import { visibleString } from '../../text/visible-text.ts';
import { JobView, useJobs } from '../audit/job.tsx';
import classes from './redact-panel.module.css';
import { choiceOf, keyOf, type Pick, type Redacting, SHORTEST_VALUE } from './redaction-choice.ts';

const t = strings.audit.redact;
const LONGEST_SELECTION = 500;
const SHOWN = 60;
/** PERSON and CUSTOM have no detector: they are column tags. */
const DETECTED = Entity.options.filter((entity) => entity !== 'PERSON' && entity !== 'CUSTOM');

function wordsOf(pick: Pick): string {
  switch (pick.kind) {
    case 'value':
      return `${t.kinds.value} “${visibleString(pick.value.slice(0, SHOWN))}”`;
    case 'column':
      return `${t.kinds.column} ${visibleString(pick.column)}`;
    case 'entity':
      return `${t.kinds.entity} ${strings.connectionForm.entityName(pick.entity)}`;
    default:
      return `${t.kinds[pick.kind]} ${pick.index + 1}`;
  }
}

/** Text that the person has marked within `frame`; nothing where it holds a character that is shown by a name. */
function useMarked(frame: RefObject<HTMLElement | null>): string {
  const [marked, setMarked] = useState('');
  useEffect(() => {
    const onChange = () => {
      const selection = document.getSelection();
      const range = selection !== null && selection.rangeCount > 0 ? selection.getRangeAt(0) : null;
      const inside = range !== null && frame.current?.contains(range.commonAncestorContainer);
      const text = inside && range.cloneContents().querySelector('mark') === null ? range.toString().trim() : '';
      setMarked(text.length >= SHORTEST_VALUE && text.length <= LONGEST_SELECTION ? text : '');
    };
    document.addEventListener('selectionchange', onChange);
    return () => document.removeEventListener('selectionchange', onChange);
  }, [frame]);
  return marked;
}

const ROLES = ['up', 'down', 'text', 'detail'] as const;
const LISTED = 200;

function Goes({ redaction }: { redaction: Redaction }) {
  const listed = redaction.statements.slice(0, LISTED);
  return (
    <section className={classes.goes} aria-label={t.goes}>
      <h2 className={classes.subtitle}>{t.goes}</h2>
      <ul>
        {ROLES.filter((role) => redaction.units[role] > 0).map((role) => (
          <li key={role}>
            {t.units(redaction.units[role], bytes(redaction.bytes[role]))} {t.roles[role]}
          </li>
        ))}
        {Object.entries(redaction.found).map(([entity, n]) => (
          <li key={entity}>{t.found(strings.connectionForm.entityName(entity), n)}</li>
        ))}
        {redaction.before > 0 && <li>{t.before(redaction.before)}</li>}
        {redaction.notUnderstood > 0 && <li>{t.notUnderstood(redaction.notUnderstood)}</li>}
        {redaction.digests > 0 && <li>{t.digests(redaction.digests)}</li>}
      </ul>
      {redaction.affected > 0 && (
        <p>
          {t.along} {t.affected(redaction.affected)}{' '}
          <Visible>{listed.map(({ index, op }) => `${index + 1} ${op}`).join(', ')}</Visible>
          {redaction.affected > listed.length && ' …'}
        </p>
      )}
      {redaction.signed.length > 0 && (
        <Notice tone="warn">
          {t.signed} <Visible>{redaction.signed.join('; ')}</Visible>
        </Notice>
      )}
    </section>
  );
}

interface Props {
  sessionId: string;
  redacting: Redacting;
  /** Where text can be marked. */
  frame: RefObject<HTMLElement | null>;
}

/** What is to be taken out, what goes with it, and the bundle without it. */
export function RedactPanel({ sessionId, redacting, frame }: Props) {
  const { picks, has, toggle } = redacting;
  const marked = useMarked(frame);
  const [value, setValue] = useState('');
  const [why, setWhy] = useState('');
  const [leaveSigned, setLeaveSigned] = useState(false);
  const redact = useApiMutation('startRedaction', ['auditJobs']);
  const { latest, running } = useJobs(['preview', 'redact']);
  const asked = JSON.stringify([choiceOf(picks), leaveSigned]);
  const [previewed, setPreviewed] = useState<string | null>(null);
  // One from before this page was opened was of another choice.
  const mine = previewed !== null && latest?.what === sessionId ? latest : null;

  const add = (event: FormEvent) => {
    event.preventDefault();
    if (value.length < SHORTEST_VALUE) return;
    if (!has({ kind: 'value', value })) toggle({ kind: 'value', value });
    setValue('');
  };
  const start = (preview: boolean) => {
    setPreviewed(asked);
    redact.mutate({ id: sessionId, choice: choiceOf(picks), leaveSigned, why: why.trim(), preview });
  };
  const entities = picks.flatMap((pick) => (pick.kind === 'entity' ? [pick.entity] : []));
  const chooseEntities = (next: string[]) => {
    for (const entity of DETECTED) {
      if (next.includes(entity) !== entities.includes(entity)) toggle({ kind: 'entity', entity });
    }
  };

  return (
    <Card label={t.title} className={classes.panel}>
      <p className={classes.lead}>{t.lead}</p>
      <div className={classes.fields}>
        <form className={classes.value} onSubmit={add}>
          <TextInput
            label={t.value}
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
            maxLength={10_000}
            autoComplete="off"
            spellCheck={false}
          />
          <Button type="submit" variant="default" disabled={value.length < SHORTEST_VALUE}>
            {t.add}
          </Button>
        </form>
        <MultiSelect
          label={t.entities}
          data={DETECTED.map((entity) => ({ value: entity, label: strings.connectionForm.entityName(entity) }))}
          value={entities}
          onChange={chooseEntities}
          searchable
        />
      </div>
      <div className={classes.picks}>
        {marked !== '' && !has({ kind: 'value', value: marked }) && (
          <Button
            size="compact-sm"
            // Pressing it must not end the selection that it is about.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => toggle({ kind: 'value', value: marked })}
          >
            {t.addSelection(visibleString(marked.slice(0, SHOWN)))}
          </Button>
        )}
        {picks.length === 0 ? (
          <span className={classes.muted}>{t.nothing}</span>
        ) : (
          <ul className={classes.list} aria-label={t.chosen}>
            {picks.map((pick) => (
              <li key={keyOf(pick)} className={classes.pick}>
                {wordsOf(pick)}
                <ActionIcon
                  size="xs"
                  variant="subtle"
                  color="gray"
                  aria-label={t.remove(wordsOf(pick))}
                  onClick={() => toggle(pick)}
                >
                  <IconX size={12} />
                </ActionIcon>
              </li>
            ))}
          </ul>
        )}
      </div>
      <div className={classes.fields}>
        <TextInput label={t.why} value={why} onChange={(event) => setWhy(event.currentTarget.value)} maxLength={500} />
        <Checkbox
          className={classes.signed}
          label={t.leaveSigned}
          checked={leaveSigned}
          onChange={(event) => setLeaveSigned(event.currentTarget.checked)}
        />
      </div>
      <div className={classes.actions}>
        <Button
          variant="default"
          disabled={picks.length === 0 || running !== null}
          loading={redact.isPending}
          onClick={() => start(true)}
        >
          {t.preview}
        </Button>
        <Button disabled={picks.length === 0 || running !== null} onClick={() => start(false)}>
          {t.write}
        </Button>
      </div>
      {redact.error !== null && <Failure error={redact.error} />}
      {mine !== null && (
        <>
          <JobView job={mine} named={false} />
          {mine.file !== null && <Notice tone="good">{t.written}</Notice>}
          {previewed !== asked && <Notice tone="late">{t.stale}</Notice>}
          {mine.redaction !== null && <Goes redaction={mine.redaction} />}
        </>
      )}
    </Card>
  );
}
