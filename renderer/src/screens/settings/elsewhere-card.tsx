import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import { useApi } from '../../api/queries.ts';
import { Card } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { Setting } from './setting.tsx';
import classes from './settings-screen.module.css';

const t = strings.settings;

/** What is decided on other pages, or not here at all: how it is now, and where that is said. */
export function ElsewhereCard({ status }: { status: GatewayStatus }) {
  const connections = useApi('connections', {}).data?.items;
  const servers = useApi('mcpServers', {}).data?.items;
  const sync = useApi('syncStatus', {}).data;
  const isProtected = status.protection === 'protected';
  const masked = connections?.filter(({ masking }) => masking === 'on').length ?? 0;
  const rows: { name: string; by: string; hint?: ReactNode; value: ReactNode }[] = [
    {
      name: t.protection,
      by: t.byInstaller,
      hint: isProtected ? t.protectedText : t.unprotectedText,
      value: (
        <ToneBadge tone={isProtected ? 'good' : 'warn'}>
          {isProtected ? t.protectedTitle : t.unprotectedTitle}
        </ToneBadge>
      ),
    },
    {
      name: t.recorder,
      by: t.byNobody,
      hint: status.recorder.error === null ? t.recorderHint : <Visible>{status.recorder.error}</Visible>,
      value: (
        <ToneBadge tone={status.recorder.ok ? 'good' : 'bad'}>
          {status.recorder.ok ? t.recorderOk : t.recorderBad}
        </ToneBadge>
      ),
    },
    {
      name: t.policy,
      by: t.byPin,
      hint: status.policy.error === null ? undefined : <Visible>{status.policy.error}</Visible>,
      value: (
        <Link to="/policy">
          {status.policy.error !== null ? t.policyError : status.policy.staged === null ? t.policyOk : t.policyStaged}{' '}
          <code title={status.policy.hash}>{status.policy.hash.slice(0, 12)}</code>
        </Link>
      ),
    },
    {
      name: t.masking,
      by: t.byConnection,
      hint: t.maskingHint,
      value: <Link to="/connections">{t.maskedOf(masked, connections?.length ?? 0)}</Link>,
    },
    { name: t.mcp, by: t.byPin, value: <Link to="/mcp">{t.servers(servers?.length ?? 0)}</Link> },
    {
      name: t.sync,
      by: t.byTeam,
      value: (
        <Link to="/evidence">{sync === undefined ? strings.unknown : strings.evidence.syncStates[sync.state]}</Link>
      ),
    },
  ];
  return (
    <Card label={t.elsewhere}>
      <h2 className={classes.title}>{t.elsewhere}</h2>
      {rows.map(({ name, by, hint, value }) => (
        <Setting key={name} name={name} by={by} {...(hint === undefined ? {} : { hint })}>
          {value}
        </Setting>
      ))}
    </Card>
  );
}
