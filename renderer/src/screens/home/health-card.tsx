import { Link } from '@tanstack/react-router';
import type { GatewayStatus } from '../../../../gateway/contract/api.ts';
import type { SyncStatus } from '../../../../gateway/contract/sync.ts';
import { Card } from '../../components/page.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { healthOf } from './health.ts';
import classes from './home-screen.module.css';

const t = strings.home;

export function HealthCard({ status, sync }: { status: GatewayStatus; sync: SyncStatus | undefined }) {
  return (
    <Card label={t.healthTitle}>
      <h2 className={classes.title}>{t.healthTitle}</h2>
      <ul className={classes.health}>
        {healthOf(status, sync).map(({ name, tone, word, detail, to }) => (
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
