import { useApi } from '../../api/queries.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { strings } from '../../strings.ts';
import classes from './welcome-screen.module.css';

const t = strings.welcome;

/** Everything was seen to work; what makes it safe to rely on comes next. */
export function DoneStep() {
  const { data: status } = useApi('status', {});
  return (
    <div className={classes.body}>
      <p>{t.doneLead}</p>
      <ul className={classes.next}>
        {status?.pinSet === false && <li>{t.nextPin}</li>}
        {status?.protection === 'unprotected' && <li>{t.nextProtect}</li>}
        {status?.device.org === null && <li>{t.nextEnrol}</li>}
        <li>{t.nextPolicy}</li>
      </ul>
      <div className={classes.actions}>
        <LinkButton to="/">{strings.nav.home}</LinkButton>
        <LinkButton to="/policy" variant="default">
          {strings.nav.policy}
        </LinkButton>
        {status?.pinSet === false && (
          <LinkButton to="/settings" variant="default">
            {strings.approvals.pinMissingLink}
          </LinkButton>
        )}
      </div>
    </div>
  );
}
