import { Button, Modal, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { ConnectionView, MintedToken } from '../../../../gateway/contract/api.ts';
import { useApiMutation } from '../../api/queries.ts';
import { CopyBlock } from '../../components/copy.tsx';
import { Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import classes from './connections-screen.module.css';

const t = strings.connect;

const shellQuote = (value: string) => (/^[\w./:@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`);

function Minted({ token }: { token: MintedToken }) {
  const revoke = useApiMutation('revokeToken');
  const environment = Object.entries(token.env)
    .map(([name, value]) => `export ${name}=${shellQuote(value)}`)
    .join('\n');
  return (
    <>
      <Notice tone="info">{t.once}</Notice>
      <CopyBlock label={t.command} text={token.command} />
      <CopyBlock label={t.environment} text={environment} />
      <Text size="sm" c="dimmed">
        {t.expires(timeOfDay(token.expiresAt, Date.now()))}
      </Text>
      {revoke.error !== null && <Failure error={revoke.error} />}
      {revoke.isSuccess ? (
        <Notice tone="quiet" role="status">
          {t.revoked}
        </Notice>
      ) : (
        <div>
          <Button
            variant="default"
            size="compact-md"
            loading={revoke.isPending}
            onClick={() => revoke.mutate({ id: token.agentSessionId })}
          >
            {t.revoke}
          </Button>
        </div>
      )}
    </>
  );
}

interface Props {
  connection: ConnectionView;
  opened: boolean;
  onClose(): void;
}

/** The token lives in this dialog's state only; closing it forgets it. */
export function ConnectDialog({ connection, opened, onClose }: Props) {
  const [purpose, setPurpose] = useState('');
  const mint = useApiMutation('mintToken');
  const close = () => {
    mint.reset();
    setPurpose('');
    onClose();
  };
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={t.title(connection.id)}
      size="lg"
      closeOnClickOutside={mint.data === undefined}
      closeButtonProps={{ 'aria-label': strings.close }}
    >
      <div className={classes.dialog}>
        {mint.data === undefined ? (
          <>
            <Text>{t.lead}</Text>
            <TextInput
              label={t.purpose}
              placeholder={t.purposePlaceholder}
              value={purpose}
              onChange={(event) => setPurpose(event.currentTarget.value)}
              maxLength={200}
              data-autofocus
            />
            {mint.error !== null && <Failure error={mint.error} />}
            <div>
              <Button loading={mint.isPending} onClick={() => mint.mutate({ id: connection.id, purpose })}>
                {t.mint}
              </Button>
            </div>
          </>
        ) : (
          <Minted token={mint.data} />
        )}
      </div>
    </Modal>
  );
}
