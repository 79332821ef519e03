import type { Approval } from '../../../../gateway/contract/decision.ts';
import { strings } from '../../strings.ts';
import { ConsoleLink } from '../console-link.tsx';
import { Visible } from '../visible.tsx';
import classes from './why-asked.module.css';

const t = strings.approvals;

/** The policy's own sentence, and which policy it is. */
export function WhyAsked({ approval: { verdict } }: { approval: Approval }) {
  return (
    <span>
      <Visible>{verdict.reason}</Visible>{' '}
      <span className={classes.more}>
        <ConsoleLink to="/policy">
          <Visible>{t.policy(verdict.policyIds.join(', '))}</Visible>
        </ConsoleLink>{' '}
        · {t.levels[verdict.level]}
      </span>
    </span>
  );
}
