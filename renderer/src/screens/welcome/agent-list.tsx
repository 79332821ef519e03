import { Loader } from '@mantine/core';
import { useCallback } from 'react';
import type { AgentView } from '../../../../gateway/contract/about.ts';
import { useSessionEvents } from '../../api/events.ts';
import { useApi } from '../../api/queries.ts';
import { CopyBlock } from '../../components/copy.tsx';
import { Failure } from '../../components/page.tsx';
import { ToneBadge } from '../../components/tone.tsx';
import { useNow } from '../../components/use-now.ts';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ago } from '../../text/format.ts';
import classes from './welcome-screen.module.css';

const t = strings.welcome;
const EVERY_MS = 3000;

/** Its command, and whether its hooks were heard of: installed is not yet working. */
function Agent({ agent }: { agent: AgentView }) {
  const sessions = useApi('sessions', { connectionId: agent.name, limit: 1, offset: 0 }, { staleTime: 0 });
  const { refetch } = sessions;
  useSessionEvents(useCallback(() => void refetch(), [refetch]));
  const now = useNow(10_000);
  const heard = sessions.data?.items[0];
  return (
    <li className={classes.agent}>
      <div className={classes.agentHead}>
        <strong>{agent.title}</strong>
        {heard !== undefined ? (
          <ToneBadge tone="good">{t.hooksHeard(ago(heard.openedAt, now))}</ToneBadge>
        ) : agent.hooks === true ? (
          <ToneBadge tone="late">{t.hooksSilent}</ToneBadge>
        ) : (
          <ToneBadge tone="quiet">{agent.hooks === null ? t.hooksUnknown : t.hooksNone}</ToneBadge>
        )}
      </div>
      {agent.hooks !== true && heard === undefined && <CopyBlock label={t.installCommand} text={agent.install} />}
      {agent.hooks === true && heard === undefined && <p className={classes.muted}>{t.hooksTry(agent.title)}</p>}
      <p className={classes.muted}>
        <Visible>{agent.hooks !== true && heard === undefined ? t.changes(agent.file) : (agent.note ?? '')}</Visible>
      </p>
    </li>
  );
}

/** The agents of this machine. A person installs: nothing here writes an agent's files. */
export function AgentList() {
  const query = useApi('agents', {}, { refetchInterval: EVERY_MS });
  if (query.error !== null) return <Failure error={query.error} retry={() => void query.refetch()} />;
  if (query.data === undefined) return <Loader size="sm" />;
  const { items } = query.data;
  // Where the gateway may not look, any of them may be there.
  const there = items.filter(({ found, hooks }) => found !== false || hooks === true);
  const others = items.filter((agent) => !there.includes(agent));
  return (
    <>
      {there.length === 0 && <p className={classes.muted}>{t.noAgents}</p>}
      <ul className={classes.agents} aria-label={t.agents}>
        {there.map((agent) => (
          <Agent key={agent.name} agent={agent} />
        ))}
      </ul>
      {others.length > 0 && (
        <details>
          <summary>{t.otherAgents(others.map(({ title }) => title).join(', '))}</summary>
          <ul className={classes.agents}>
            {others.map((agent) => (
              <Agent key={agent.name} agent={agent} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}
