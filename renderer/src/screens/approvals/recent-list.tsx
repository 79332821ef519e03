import { Link } from '@tanstack/react-router';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { useApi } from '../../api/queries.ts';
import { END_TONE } from '../../components/approval/end-tone.ts';
import { OperationText } from '../../components/operation-text.tsx';
import { Card } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import { operationLine } from '../../text/operation-line.ts';
import classes from './lists.module.css';

const t = strings.approvals;
const RECENT = 50;
const SHOWN = 12;

function Row({ approval, now }: { approval: Approval; now: number }) {
  const line = operationLine(approval.operation);
  return (
    <li className={classes.recent}>
      <span className={classes.recentState}>
        <ToneBadge tone={END_TONE[approval.state]}>{t.states[approval.state]}</ToneBadge>
      </span>
      <span className={classes.recentText}>
        {approval.from === undefined ? (
          <Link to="/sessions/$id" params={{ id: approval.operation.sessionId }} className={classes.recentLine}>
            <Visible>{`${line.what} → ${line.where}`}</Visible>
          </Link>
        ) : (
          // Its session is on the other machine.
          <span className={classes.recentLine}>
            <Visible>{`${line.what} → ${line.where} (${approval.from.name})`}</Visible>
          </span>
        )}
        <OperationText operation={approval.operation} line />
        {approval.message !== null && (
          <span className={classes.hint}>
            “<Visible>{approval.message}</Visible>”
          </span>
        )}
      </span>
      <span className={classes.recentWhen}>
        {ago(approval.decidedAt ?? approval.expiresAt, now)}
        {approval.decidedBy !== null && approval.channel !== null && (
          <span className={classes.hint}>
            <Visible>{t.decidedBy(approval.decidedBy, t.channels[approval.channel])}</Visible>
          </span>
        )}
      </span>
    </li>
  );
}

/** What was decided lately, and apart from it what nobody decided in time. */
export function RecentList() {
  const query = useApi('approvals', { state: 'all', limit: RECENT });
  const now = useNow(30_000);
  const ended = (query.data?.items ?? [])
    .filter((item) => item.state !== 'waiting')
    .toSorted((a, b) => (b.decidedAt ?? b.expiresAt).localeCompare(a.decidedAt ?? a.expiresAt));
  const missed = ended.filter((item) => item.state === 'expired').slice(0, SHOWN);
  const decided = ended.filter((item) => item.state !== 'expired').slice(0, SHOWN);
  if (ended.length === 0) return null;
  return (
    <>
      {missed.length > 0 && (
        <Card label={t.missed}>
          <h2 className={classes.title}>{t.missed}</h2>
          <p className={classes.missedHint}>{t.missedHint}</p>
          <ul className={classes.recents}>
            {missed.map((approval) => (
              <Row key={approval.id} approval={approval} now={now} />
            ))}
          </ul>
        </Card>
      )}
      {decided.length > 0 && (
        <Card label={t.recent}>
          <h2 className={classes.title}>{t.recent}</h2>
          <ul className={classes.recents}>
            {decided.map((approval) => (
              <Row key={approval.id} approval={approval} now={now} />
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}
