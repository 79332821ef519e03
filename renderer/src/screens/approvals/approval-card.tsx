import { ActionIcon, Button, Tooltip } from '@mantine/core';
import { IconArrowRight, IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { type KeyboardEvent, useEffect, useId, useRef } from 'react';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { Keys } from '../../components/keys.tsx';
import { ClassBadge } from '../../components/operation-class.tsx';
import { Sql } from '../../components/sql.tsx';
import { Notice, type Tone } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { operationLine } from '../../text/operation-line.ts';
import { ApprovalActions } from './approval-actions.tsx';
import classes from './approval-card.module.css';
import { ApprovalFacts } from './approval-facts.tsx';

interface Props {
  approval: Approval;
  position: number | null;
  waiting: number;
  move(by: 1 | -1): void;
  onDecided(id: string): void;
}

const END_TONE: Readonly<Record<Exclude<Approval['state'], 'waiting'>, Tone>> = {
  approved: 'good',
  denied: 'bad',
  expired: 'late',
  withdrawn: 'quiet',
};

/**
 * One request. The caller gives it the approval's id as key: a new card starts with an empty PIN, the
 * narrowest scope and its guard up.
 */
export function ApprovalCard({ approval, position, waiting, move, onDecided }: Props) {
  const t = strings.approvals;
  const { operation } = approval;
  const line = operationLine(operation);
  const card = useRef<HTMLElement>(null);
  const titleId = useId();
  const effectsId = useId();

  // The focus goes to the card itself, which does nothing, and only when nobody else holds it.
  useEffect(() => {
    if (document.activeElement === null || document.activeElement === document.body) {
      card.current?.focus({ preventScroll: true });
    }
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && document.activeElement instanceof HTMLElement) document.activeElement.blur();
  };

  return (
    <article
      ref={card}
      className={classes.card}
      role="alertdialog"
      aria-labelledby={titleId}
      aria-describedby={effectsId}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      data-approval={approval.id}
      data-state={approval.state}
    >
      <div className={classes.top}>
        <span className={classes.position}>
          {position === null ? t.states[approval.state] : t.position(position, waiting)}
        </span>
        <span className={classes.moves}>
          <Tooltip
            label={
              <>
                {t.previous} <Keys keys={['K']} />
              </>
            }
          >
            <ActionIcon
              variant="default"
              aria-label={t.previous}
              aria-keyshortcuts="K"
              disabled={waiting < 2}
              onClick={() => move(-1)}
            >
              <IconChevronLeft size={17} />
            </ActionIcon>
          </Tooltip>
          <Tooltip
            label={
              <>
                {t.next} <Keys keys={['J']} />
              </>
            }
          >
            <ActionIcon
              variant="default"
              aria-label={t.next}
              aria-keyshortcuts="J"
              disabled={waiting < 2}
              onClick={() => move(1)}
            >
              <IconChevronRight size={17} />
            </ActionIcon>
          </Tooltip>
        </span>
      </div>

      <h2 id={titleId} className={classes.line}>
        <span className={classes.who}>
          <Visible>{line.who}</Visible>
        </span>
        <span className={classes.step}>
          <IconArrowRight size={18} aria-label="→" />
          <strong>
            <Visible>{line.what}</Visible>
          </strong>
        </span>
        <span className={classes.step}>
          <IconArrowRight size={18} aria-label="→" />
          <span>
            <Visible>{line.where}</Visible>
          </span>
        </span>
      </h2>

      <div id={effectsId} className={classes.effects}>
        <ClassBadge value={operation.effects.class} />
        <ul>
          {operation.effects.words.length === 0 ? (
            <li>{t.noEffects}</li>
          ) : (
            operation.effects.words.map((words) => (
              <li key={words}>
                <Visible>{words}</Visible>
              </li>
            ))
          )}
        </ul>
      </div>

      <Sql text={operation.text} label={t.statement} />
      <ApprovalFacts approval={approval} />

      {approval.state === 'waiting' ? (
        <ApprovalActions approval={approval} onDecided={onDecided} />
      ) : (
        <div className={classes.ended}>
          <Notice tone={END_TONE[approval.state]} role="status">
            {t.gone[approval.state]}
            {approval.decidedBy !== null && approval.channel !== null && (
              <>
                {' '}
                <Visible>{t.decidedBy(approval.decidedBy, t.channels[approval.channel])}</Visible>
              </>
            )}
          </Notice>
          <Button variant="default" onClick={() => onDecided(approval.id)}>
            {waiting > 0 ? t.goneNext : t.goneDone}
          </Button>
        </div>
      )}
    </article>
  );
}
