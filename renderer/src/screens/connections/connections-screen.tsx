import { Button, Loader } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlugConnected, IconPlus, IconTerminal2 } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ConnectionView } from '../../../../gateway/contract/routes/connections.ts';
import { useApi, useApiMutation } from '../../api/queries.ts';
import { useMay } from '../../api/roles.ts';
import { LinkButton } from '../../components/link-button.tsx';
import { Card, Empty, Failure, Page } from '../../components/page.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import { ConnectDialog } from './connect-dialog.tsx';
import classes from './connections-screen.module.css';
import { LiveSessions } from './live-sessions.tsx';

const t = strings.connections;

function TestResult({ test }: { test: ReturnType<typeof useApiMutation<'testConnection'>> }) {
  if (test.error !== null) return <Failure error={test.error} />;
  if (test.data === undefined) return null;
  return (
    <Notice tone={test.data.ok ? 'good' : 'bad'} role="status">
      <Visible>{test.data.sentence}</Visible>
      {test.data.ok && (
        <span className={classes.muted}>
          {' '}
          {test.data.serverVersion !== null && <Visible>{test.data.serverVersion}</Visible>} ·{' '}
          {Math.round(test.data.milliseconds)} ms
        </span>
      )}
    </Notice>
  );
}

function ConnectionCard({ connection }: { connection: ConnectionView }) {
  const test = useApiMutation('testConnection');
  const [howOpen, how] = useDisclosure(false);
  const mayChange = useMay('putConnection');
  return (
    <Card label={connection.id} className={classes.card}>
      <div className={classes.head}>
        <h2 className={classes.name}>
          <Visible>{connection.id}</Visible>
        </h2>
        <ToneBadge tone={connection.environment === 'production' ? 'warn' : 'info'}>
          {t.environments[connection.environment]}
        </ToneBadge>
      </div>
      {connection.description !== '' && (
        <p className={classes.description}>
          <Visible>{connection.description}</Visible>
        </p>
      )}
      <div className={classes.target}>
        <Visible>{`${connection.user}@${connection.host}:${connection.port}/${connection.database}`}</Visible>
      </div>
      {connection.mode === 'observe' && <Notice tone="watch">{t.observe}.</Notice>}
      {connection.masking === 'off' && <Notice tone="warn">{t.maskingOff}.</Notice>}
      <ul className={classes.facts}>
        <li>PostgreSQL</li>
        <li>{connection.hasSecret ? t.hasSecret : t.noSecret}</li>
        <li>{t.tags(connection.columns.length)}</li>
        {connection.access !== undefined && (
          <li>
            <Visible>{t.access(connection.access)}</Visible>
          </li>
        )}
        <li>
          <Link to="/sessions" search={{ connectionId: connection.id }}>
            {t.allSessions}
          </Link>
        </li>
      </ul>
      <LiveSessions connectionId={connection.id} count={connection.openSessions} />
      <TestResult test={test} />
      <div className={classes.actions}>
        <Button leftSection={<IconTerminal2 size={17} />} onClick={how.open}>
          {t.how}
        </Button>
        <Button
          variant="default"
          leftSection={<IconPlugConnected size={17} />}
          loading={test.isPending}
          onClick={() => test.mutate({ id: connection.id })}
        >
          {t.test}
        </Button>
        {mayChange && (
          <LinkButton variant="default" to="/connections/$id" params={{ id: connection.id }}>
            {t.edit}
          </LinkButton>
        )}
      </div>
      <ConnectDialog connection={connection} opened={howOpen} onClose={how.close} />
    </Card>
  );
}

export function ConnectionsScreen() {
  const query = useApi('connections', {});
  const items = query.data?.items ?? [];
  const mayChange = useMay('putConnection');
  const add = mayChange ? (
    <LinkButton to="/connections/new" variant="default" leftSection={<IconPlus size={17} />}>
      {t.add}
    </LinkButton>
  ) : (
    <span className={classes.muted}>{strings.roles.mayNot('admin')}</span>
  );
  return (
    <Page title={t.title} lead={t.lead} actions={items.length > 0 ? add : undefined}>
      {query.error !== null && <Failure error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Loader size="sm" />}
      {query.isSuccess && items.length === 0 && (
        <Card>
          <Empty title={t.emptyTitle} hint={t.emptyHint}>
            {add}
          </Empty>
        </Card>
      )}
      <div className={classes.grid}>
        {items.map((connection) => (
          <ConnectionCard key={connection.id} connection={connection} />
        ))}
      </div>
    </Page>
  );
}
