import { Checkbox, Loader } from '@mantine/core';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { AuditSession, FoundStatement } from '../../../../gateway/contract/audit.ts';
import type { StatementFilter } from '../../../../gateway/contract/search.ts';
import { useApi } from '../../api/queries.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { Empty, Failure, Page } from '../../components/page.tsx';
import { Sql } from '../../components/sql.tsx';
import { Notice, type Tone, ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { VirtualList } from '../../components/virtual-list.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago, timeOfDay } from '../../text/format.ts';
import { VerdictIcon } from '../session/statement-verdict.tsx';
import { Findings } from '../sessions/session-state.tsx';
import shared from './audit.module.css';
import { SearchBar } from './search-bar.tsx';
import classes from './sessions-screen.module.css';
import { usePages } from './use-pages.ts';

const t = strings.audit.sessions;
const ROW_HEIGHT = 64;
const TONES: Readonly<Record<AuditSession['badge'], Tone>> = {
  verified: 'good',
  failed: 'bad',
  'not-here': 'quiet',
  unverified: 'quiet',
};

function SessionRow({ item: { session, of, badge }, now }: { item: AuditSession; now: number }) {
  return (
    <Link to="/sessions/$id" params={{ id: session.id }} search={{}} className={classes.row}>
      <span className={classes.badge}>
        <ToneBadge tone={TONES[badge]}>{strings.audit.badges[badge]}</ToneBadge>
      </span>
      <span className={classes.cell}>
        <strong>
          <Visible>{`${session.agent.name} ${strings.session.for} ${session.identity.display}`}</Visible>
        </strong>
        <span className={classes.sub}>
          <Visible>{`${session.connectionId} / ${session.database}${of === null ? '' : ` · ${t.on(of.name ?? of.device)}`}`}</Visible>
        </span>
      </span>
      <span className={`${classes.cell} ${classes.counts}`}>
        {strings.sessions.statements(session.statements)}
        <span className={classes.sub}>
          <Findings session={session} />
        </span>
      </span>
      <span className={`${classes.cell} ${classes.when}`} title={session.openedAt}>
        {timeOfDay(session.openedAt, now)}
        <span className={classes.sub}>{ago(session.openedAt, now)}</span>
      </span>
    </Link>
  );
}

function StatementRow({ item: { statement, session, of }, now }: { item: FoundStatement; now: number }) {
  return (
    <Link
      to="/sessions/$id"
      params={{ id: statement.sessionId }}
      search={{ at: statement.index }}
      className={`${classes.row} ${classes.statement}`}
    >
      <span className={classes.icon}>
        <VerdictIcon statement={statement} />
      </span>
      <span className={classes.cell}>
        <Sql text={statement.text} line />
        <span className={classes.sub}>
          {strings.session.verdicts[statement.verdict]}
          {session !== null && (
            <>
              {' · '}
              <Visible>{`${session.agent} ${strings.session.for} ${session.person} → ${session.connection}`}</Visible>
            </>
          )}
          {of !== null && (
            <>
              {' · '}
              <Visible>{t.on(of.name ?? of.device)}</Visible>
            </>
          )}
        </span>
      </span>
      <span className={`${classes.cell} ${classes.when}`} title={statement.startedAt}>
        {timeOfDay(statement.startedAt, now)}
        <span className={classes.sub}>{ago(statement.startedAt, now)}</span>
      </span>
    </Link>
  );
}

function Nothing({ filtered }: { filtered: boolean }) {
  return (
    <Empty title={filtered ? t.noMatchTitle : t.emptyTitle} hint={filtered ? t.noMatchHint : t.emptyHint}>
      {!filtered && (
        <LinkButton to="/imports" variant="default" mt="xs">
          {strings.nav.imports}
        </LinkButton>
      )}
    </Empty>
  );
}

function Sessions() {
  const { failed } = useSearch({ from: '/audit/sessions' });
  const navigate = useNavigate({ from: '/audit/sessions' });
  const now = useNow(60_000);
  const { query, items, total, more } = usePages('auditSessions', failed ? { failed: 'true' } : {});
  return (
    <>
      <div className={classes.bar}>
        <span className={shared.muted}>{query.isSuccess ? strings.sessions.total(total) : strings.loading}</span>
        <Checkbox
          size="xs"
          label={t.onlyFailed}
          checked={failed ?? false}
          onChange={(event) =>
            void navigate({ search: event.currentTarget.checked ? { failed: true } : {}, replace: true })
          }
        />
      </div>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      <VirtualList
        label={t.title}
        items={items}
        total={total}
        rowHeight={ROW_HEIGHT}
        keyOf={({ session }) => session.id}
        more={more}
        stale={query.isPlaceholderData}
        row={(item) => <SessionRow item={item} now={now} />}
      >
        {query.isPending && <Loader size="sm" m="md" />}
        {query.isSuccess && items.length === 0 && <Nothing filtered={failed ?? false} />}
      </VirtualList>
    </>
  );
}

function Statements({ filter }: { filter: StatementFilter }) {
  const now = useNow(60_000);
  const { query, items, total, more } = usePages('auditStatements', filter);
  return (
    <>
      <div className={classes.bar}>
        <span className={shared.muted} role="status">
          {query.isSuccess ? t.statements(total) : strings.loading}
        </span>
      </div>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      <VirtualList
        label={strings.session.statements}
        items={items}
        total={total}
        rowHeight={ROW_HEIGHT}
        keyOf={({ statement }) => `${statement.sessionId}/${statement.index}`}
        more={more}
        stale={query.isPlaceholderData}
        row={(item) => <StatementRow item={item} now={now} />}
      >
        {query.isPending && <Loader size="sm" m="md" />}
        {query.isSuccess && items.length === 0 && <Nothing filtered />}
      </VirtualList>
    </>
  );
}

/** Without a filter every session, with one the statements that fit it. */
export function AuditSessionsScreen() {
  const { failed: _, ...filter } = useSearch({ from: '/audit/sessions' });
  const index = useApi('auditStatus', {}).data?.index ?? null;
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return (
    <Page title={t.title} lead={t.lead} fill>
      <SearchBar filter={filter} />
      {index !== null && (
        <Notice tone="warn">
          {t.index} <Visible>{index}</Visible>
        </Notice>
      )}
      {filtered ? <Statements filter={filter} /> : <Sessions />}
    </Page>
  );
}
