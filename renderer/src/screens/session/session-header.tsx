import { Button, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconArrowLeft, IconEraser, IconPlugConnectedX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useHost } from '../../api/host.ts';
import { useApiMutation } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { bytes, count, plural, span, timeOfDay } from '../../text/format.ts';
import { Findings, SessionStateBadge } from '../sessions/session-state.tsx';
import classes from './session-header.module.css';
import { type useVerification, VerificationBadge } from './verification-badge.tsx';

const t = strings.session;

function Kill({ session }: { session: Session }) {
  const [opened, dialog] = useDisclosure(false);
  const kill = useApiMutation('killSession', ['session', 'sessions']);
  return (
    <>
      <Button variant="default" leftSection={<IconPlugConnectedX size={17} />} onClick={dialog.open}>
        {t.kill}
      </Button>
      <Modal
        opened={opened}
        onClose={dialog.close}
        title={t.killConfirmTitle}
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        <Text>{t.killConfirm}</Text>
        {kill.error !== null && <Failure error={kill.error} />}
        <div className={classes.confirm}>
          <Button variant="default" onClick={dialog.close} data-autofocus>
            {strings.cancel}
          </Button>
          <Button
            color="red"
            loading={kill.isPending}
            onClick={() => kill.mutate({ id: session.id }, { onSuccess: dialog.close })}
          >
            {t.kill}
          </Button>
        </div>
      </Modal>
    </>
  );
}

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
            <span className={classes.arrow}>→</span>{' '}
            <Visible>{strings.approvals.where(session.connectionId, session.database, session.role)}</Visible>
          </h1>
        </div>
        <div className={classes.actions}>
          <SessionStateBadge state={session.state} />
          <VerificationBadge session={session} query={verification} />
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
          {host === 'gateway' && session.state === 'open' && <Kill session={session} />}
        </div>
      </div>
      {session.mode === 'observe' && <Notice tone="watch">{t.observe}</Notice>}
      {session.state === 'incomplete' && <Notice tone="warn">{t.incomplete}</Notice>}
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
