import { Button } from '@mantine/core';
import { useCallback, useState } from 'react';
import type { Session } from '../../../../gateway/contract/session.ts';
import { useSessionEvents } from '../../api/events.ts';
import { useApiMutation } from '../../api/queries.ts';
import { CopyBlock } from '../../components/copy.tsx';
import { LinkButton } from '../../components/link-button.tsx';
import { Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { AgentList } from './agent-list.tsx';
import type { Setup } from './use-setup.ts';
import { Waits } from './waits.tsx';
import classes from './welcome-screen.module.css';

const t = strings.welcome;

/** An agent's hooks, or a token for a client by hand; the step is done when a session comes in. */
export function AgentStep({ setup }: { setup: Setup }) {
  const mint = useApiMutation('mintToken');
  const [came, setCame] = useState<Session | null>(null);
  useSessionEvents(useCallback((session: Session) => setCame((before) => before ?? session), []));
  const { connection } = setup;
  return (
    <>
      <h3 className={classes.way}>{t.byHooks}</h3>
      <p className={classes.muted}>{t.byHooksHint}</p>
      <AgentList />
      <h3 className={classes.way}>{t.byToken}</h3>
      <p className={classes.muted}>{t.byTokenHint}</p>
      {connection === null ? (
        <Notice tone="info">{t.connectionFirst}</Notice>
      ) : mint.data === undefined ? (
        <div className={classes.actions}>
          <Button loading={mint.isPending} onClick={() => mint.mutate({ id: connection, purpose: t.purpose })}>
            {t.mint(connection)}
          </Button>
        </div>
      ) : (
        <>
          <CopyBlock label={t.command} text={mint.data.command} />
          <p className={classes.muted}>{t.agentHint}</p>
        </>
      )}
      {mint.error !== null && <Failure error={mint.error} />}
      {came !== null ? (
        <Notice tone="good" role="status">
          <Visible>{t.came(came.agent.name, came.connectionId)}</Visible>{' '}
          <LinkButton to="/sessions/$id" params={{ id: came.id }} size="compact-xs" variant="default">
            {t.watch}
          </LinkButton>
        </Notice>
      ) : (
        mint.data !== undefined && <Waits text={t.waitsForSession} />
      )}
    </>
  );
}
