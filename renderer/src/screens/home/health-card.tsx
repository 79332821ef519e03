import { Link } from '@tanstack/react-router';
import type { IdentityView } from '../../../../gateway/contract/sign-in.ts';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import type { SyncStatus } from '../../../../gateway/contract/sync.ts';
import { Card } from '../../components/page.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { healthOf } from './health.ts';
import classes from './home-screen.module.css';

const t = strings.home;

interface Props {
  status: GatewayStatus;
  sync: SyncStatus | undefined;
  identity: IdentityView | undefined;
}

export function HealthCard({ status, sync, identity }: Props) {
  return (
    <Card label={t.healthTitle}>
      <h2 className={classes.title}>{t.healthTitle}</h2>
      <ul className={classes.health}>
        {healthOf(status, sync, identity).map(({ name, tone, word, detail, to }) => (
          <li key={name}>
            <Link to={to} className={classes.healthRow}>
              <ToneIcon tone={tone} size={17} />
              <span className={classes.healthName}>{name}</span>
              <span className={classes.healthText}>
                <strong>{word}</strong>
                {detail !== '' && (
                  <span className={classes.muted}>
                    <Visible>{detail}</Visible>
                  </span>
                )}
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}
