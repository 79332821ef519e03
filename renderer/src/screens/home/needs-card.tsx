import { Button } from '@mantine/core';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import type { SyncStatus } from '../../../../gateway/contract/sync.ts';
import { useApi } from '../../api/queries.ts';
import { useMissed } from '../../components/approval/use-missed.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { OperationText } from '../../components/operation-text.tsx';
import { Card } from '../../components/page.tsx';
import { ToneIcon } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { clock } from '../../text/format.ts';
import { operationLine } from '../../text/operation-line.ts';
import classes from './home-screen.module.css';
import { needsOf, type Others } from './needs.ts';

const t = strings.home;
const SHOWN = 3;

function WaitingRow({ approval, now }: { approval: Approval; now: number }) {
  const line = operationLine(approval.operation);
  return (
    <li className={classes.need}>
      <ToneIcon tone="ask" size={18} />
      <span className={classes.needText}>
        <span>
          <strong>
            <Visible>{line.what}</Visible>
          </strong>{' '}
          <Visible>{`→ ${line.where}`}</Visible>{' '}
          <span className={classes.muted}>{clock(Date.parse(approval.expiresAt) - now)}</span>
        </span>
        <OperationText operation={approval.operation} line />
      </span>
      <LinkButton to="/approvals" search={{ id: approval.id }} size="compact-sm">
        {t.decide}
      </LinkButton>
    </li>
  );
}

interface Props {
  status: GatewayStatus;
  sync: SyncStatus | undefined;
  others: Others;
}

/** What a person should do now; empty is the good state. */
export function NeedsCard({ status, sync, others }: Props) {
  const waiting = useApi('approvals', { state: 'waiting', limit: 500 });
  const { missed, seen } = useMissed();
  const now = useNow(1000);
  const items = waiting.data?.items ?? [];
  const needs = needsOf(status, sync, others);
  const nothing = items.length === 0 && needs.length === 0 && missed.length === 0;
  return (
    <Card label={t.needsTitle}>
      <h2 className={classes.title}>{t.needsTitle}</h2>
      {nothing && waiting.isSuccess && (
        <p className={classes.calm}>
          <ToneIcon tone="good" size={20} /> {t.nothing}
        </p>
      )}
      <ul className={classes.needs}>
        {items.slice(0, SHOWN).map((approval) => (
          <WaitingRow key={approval.id} approval={approval} now={now} />
        ))}
        {items.length > SHOWN && (
          <li className={classes.need}>
            <span className={classes.needText}>{t.moreWaiting(items.length - SHOWN)}</span>
            <LinkButton to="/approvals" size="compact-sm" variant="default">
              {t.all}
            </LinkButton>
          </li>
        )}
        {needs.map((need) => (
          <li key={need.key} className={classes.need}>
            <ToneIcon tone={need.tone} size={18} />
            <span className={classes.needText}>
              <span>{need.text}</span>
              {need.detail !== null && (
                <span className={classes.muted}>
                  <Visible>{need.detail}</Visible>
                </span>
              )}
            </span>
            <LinkButton to={need.to} size="compact-sm" variant="default">
              {need.action}
            </LinkButton>
          </li>
        ))}
        {missed.length > 0 && (
          <li className={classes.need}>
            <ToneIcon tone="late" size={18} />
            <span className={classes.needText}>
              <span>{t.missed(missed.length)}</span>
              <span className={classes.muted}>{t.missedHint}</span>
            </span>
            <LinkButton to="/approvals" size="compact-sm" variant="default">
              {t.needs.look}
            </LinkButton>
            <Button size="compact-sm" variant="subtle" onClick={seen}>
              {t.seen}
            </Button>
          </li>
        )}
      </ul>
    </Card>
  );
}
