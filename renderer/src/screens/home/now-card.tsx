import { Link } from '@tanstack/react-router';
import { useCallback } from 'react';
import { useSessionEvents } from '../../api/events.ts';
import { useApi } from '../../api/queries.ts';
import { Card } from '../../components/page.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { span } from '../../text/format.ts';
import classes from './home-screen.module.css';

const t = strings.home;
const SHOWN = 6;

/** Who is connected at this moment. */
export function NowCard() {
  const query = useApi('sessions', { state: 'open', limit: SHOWN });
  const now = useNow(5000);
  const { refetch } = query;
  useSessionEvents(useCallback(() => void refetch(), [refetch]));
  const items = query.data?.items ?? [];
  return (
    <Card label={t.nowTitle}>
      <h2 className={classes.title}>{t.nowTitle}</h2>
      {query.isSuccess && items.length === 0 && <p className={classes.muted}>{t.nobody}</p>}
      <ul className={classes.now}>
        {items.map((session) => (
          <li key={session.id}>
            <Link to="/sessions/$id" params={{ id: session.id }}>
              <Visible>{`${session.agent.name} → ${session.connectionId}`}</Visible>
            </Link>
            <span className={classes.muted}>
              {strings.sessions.statements(session.statements)}, {span(now - Date.parse(session.openedAt))}
            </span>
          </li>
        ))}
      </ul>
      {query.isSuccess && query.data.total > items.length && (
        <p className={classes.foot}>
          <Link to="/sessions" search={{ state: 'open' }}>
            {t.allOpen(query.data.total)}
          </Link>
        </p>
      )}
    </Card>
  );
}
