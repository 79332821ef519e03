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
import type { Setup } from './use-setup.ts';
import { Waits } from './waits.tsx';
import classes from './welcome-screen.module.css';

const t = strings.welcome;

/** A token is minted for it, and the step is done when a session comes in. */
export function AgentStep({ setup }: { setup: Setup }) {
  const mint = useApiMutation('mintToken');
  const [came, setCame] = useState<Session | null>(null);
  useSessionEvents(useCallback((session: Session) => setCame((before) => before ?? session), []));
  const { connection } = setup;
  if (connection === null) return <Notice tone="info">{t.connectionFirst}</Notice>;
  return (
    <>
      {mint.data === undefined ? (
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
