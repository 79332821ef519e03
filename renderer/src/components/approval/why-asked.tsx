import type { Approval } from '../../../../gateway/contract/decision.ts';
import { riskOf } from '../../../../gateway/contract/risk.ts';
import { useApi } from '../../api/queries.ts';
import { strings } from '../../strings.ts';
import { ConsoleLink } from '../console-link.tsx';
import { Visible } from '../visible.tsx';
import { limitsStrings } from './limits-strings.ts';
import classes from './why-asked.module.css';

const t = strings.approvals;

/** The policy's own sentence, and which policy it is. */
export function WhyAsked({ approval }: { approval: Approval }) {
  const { verdict, operation } = approval;
  const connections = useApi('connections', {});
  const similar = useApi('similarApprovals', { id: approval.id }, { staleTime: Number.POSITIVE_INFINITY });
  const connection = connections.data?.items.find(({ id }) => id === operation.connectionId);
  const { facts } = riskOf(approval, {
    production: connection === undefined ? null : connection.environment === 'production',
    hour: new Date(approval.createdAt).getHours(),
    first: similar.data === undefined ? null : Object.values(similar.data.counts).every((count) => count === 0),
  });
  return (
    <span>
      <Visible>{verdict.reason}</Visible>{' '}
      <span className={classes.more}>
        <ConsoleLink to="/policy">
          <Visible>{t.policy(verdict.policyIds.join(', '))}</Visible>
        </ConsoleLink>{' '}
        · {t.levels[verdict.level]}
      </span>
      {facts.length > 0 && <span className={classes.more}>. {limitsStrings.risk(facts.join(', '))}</span>}
    </span>
  );
}
