import { useApi } from '../../api/queries.ts';
import { Card, Failure } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './settings-screen.module.css';

const t = strings.roles;

/** Which roles whoever works here has and why, and what of it the organisation has fixed. */
export function RolesCard() {
  const roles = useApi('roles', {});
  const administration = useApi('administration', {}).data;
  const set = administration?.set ?? null;
  const problem = administration?.problem ?? null;
  return (
    <Card label={t.title}>
      <h2 className={classes.title}>{t.title}</h2>
      {roles.error !== null && <Failure error={roles.error} />}
      {roles.data !== undefined && (
        <div className={classes.settingText}>
          <div>
            {roles.data.roles.length === 0 ? (
              <ToneBadge tone="warn">{t.none}</ToneBadge>
            ) : (
              <ToneBadge tone="info">{roles.data.roles.map((role) => t.names[role]).join(', ')}</ToneBadge>
            )}
          </div>
          <span className={classes.hint}>
            <Visible>{`${roles.data.sentence}.`}</Visible>
          </span>
        </div>
      )}
      {(set !== null || problem !== null) && (
        <div className={classes.settingText}>
          <strong>{strings.administration.label}</strong>
          {set !== null && (
            <span className={classes.hint}>
              <Visible>{strings.administration.set(set.n, set.by)}</Visible>
              {set.locked.length > 0 && `. ${strings.administration.locked(set.locked.join(', '))}`}
            </span>
          )}
          {problem !== null && (
            <div>
              <ToneBadge tone="warn">
                <Visible>{problem}</Visible>
              </ToneBadge>
            </div>
          )}
        </div>
      )}
    </Card>
  );
}
