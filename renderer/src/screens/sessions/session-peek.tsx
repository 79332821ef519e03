import { Drawer } from '@mantine/core';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useApi } from '../../api/queries.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { Fact, Facts, Failure } from '../../components/page.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { plural, span, timeOfDay } from '../../text/format.ts';
import { sessionPlace } from '../../text/operation-line.ts';
import { visibleString } from '../../text/visible-text.ts';
import { painters } from '../session/painters/painters.tsx';
import { VerdictIcon } from '../session/statement-verdict.tsx';
import classes from './session-peek.module.css';
import { Findings, SessionStateBadge } from './session-state.tsx';

const t = strings.sessions;
const SHOWN = 12;

function Peek({ session, now }: { session: Session; now: number }) {
  const first = useApi('statements', { id: session.id, offset: 0, limit: SHOWN });
  const { Line } = painters[session.protocol];
  const items = first.data?.items ?? [];
  const end = session.closedAt === null ? now : Date.parse(session.closedAt);
  return (
    <div className={classes.peek}>
      <div className={classes.head}>
        <SessionStateBadge state={session.state} />
        <LinkButton to="/sessions/$id" params={{ id: session.id }} size="compact-md" data-autofocus>
          {t.open}
        </LinkButton>
      </div>
      <Facts>
        <Fact name={t.columns.who}>
          <Visible>{`${session.agent.name} ${strings.session.for} ${session.identity.display}`}</Visible>
        </Fact>
        <Fact name={t.columns.where}>
          <Visible>{sessionPlace(session)}</Visible>
        </Fact>
        <Fact name={strings.session.opened}>
          {timeOfDay(session.openedAt, now)} · {span(end - Date.parse(session.openedAt))}
        </Fact>
        <Fact name={t.columns.findings}>
          <Findings session={session} none={strings.none} />
        </Fact>
      </Facts>
      <h3 className={classes.title}>{t.firstStatements(Math.min(SHOWN, session.statements), session.statements)}</h3>
      {first.error !== null && <Failure error={first.error} retry={() => void first.refetch()} />}
      <ol className={classes.statements}>
        {items.map((statement) => (
          <li key={statement.index}>
            <VerdictIcon statement={statement} />
            <span className={classes.text}>
              <Line statement={statement} />
              <span className={classes.meta}>
                {strings.session.verdicts[statement.verdict]} · {plural(statement.rows, 'row')}
              </span>
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** A look at a session without leaving the list. */
export function SessionPeek({ session, now, onClose }: { session: Session | null; now: number; onClose(): void }) {
  return (
    <Drawer
      opened={session !== null}
      onClose={onClose}
      position="right"
      size="md"
      title={session === null ? '' : visibleString(`${session.agent.name} → ${session.connectionId}`)}
      closeButtonProps={{ 'aria-label': strings.close }}
      attributes={{ header: { role: 'none' } }}
    >
      {session !== null && <Peek session={session} now={now} />}
    </Drawer>
  );
}
