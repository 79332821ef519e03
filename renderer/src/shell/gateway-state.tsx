import { VisuallyHidden } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { GatewayStatus } from '../../../gateway/contract/status.ts';
import type { LinkState } from '../api/events.ts';
import { ToneBadge } from '../components/tone.tsx';
import { strings } from '../strings.ts';
import { visibleString } from '../text/visible-text.ts';
import classes from './gateway-state.module.css';

/** The gateway's state in words; the worst first, and on a narrow window only what needs attention. */
export function GatewayState({ status, link }: { status: GatewayStatus; link: LinkState }) {
  const t = strings.header;
  const lost = link === 'lost';
  const broken = lost || !status.recorder.ok || status.policy.error !== null;
  return (
    <section className={classes.state} aria-label={t.statusLabel}>
      {status.waiting > 0 && (
        <Link to="/approvals" className={classes.link}>
          <ToneBadge tone="ask">
            {t.waiting(status.waiting)}
            <VisuallyHidden> {t.waitingFor}</VisuallyHidden>
          </ToneBadge>
        </Link>
      )}
      <Link to="/settings" className={classes.link}>
        {lost ? (
          <ToneBadge tone="bad">{t.lost}</ToneBadge>
        ) : !status.recorder.ok ? (
          <ToneBadge tone="bad" title={visibleString(status.recorder.error ?? '')}>
            {t.recordingFails}
          </ToneBadge>
        ) : status.policy.error !== null ? (
          <ToneBadge tone="warn">{t.policyBroken}</ToneBadge>
        ) : (
          <ToneBadge tone="good">{t.running}</ToneBadge>
        )}
      </Link>
      <Link to="/settings" className={`${classes.link} ${broken || status.waiting > 0 ? classes.wide : ''}`}>
        {status.protection === 'unprotected' ? (
          <ToneBadge tone="warn">{t.unprotected}</ToneBadge>
        ) : (
          <ToneBadge tone="good">{t.protected}</ToneBadge>
        )}
      </Link>
    </section>
  );
}
