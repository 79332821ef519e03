import { Button, Loader } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { Grant } from '../../../../gateway/contract/decision.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago, span } from '../../text/format.ts';
import classes from './grants-screen.module.css';

const t = strings.grants;

const isActive = (grant: Grant, now: number) =>
  grant.revokedAt === null && grant.endedAt === null && Date.parse(grant.expiresAt) > now;

function State({ grant, now }: { grant: Grant; now: number }) {
  if (isActive(grant, now)) {
    return (
      <ToneBadge tone="late">
        <span className={classes.clock}>{t.left(span(Date.parse(grant.expiresAt) - now))}</span>
      </ToneBadge>
    );
  }
  if (grant.revokedAt !== null) return <ToneBadge tone="bad">{`${t.revoked} ${ago(grant.revokedAt, now)}`}</ToneBadge>;
  return (
    <ToneBadge tone="quiet">
      {grant.endedAt !== null ? `${t.ended} ${ago(grant.endedAt, now)}` : `${t.expired} ${ago(grant.expiresAt, now)}`}
    </ToneBadge>
  );
}

function Row({ grant, now }: { grant: Grant; now: number }) {
  const revoke = useApiMutation('revokeGrant', ['grants']);
  const active = isActive(grant, now);
  return (
    <li className={classes.row} data-active={active}>
      <div className={classes.text}>
        <div className={classes.sentence}>
          <Visible>{grant.sentence}</Visible>
        </div>
        <div className={classes.meta}>
          <State grant={grant} now={now} />
          <span>{t.reach[grant.reach]}</span>
          {active && grant.scope === 'session' && <span>{t.untilSession}</span>}
          {active && <span>{grant.standing ? t.standing : t.untilLeave}</span>}
          <span>{t.uses(grant.uses)}</span>
          <span>
            <Visible>{t.by(grant.decidedBy)}</Visible>
          </span>
          {grant.sessionId !== null && (
            <Link to="/sessions/$id" params={{ id: grant.sessionId }}>
              {t.session}
            </Link>
          )}
        </div>
        {revoke.error !== null && <Failure error={revoke.error} />}
      </div>
      {active && (
        <Button variant="default" loading={revoke.isPending} onClick={() => revoke.mutate({ id: grant.id })}>
          {t.revoke}
        </Button>
      )}
    </li>
  );
}

export function GrantsScreen() {
  const query = useApi('grants', {});
  const now = useNow(1000);
  const items = query.data?.items ?? [];
  const active = items.filter((grant) => isActive(grant, now));
  const past = items.filter((grant) => !isActive(grant, now));
  return (
    <Page title={t.title} lead={t.lead}>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Loader size="sm" />}
      {query.isSuccess && items.length === 0 && (
        <Card>
          <Empty title={t.emptyTitle} hint={t.emptyHint} />
        </Card>
      )}
      {active.length > 0 && (
        <Card label={t.active}>
          <h2 className={classes.title}>{t.active}</h2>
          <ul className={classes.list}>
            {active.map((grant) => (
              <Row key={grant.id} grant={grant} now={now} />
            ))}
          </ul>
        </Card>
      )}
      {past.length > 0 && (
        <Card label={t.past}>
          <h2 className={classes.title}>{t.past}</h2>
          <ul className={classes.list}>
            {past.map((grant) => (
              <Row key={grant.id} grant={grant} now={now} />
            ))}
          </ul>
        </Card>
      )}
    </Page>
  );
}
