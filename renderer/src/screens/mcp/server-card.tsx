import { Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlugConnected, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { McpServerView } from '../../../../gateway/contract/mcp.ts';
import { useApiMutation } from '../../api/queries.ts';
import { CommandBlock } from '../../components/command-block.tsx';
import { Card, Failure } from '../../components/page.tsx';
import { Notice, ToneBadge } from '../../components/tone.tsx';
import { Visible } from '../../components/visible.tsx';
import { strings } from '../../strings.ts';
import classes from './mcp-screen.module.css';
import { PinDialog } from './pin-dialog.tsx';
import { ToolList } from './tool-list.tsx';

const t = strings.mcp;

const targetOf = ({ transport }: McpServerView): string =>
  transport.type === 'stdio' ? [transport.command, ...transport.args].join(' ') : transport.url;

/** How a client of any agent reaches it: the command it starts in place of the server. */
const commandOf = (name: string): string => `countersign mcp ${name}`;

export function ServerCard({ server }: { server: McpServerView }) {
  const { name, changed } = server;
  const test = useApiMutation('testMcpServer', ['mcpServers', 'mcpTools']);
  const remove = useApiMutation('deleteMcpServer', ['mcpServers']);
  const [toolsOpen, tools] = useDisclosure(changed.length > 0);
  const [removes, removing] = useDisclosure(false);
  return (
    <Card label={name} className={classes.card ?? ''}>
      <div className={classes.head}>
        <h2 className={classes.name}>
          <Visible>{name}</Visible>
        </h2>
        {changed.length > 0 ? (
          <ToneBadge tone="warn">{t.changedCount(changed.length)}</ToneBadge>
        ) : (
          <ToneBadge tone="good">{t.asAccepted}</ToneBadge>
        )}
      </div>
      {server.description !== '' && (
        <p className={classes.flush}>
          <Visible>{server.description}</Visible>
        </p>
      )}
      <div className={classes.target}>
        <Visible>{targetOf(server)}</Visible>
      </div>
      {server.mode === 'observe' && <Notice tone="watch">{t.observe}.</Notice>}
      {server.masking === 'off' && <Notice tone="warn">{t.maskingOff}.</Notice>}
      {server.signedIn === false && (
        <Notice tone="warn">
          {t.notSignedIn} <code>{`countersign mcp login ${name}`}</code>
        </Notice>
      )}
      <ul className={classes.facts}>
        <li>{t.transports[server.transport.type]}</li>
        <li>{server.hasSecrets ? t.hasSecrets : t.noSecrets}</li>
        <li>{t.open(server.openSessions)}</li>
        <li>
          <Link to="/sessions" search={{ connectionId: name }}>
            {t.sessions}
          </Link>
        </li>
      </ul>
      {test.error !== null && <Failure error={test.error} />}
      {test.data !== undefined && (
        <Notice tone={test.data.ok ? 'good' : 'bad'} role="status">
          <Visible>{test.data.sentence}</Visible>
          {test.data.ok && <span> {t.found(test.data.tools.length)}</span>}
        </Notice>
      )}
      <CommandBlock label={t.how} command={commandOf(name)} />
      <div className={classes.actions}>
        <Button
          leftSection={<IconPlugConnected size={17} />}
          variant="default"
          loading={test.isPending}
          onClick={() => test.mutate({ name })}
        >
          {t.test}
        </Button>
        <Button variant="default" aria-expanded={toolsOpen} onClick={tools.toggle}>
          {t.tools(server.pinned)}
        </Button>
        <Button
          variant="subtle"
          color="red"
          leftSection={<IconTrash size={17} />}
          onClick={removing.open}
          aria-label={t.removeOf(name)}
        >
          {t.remove}
        </Button>
      </div>
      {toolsOpen && <ToolList server={name} changed={changed.length} />}
      {removes && (
        <PinDialog
          title={t.removeOf(name)}
          action={t.remove}
          danger
          error={remove.error}
          pending={remove.isPending}
          close={removing.close}
          confirm={(pin) => remove.mutate({ name, pin })}
        >
          <p className={classes.flush}>{t.removeText}</p>
        </PinDialog>
      )}
    </Card>
  );
}
