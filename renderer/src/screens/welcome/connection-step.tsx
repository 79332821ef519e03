import { Button, Radio } from '@mantine/core';
import { IconPlugConnected, IconPlus } from '@tabler/icons-react';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { LinkButton } from '../../components/link-button.tsx';
import { Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import type { Setup } from './use-setup.ts';
import classes from './welcome-screen.module.css';

const t = strings.welcome;

/** A connection is chosen or added, and reached. */
export function ConnectionStep({ setup, next }: { setup: Setup; next(): void }) {
  const query = useApi('connections', {});
  const status = useApi('status', {});
  const test = useApiMutation('testConnection');
  const items = query.data?.items ?? [];
  const run = (id: string) =>
    test.mutate(
      { id },
      {
        onSuccess: ({ ok }) => {
          if (ok) setup.testSucceeded(id);
        },
      },
    );
  const pinMissing = status.data !== undefined && !status.data.pinSet;
  return (
    <>
      {items.length > 0 && (
        <Radio.Group
          value={setup.connection}
          onChange={(id) => {
            test.reset();
            setup.choose(id);
          }}
          aria-label={t.chooseConnection}
        >
          <div className={classes.choices}>
            {items.map(({ id, description, user, host, port, database }) => (
              <Radio
                key={id}
                value={id}
                label={<Visible>{id}</Visible>}
                description={
                  <Visible>{description === '' ? `${user}@${host}:${port}/${database}` : description}</Visible>
                }
              />
            ))}
          </div>
        </Radio.Group>
      )}
      <div className={classes.actions}>
        {setup.connection !== null && (
          <Button
            leftSection={<IconPlugConnected size={17} />}
            loading={test.isPending}
            onClick={() => run(setup.connection ?? '')}
          >
            {t.test(setup.connection)}
          </Button>
        )}
        <LinkButton to="/connections/new" variant="default" leftSection={<IconPlus size={17} />}>
          {items.length === 0 ? t.addFirst : t.addConnection}
        </LinkButton>
      </div>
      {items.length === 0 && (
        <>
          <p className={classes.muted}>{t.noDemo}</p>
          <CommandBlock label={strings.evidence.command} command={t.demoCommand} />
        </>
      )}
      {pinMissing && (
        <Notice tone="info">
          {t.pinFirst}{' '}
          <LinkButton to="/settings" size="compact-xs" variant="default">
            {strings.approvals.pinMissingLink}
          </LinkButton>
        </Notice>
      )}
      {test.error !== null && <Failure error={test.error} />}
      {test.data !== undefined && (
        <Notice tone={test.data.ok ? 'good' : 'bad'} role="status">
          <Visible>{test.data.sentence}</Visible>
        </Notice>
      )}
      {setup.steps[0]?.done === true && (
        <div>
          <Button variant="light" onClick={next}>
            {t.next}
          </Button>
        </div>
      )}
    </>
  );
}
