import type { Approval, SimilarApprovals } from '../../../../gateway/contract/decision.ts';
import { useApi } from '../../api/queries.ts';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import { OperationText } from '../operation-text.tsx';
import { ToneIcon } from '../tone.tsx';
import { useNow } from '../use-now.ts';
import { Visible } from '../visible.tsx';
import { END_TONE } from './end-tone.ts';
import classes from './similar-decisions.module.css';

const t = strings.approvals;

function Past({ approval, now }: { approval: Approval; now: number }) {
  return (
    <li className={classes.past}>
      <span className={classes.state}>
        <ToneIcon tone={END_TONE[approval.state]} size={15} />
        {t.states[approval.state]}
      </span>
      <span className={classes.text}>
        <OperationText operation={approval.operation} line />
        {approval.message !== null && approval.state === 'denied' && (
          <span className={classes.muted}>
            “<Visible>{approval.message}</Visible>”
          </span>
        )}
      </span>
      <span className={classes.muted}>{ago(approval.decidedAt ?? approval.expiresAt, now)}</span>
    </li>
  );
}

const asked = ({ approved, denied, expired, withdrawn }: SimilarApprovals['counts']) =>
  approved + denied + expired + withdrawn;

/** What was decided of the same shape before, as it was decided then. */
export function SimilarDecisions({ approval }: { approval: Approval }) {
  const query = useApi('similarApprovals', { id: approval.id }, { staleTime: Number.POSITIVE_INFINITY });
  const now = useNow(30_000);
  const { data } = query;
  if (data === undefined || asked(data.counts) === 0) {
    return <span className={classes.muted}>{query.isPending ? strings.loading : t.similarNone}</span>;
  }
  return (
    <details className={classes.details}>
      <summary>{t.similarCounts(data.counts)}</summary>
      <ul className={classes.list}>
        {data.items.map((item) => (
          <Past key={item.id} approval={item} now={now} />
        ))}
      </ul>
    </details>
  );
}
