import { Button } from '@mantine/core';
import { IconArrowLeft, IconEraser } from '@tabler/icons-react';
import { Link, useSearch } from '@tanstack/react-router';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useHost } from '../../api/host.ts';
import { KillSession } from '../../components/kill-session.tsx';
import { Notice } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { bytes, count, plural, span, timeOfDay } from '../../text/format.ts';
import { sessionPlace } from '../../text/operation-line.ts';
import { Findings, SessionStateBadge } from '../sessions/session-state.tsx';
import { ExportDialog } from './export-dialog.tsx';
import classes from './session-header.module.css';
import { useRelated } from './use-related.ts';
import { type useVerification, VerificationBadge } from './verification-badge.tsx';

const t = strings.session;

/** Who, where, when, how much; the first line is who → where. */
export function SessionHeader({
  session,
  verification,
  redacting,
  toggleRedacting,
}: {
  session: Session;
  verification: ReturnType<typeof useVerification>;
  redacting: boolean;
  toggleRedacting(): void;
}) {
  const host = useHost();
  const related = useRelated(session);
  const { at } = useSearch({ from: '/sessions/$id' });
  const now = useNow(session.state === 'open' ? 1000 : 60_000);
  const end = session.closedAt === null ? now : Date.parse(session.closedAt);
  const masked = Object.entries(session.masked);
  const pid = session.agent.pid === null ? '' : strings.approvals.pid(session.agent.pid);
  return (
    <header className={classes.header}>
      <div className={classes.top}>
        <div className={classes.titles}>
          <Link to={host === 'audit' ? '/audit/sessions' : '/sessions'} className={classes.back}>
            <IconArrowLeft size={15} aria-hidden /> {t.back}
          </Link>
          <h1 className={classes.title}>
            <Visible>{`${session.agent.name}${pid} ${t.for} ${session.identity.display}`}</Visible>{' '}
            <span className={classes.arrow}>→</span> <Visible>{sessionPlace(session)}</Visible>
          </h1>
        </div>
        <div className={classes.actions}>
          <SessionStateBadge state={session.state} />
          <VerificationBadge session={session} query={verification} />
          {host === 'audit' && <ExportDialog session={session} statement={at ?? null} />}
          {host === 'audit' && (
            <Button
              variant={redacting ? 'light' : 'default'}
              leftSection={<IconEraser size={17} />}
              aria-expanded={redacting}
              onClick={toggleRedacting}
            >
              {redacting ? strings.audit.redact.close : strings.audit.redact.open}
            </Button>
          )}
          {host === 'gateway' && session.state === 'open' && <KillSession id={session.id} />}
        </div>
      </div>
      {session.mode === 'observe' && <Notice tone="watch">{t.observe}</Notice>}
      {session.state === 'incomplete' && <Notice tone="warn">{t.incomplete}</Notice>}
      {related.length > 0 && (
        <nav className={classes.related} aria-label={t.painted.related}>
          <span>{t.painted.related}:</span>
          {related.slice(0, 8).map((other) => (
            <Link key={other.id} to="/sessions/$id" params={{ id: other.id }}>
              <Visible>{`${other.agent.name} → ${other.connectionId}`}</Visible>
            </Link>
          ))}
        </nav>
      )}
      <dl className={classes.facts}>
        <div>
          <dt>{t.opened}</dt>
          <dd>{timeOfDay(session.openedAt, now)}</dd>
        </div>
        <div>
          <dt>{session.state === 'open' ? t.running : t.lasted}</dt>
          <dd>{span(end - Date.parse(session.openedAt))}</dd>
        </div>
        <div>
          <dt>{t.counts}</dt>
          <dd>
            {count(session.statements)} <Findings session={session} none="" />
          </dd>
        </div>
        <div>
          <dt>{t.rows}</dt>
          <dd>{count(session.rows)}</dd>
        </div>
        <div>
          <dt>{t.bytes}</dt>
          <dd>
            {bytes(session.bytesUp)} / {bytes(session.bytesDown)}
          </dd>
        </div>
        <div>
          <dt>{t.masked}</dt>
          <dd>
            {masked.length === 0
              ? t.maskedNone
              : masked
                  .map(([entity, n]) => `${strings.connectionForm.entityName(entity)}: ${plural(n, 'value')}`)
                  .join(', ')}
          </dd>
        </div>
        {session.applicationName !== '' && (
          <div>
            <dt>{t.application}</dt>
            <dd>
              <Visible>{session.applicationName}</Visible>
            </dd>
          </div>
        )}
        <div>
          <dt>{t.identity}</dt>
          <dd>{session.identity.verified ? t.identityVerified : t.identityLocal}</dd>
        </div>
      </dl>
    </header>
  );
}
