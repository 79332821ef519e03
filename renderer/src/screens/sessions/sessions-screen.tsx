import { Button, Loader } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Session } from '../../../../gateway/contract/session.ts';
import { Keys } from '../../components/keys.tsx';
import { LinkButton } from '../../components/link-button.tsx';
import { Empty, Failure, Page } from '../../components/page.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { useRows } from '../../components/use-rows.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago, timeOfDay } from '../../text/format.ts';
import { FilterBar } from './filter-bar.tsx';
import { keepFilters, lastFilters } from './last-filters.ts';
import { SessionPeek } from './session-peek.tsx';
import { Findings, SessionStateBadge } from './session-state.tsx';
import classes from './sessions-screen.module.css';
import { useRowKeys } from './use-row-keys.ts';
import { type Filters, useSessions } from './use-sessions.ts';

const t = strings.sessions;
const ROW_HEIGHT = 64;

function Row({ session, now }: { session: Session; now: number }) {
  return (
    <Link to="/sessions/$id" params={{ id: session.id }} className={classes.row}>
      <span className={classes.state}>
        <SessionStateBadge state={session.state} />
      </span>
      <span className={classes.who}>
        <strong>
          <Visible>{session.agent.name}</Visible>
        </strong>
        <span className={`${classes.sub} ${classes.whom}`}>
          <Visible>{`${strings.session.for} ${session.identity.display}`}</Visible>
        </span>
        <span className={`${classes.sub} ${classes.brief}`}>
          <Visible>{`${t.states[session.state]} · ${session.connectionId} / ${session.database}`}</Visible>
        </span>
      </span>
      <span className={classes.where}>
        <Visible>{`${session.connectionId} / ${session.database}`}</Visible>
        <span className={classes.sub}>
          <Visible>{session.role}</Visible>
          {session.mode === 'observe' && (
            <span className={classes.observe}>
              {' '}
              <ToneIcon tone="watch" size={13} /> {t.observe}
            </span>
          )}
        </span>
      </span>
      <span className={classes.counts}>
        {t.statements(session.statements)}
        <span className={classes.sub}>
          <Findings session={session} />
        </span>
      </span>
      <span className={classes.when} title={session.openedAt}>
        {ago(session.openedAt, now)}
        <span className={classes.sub}>{timeOfDay(session.openedAt, now)}</span>
      </span>
    </Link>
  );
}

/** Once, and only where the address says nothing: what somebody was sent, or chose, counts. */
function useLastFilters(filters: Filters, change: (next: Filters) => void): void {
  const first = useRef({ filters, change });
  useEffect(() => {
    const empty = Object.values(first.current.filters).every((value) => value === undefined);
    const last = lastFilters();
    if (empty && Object.keys(last).length > 0) first.current.change(last);
  }, []);
}

export function SessionsScreen() {
  const filters: Filters = useSearch({ from: '/sessions' });
  const navigate = useNavigate({ from: '/sessions' });
  const now = useNow(10_000);
  const [peeked, setPeeked] = useState<Session | null>(null);
  const box = useRef<HTMLDivElement | null>(null);
  const mayInsert = useCallback(() => {
    const element = box.current;
    if (element === null) return true;
    return element.scrollTop < 4 && !element.matches(':hover') && !element.contains(document.activeElement);
  }, []);
  const sessions = useSessions(filters, mayInsert);
  const { total, at, want, fresh, show } = sessions;
  const list = useRows({ count: total, rowHeight: ROW_HEIGHT });
  const { scroller, rows, first, last } = list;
  useEffect(() => {
    box.current = scroller.current;
  });
  useEffect(() => want(first, last), [want, first, last]);

  const change = (next: Filters) => {
    keepFilters(next);
    void navigate({ search: next, replace: true });
  };
  useLastFilters(filters, change);
  const filtered = Object.values(filters).some((value) => value !== undefined);
  const onKeyDown = useRowKeys(list, total, (index) => setPeeked(at(index)));

  return (
    <Page title={t.title} lead={t.lead} fill>
      <FilterBar filters={filters} change={change} />
      <div className={classes.bar}>
        <span>{sessions.loaded ? t.total(total) : strings.loading}</span>
        {fresh > 0 && (
          <Button
            size="compact-sm"
            variant="light"
            onClick={() => {
              show();
              scroller.current?.scrollTo({ top: 0 });
            }}
          >
            {t.fresh(fresh)}
          </Button>
        )}
        {filtered && (
          <Button size="compact-sm" variant="subtle" onClick={() => change({})}>
            {t.clear}
          </Button>
        )}
        <span className={classes.keys}>
          <Keys keys={['↑', '↓']} /> {t.keysMove} <Keys keys={['space']} /> {t.keysPeek}
        </span>
      </div>
      {sessions.error !== null && <Failure error={sessions.error} retry={sessions.retry} />}
      <div ref={scroller} className={classes.scroller} data-stale={sessions.stale}>
        {sessions.pending && <Loader size="sm" m="md" />}
        {sessions.loaded && total === 0 && (
          <Empty title={filtered ? t.noMatchTitle : t.emptyTitle} hint={filtered ? t.noMatchHint : t.emptyHint}>
            {!filtered && (
              <LinkButton to="/connections" variant="default" mt="xs">
                {strings.nav.connections}
              </LinkButton>
            )}
          </Empty>
        )}
        <ul className={classes.list} style={{ height: list.height }} aria-label={t.title} onKeyDown={onKeyDown}>
          {rows.map(({ index, top }) => {
            const session = at(index);
            return (
              <li
                key={index}
                className={classes.item}
                style={{ height: ROW_HEIGHT, transform: `translateY(${top}px)` }}
                aria-setsize={total}
                aria-posinset={index + 1}
                data-row={index}
              >
                {session === null ? <span className={classes.blank} /> : <Row session={session} now={now} />}
              </li>
            );
          })}
        </ul>
      </div>
      <SessionPeek session={peeked} now={now} onClose={() => setPeeked(null)} />
    </Page>
  );
}
