import { demandInWords } from '../../../../gateway/contract/approvers.ts';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { strings } from '../../strings.ts';
import { Fact } from '../page.tsx';
import { Visible } from '../visible.tsx';
import classes from './approval-facts.module.css';

const t = strings.approvals;

/** Who has to approve, who did, and which machine it waits on; nothing where it is whoever is here. */
export function Approvers({ approval }: { approval: Approval }) {
  const { verdict, operation, votes = [], mailbox, from } = approval;
  return (
    <>
      {from !== undefined && (
        <Fact name={t.machine}>
          <Visible>{t.machineOf(from.name, from.account)}</Visible>{' '}
          <span className={classes.columns}>
            <Visible>{from.device}</Visible>
          </span>
        </Fact>
      )}
      {verdict.approvers !== undefined && (
        <Fact name={t.approvers}>
          <Visible>{t.approversNeeds(demandInWords(verdict.approvers, operation.identity.display))}</Visible>
          {votes.length > 0 && (
            <ul className={classes.tables}>
              {votes.map(({ person, level }) => (
                <li key={person}>
                  <Visible>{t.approvedBy(person, t.levels[level])}</Visible>
                </li>
              ))}
            </ul>
          )}
          {mailbox !== undefined && (
            <span className={classes.columns}>
              {' '}
              <Visible>{mailbox}</Visible>
            </span>
          )}
        </Fact>
      )}
    </>
  );
}
