import { Button } from '@mantine/core';
import { IconArrowRight } from '@tabler/icons-react';
import { type KeyboardEvent, useEffect, useId, useRef } from 'react';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { strings } from '../../strings.ts';
import { operationLine } from '../../text/operation-line.ts';
import { ClassBadge } from '../operation-class.tsx';
import { OperationText } from '../operation-text.tsx';
import { Fact, Facts } from '../page.tsx';
import { Notice } from '../tone.tsx';
import { Visible } from '../visible.tsx';
import { ApprovalActions } from './approval-actions.tsx';
import classes from './approval-card.module.css';
import { ApprovalFacts } from './approval-facts.tsx';
import { Approvers } from './approvers.tsx';
import { CommandPreview } from './command-preview.tsx';
import { END_TONE } from './end-tone.ts';
import { Moves } from './moves.tsx';
import { ObjectsPreview } from './objects-preview.tsx';
import { SimilarDecisions } from './similar-decisions.tsx';
import { StatementPreview } from './statement-preview.tsx';
import { useAttention } from './use-attention.ts';
import { WhyAsked } from './why-asked.tsx';

const t = strings.approvals;

interface Props {
  approval: Approval;
  position: number | null;
  waiting: number;
  /** For the popup: a narrow window of its own. */
  compact?: boolean;
  move(by: 1 | -1): void;
  onDecided(id: string): void;
  /** Esc: the request stays as it is. Without it the focus is taken off. */
  onLeave?: () => void;
}

/**
 * One request. The caller gives it the approval's id as key: a new card starts with an empty PIN, the
 * narrowest scope and its guard up.
 */
export function ApprovalCard({ approval, position, waiting, compact = false, move, onDecided, onLeave }: Props) {
  const { operation } = approval;
  const line = operationLine(operation);
  const card = useRef<HTMLDivElement>(null);
  const titleId = useId();
  const effectsId = useId();
  const attention = useAttention(approval);

  // The focus goes to the card itself, which does nothing, and only when nobody else holds it.
  useEffect(() => {
    if (document.activeElement === null || document.activeElement === document.body) {
      card.current?.focus({ preventScroll: true });
    }
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    attention.sign();
    if (event.key !== 'Escape') return;
    if (onLeave !== undefined) onLeave();
    else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
  };

  return (
    <div
      ref={card}
      className={classes.card}
      role="alertdialog"
      aria-labelledby={titleId}
      aria-describedby={effectsId}
      tabIndex={-1}
      onKeyDown={onKeyDown}
      onPointerDown={attention.sign}
      onWheel={attention.sign}
      data-approval={approval.id}
      data-state={approval.state}
      data-compact={compact || undefined}
    >
      <div className={classes.body} data-scrolls={compact || undefined}>
        {!compact && (
          <div className={classes.top}>
            <span className={classes.position}>
              {position === null ? t.states[approval.state] : t.position(position, waiting)}
            </span>
            <Moves disabled={waiting < 2} move={move} />
          </div>
        )}

        <h2 id={titleId} className={classes.line}>
          <span className={classes.who}>
            <Visible>{line.who}</Visible>
          </span>
          <span className={classes.step}>
            <IconArrowRight size={18} aria-label="→" role="img" />
            <strong>
              <Visible>{line.what}</Visible>
            </strong>
          </span>
          <span className={classes.step}>
            <IconArrowRight size={18} aria-label="→" role="img" />
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

        <OperationText operation={operation} />
        <Facts>
          {approval.preview?.kind === 'command' && <CommandPreview preview={approval.preview} />}
          {approval.preview?.kind === 'rows' && <StatementPreview approval={approval} preview={approval.preview} />}
          {approval.preview?.kind === 'objects' && <ObjectsPreview preview={approval.preview} />}
          <Fact name={t.why}>
            <WhyAsked approval={approval} />
          </Fact>
          <Approvers approval={approval} />
          <Fact name={t.similar}>
            <SimilarDecisions approval={approval} />
          </Fact>
          {!compact && <ApprovalFacts approval={approval} />}
        </Facts>
        {compact && (
          <details className={classes.details}>
            <summary>{t.details}</summary>
            <Facts>
              <ApprovalFacts approval={approval} />
            </Facts>
          </details>
        )}
      </div>

      {approval.state === 'waiting' ? (
        <ApprovalActions approval={approval} attention={attention} compact={compact} onDecided={onDecided} />
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
    </div>
  );
}
