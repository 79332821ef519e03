import { Button, Code } from '@mantine/core';
import { IconEraser } from '@tabler/icons-react';
import { memo } from 'react';
import type { Session, Statement } from '../../../../gateway/contract/session.ts';
import { ClassBadge } from '../../components/operation-class.tsx';
import { Fact, Facts } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { plural, span, timeOfDay } from '../../text/format.ts';
import { painters } from './painters/painters.tsx';
import { useRedacting } from './redaction-choice.ts';
import classes from './statement-detail.module.css';
import { VerdictBadge } from './statement-verdict.tsx';

const t = strings.session;

interface Props {
  protocol: Session['protocol'];
  statement: Statement;
  damaged: boolean;
  /** In a replay the answer appears when it came. */
  answered: boolean;
}

/** Ways to take out a statement, where a session is being redacted. */
function TakeOut({ statement: { index, columns, parameters } }: { statement: Statement }) {
  const redacting = useRedacting();
  if (redacting === null) return null;
  const button = (kind: 'statement' | 'result' | 'parameters', label: string) => (
    <Button
      size="compact-sm"
      variant={redacting.has({ kind, index }) ? 'filled' : 'default'}
      aria-pressed={redacting.has({ kind, index })}
      leftSection={<IconEraser size={14} />}
      onClick={() => redacting.toggle({ kind, index })}
    >
      {label}
    </Button>
  );
  const labels = strings.audit.redact;
  return (
    <div className={classes.takeOut}>
      {button('statement', labels.takeStatement)}
      {columns.length > 0 && button('result', labels.takeResult)}
      {parameters.length > 0 && button('parameters', labels.takeParameters)}
    </div>
  );
}

export const StatementDetail = memo(function StatementDetail({ protocol, statement, damaged, answered }: Props) {
  const { Asked, Outcome } = painters[protocol];
  const masked = Object.entries(statement.masked);
  return (
    <article className={classes.detail} aria-label={`${t.statement} ${statement.index + 1}`}>
      <div className={classes.head}>
        <h2 className={classes.title}>
          {statement.index + 1}. <Visible>{statement.op}</Visible>
        </h2>
        <VerdictBadge verdict={statement.verdict} />
        <ClassBadge value={statement.class} />
        <span className={classes.when}>{timeOfDay(statement.startedAt, Date.now())}</span>
      </div>
      {damaged && (
        <Notice tone="bad" role="alert">
          {t.damaged}
        </Notice>
      )}
      <TakeOut statement={statement} />
      <Asked statement={statement} />
      <Facts>
        {statement.parameters.length > 0 && (
          <Fact name={t.parameters}>
            <ol className={classes.parameters}>
              {statement.parameters.map((value, index) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a parameter is its position.
                <li key={index}>
                  <Code>${index + 1}</Code> {value === null ? <em>NULL</em> : <Visible>{value}</Visible>}
                </li>
              ))}
            </ol>
          </Fact>
        )}
        {(statement.policyIds.length > 0 || statement.decidedBy !== null) && (
          <Fact name={t.policy}>
            <Visible>{statement.policyIds.join(', ')}</Visible>
            {statement.decidedBy !== null && (
              <span className={classes.muted}>
                {' '}
                · {t.decidedBy} <Visible>{statement.decidedBy}</Visible>
              </span>
            )}
          </Fact>
        )}
        <Fact name={t.timing}>
          {t.took(span(statement.durationMs - statement.heldMs))}
          {statement.heldMs > 0 && <span className={classes.muted}> · {t.held(span(statement.heldMs))}</span>}
        </Fact>
        {answered && statement.tag !== null && statement.tag !== statement.op && (
          <Fact name={t.tag}>
            <Code>
              <Visible>{statement.tag}</Visible>
            </Code>
          </Fact>
        )}
        {answered && masked.length > 0 && (
          <Fact name={t.masked}>
            {masked
              .map(([entity, n]) => `${strings.connectionForm.entityName(entity)}: ${plural(n, 'value')}`)
              .join(', ')}
          </Fact>
        )}
      </Facts>
      {!answered ? (
        <Notice tone="quiet">{t.runningNow}</Notice>
      ) : (
        <>
          {statement.error !== null && (
            <Notice tone="bad">
              <strong>
                <Visible>{statement.error.sqlstate}</Visible>
              </strong>{' '}
              <Visible lines="block">{statement.error.message}</Visible>
            </Notice>
          )}
          <Outcome key={statement.index} statement={statement} />
        </>
      )}
    </article>
  );
});
