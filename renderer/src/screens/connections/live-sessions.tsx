import { UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useSessionEvents } from '../../api/events.ts';
import { useApi } from '../../api/queries.ts';
import { KillSession } from '../../components/kill-session.tsx';
import { Failure } from '../../components/page.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import classes from './connections-screen.module.css';

const t = strings.connections;
const SHOWN = 5;

function Live({ session, now }: { session: Session; now: number }) {
  const name = `${session.agent.name} ${strings.session.for} ${session.identity.display}`;
  return (
    <li className={classes.live}>
      <span className={classes.liveText}>
        <Link to="/sessions/$id" params={{ id: session.id }}>
          <Visible>{name}</Visible>
        </Link>
        <span className={classes.muted}>
          <Visible>{`${session.database} · ${strings.sessions.statements(session.statements)} · ${ago(session.openedAt, now)}`}</Visible>
        </span>
      </span>
      <KillSession id={session.id} label={t.killOf(name)} size="compact-sm" leftSection={null} />
    </li>
  );
}

/** The connection's open sessions, while somebody looks. */
export function LiveSessions({ connectionId, count }: { connectionId: string; count: number }) {
  const [open, setOpen] = useState(false);
  const now = useNow(10_000);
  const query = useApi('sessions', { connectionId, state: 'open', limit: SHOWN }, { enabled: open && count > 0 });
  const { refetch } = query;
  useSessionEvents(
    useCallback(
      (session: Session) => {
        if (open && session.connectionId === connectionId) void refetch();
      },
      [open, connectionId, refetch],
    ),
  );
  if (count === 0) return <span className={classes.muted}>{t.openSessions(0)}</span>;
  const items = (query.data?.items ?? []).filter(({ state }) => state === 'open');
  return (
    <>
      <UnstyledButton className={classes.toggle} aria-expanded={open} onClick={() => setOpen(!open)}>
        {t.openSessions(count)}
      </UnstyledButton>
      {open && (
        <div className={classes.liveBox}>
          {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
          <ul className={classes.liveList} aria-label={t.openSessions(count)}>
            {items.map((session) => (
              <Live key={session.id} session={session} now={now} />
            ))}
          </ul>
          <Link to="/sessions" search={{ connectionId, state: 'open' }}>
            {t.allOpen}
          </Link>
        </div>
      )}
    </>
  );
}
