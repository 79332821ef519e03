import { Link } from '@tanstack/react-router';
import type { AuditStatus } from '../../../gateway/contract/audit.ts';
import type { LinkState } from '../api/events.ts';
import { type Tone, ToneBadge } from '../components/tone.tsx';
import { strings } from '../strings.ts';
import { visibleString } from '../text/visible-text.ts';
import classes from './gateway-state.module.css';

const t = strings.audit.state;

function wordOf(status: AuditStatus): [Tone, string] {
  if (status.verified === null) return ['quiet', status.sessions === 0 ? t.empty : t.unverified];
  if (!status.verified.ok) return ['bad', t.failed];
  return status.verified.outdated ? ['warn', t.outdated] : ['good', t.verified];
}

/** Whose evidence this is, and what verification last said of all of it. */
export function AuditState({ status, link }: { status: AuditStatus; link: LinkState }) {
  const [tone, word] = wordOf(status);
  return (
    <section className={classes.state} aria-label={t.label}>
      <Link to="/devices" className={classes.link}>
        {link === 'lost' ? (
          <ToneBadge tone="bad">{strings.header.lost}</ToneBadge>
        ) : (
          <ToneBadge tone={tone}>{word}</ToneBadge>
        )}
      </Link>
      <span className={classes.wide}>
        <ToneBadge tone="info" title={visibleString(status.root)}>
          {status.organisation}
        </ToneBadge>
      </span>
    </section>
  );
}
