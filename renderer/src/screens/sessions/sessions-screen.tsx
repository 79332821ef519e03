import { Button, Loader } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef } from 'react';
import type { Session } from '../../../../gateway/contract/session.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { Empty, Failure, Page } from '../../components/page.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago, timeOfDay } from '../../text/format.ts';
import { FilterBar } from './filter-bar.tsx';
import { Findings, SessionStateBadge } from './session-state.tsx';
import classes from './sessions-screen.module.css';
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

export function SessionsScreen() {
  const filters: Filters = useSearch({ from: '/sessions' });
  const navigate = useNavigate({ from: '/sessions' });
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow(10_000);
  const mayInsert = useCallback(() => {
    const element = scroller.current;
    if (element === null) return true;
    return element.scrollTop < 4 && !element.matches(':hover') && !element.contains(document.activeElement);
  }, []);
  const { query, items, total, fresh, show } = useSessions(filters, mayInsert);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => items[index]!.id,
    overscan: 12,
  });
  const virtual = rows.getVirtualItems();
  const lastIndex = virtual.at(-1)?.index ?? -1;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query;
  useEffect(() => {
    if (lastIndex >= items.length - 20 && hasNextPage && !isFetchingNextPage) void fetchNextPage();
  }, [lastIndex, items.length, hasNextPage, isFetchingNextPage, fetchNextPage]);

  const change = (next: Filters) => void navigate({ search: next, replace: true });
  const filtered = Object.values(filters).some((value) => value !== undefined);

  return (
    <Page title={t.title} lead={t.lead} fill>
      <FilterBar filters={filters} change={change} />
      <div className={classes.bar}>
        <span>{query.isSuccess ? t.total(total) : strings.loading}</span>
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
      </div>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      <div ref={scroller} className={classes.scroller} data-stale={query.isPlaceholderData}>
        {query.isPending && <Loader size="sm" m="md" />}
        {query.isSuccess && items.length === 0 && (
          <Empty title={filtered ? t.noMatchTitle : t.emptyTitle} hint={filtered ? t.noMatchHint : t.emptyHint}>
            {!filtered && (
              <LinkButton to="/connections" variant="default" mt="xs">
                {strings.nav.connections}
              </LinkButton>
            )}
          </Empty>
        )}
        <ul className={classes.list} style={{ height: rows.getTotalSize() }} aria-label={t.title}>
          {virtual.map((row) => (
            <li
              key={row.key}
              className={classes.item}
              style={{ height: row.size, transform: `translateY(${row.start}px)` }}
              aria-setsize={total}
              aria-posinset={row.index + 1}
            >
              <Row session={items[row.index]!} now={now} />
            </li>
          ))}
        </ul>
      </div>
    </Page>
  );
}
