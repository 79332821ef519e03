import { Button, Modal, Text, TextInput } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useState } from 'react';
import type { ConnectionView, MintedToken } from '../../../../gateway/contract/routes/connections.ts';
import { useApiMutation } from '../../api/queries.ts';
import { CopyBlock } from '../../components/copy.tsx';
import { Failure } from '../../components/page.tsx';
import { Notice } from '../../components/tone.tsx';
import { strings } from '../../strings.ts';
import { timeOfDay } from '../../text/format.ts';
import classes from './connections-screen.module.css';
import { textOf, WAYS, type Way } from './how-to.ts';

const t = strings.connect;

function Minted({ token, copied }: { token: MintedToken; copied: Way | null }) {
  const revoke = useApiMutation('revokeToken');
  return (
    <>
      {copied === null ? (
        <Notice tone="info">{t.once}</Notice>
      ) : (
        <Notice tone="good" role="status">
          {t.copied(t.ways[copied])} {t.once}
        </Notice>
      )}
      {WAYS.map((way) => (
        <CopyBlock key={way} label={t.labels[way]} text={textOf(way, token)} />
      ))}
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
  const [copied, setCopied] = useState<Way | null>(null);
  const mint = useApiMutation('mintToken');
  const close = () => {
    mint.reset();
    setPurpose('');
    setCopied(null);
    onClose();
  };
  /** One click: the token is made, and what was asked for is on the clipboard where the browser lets it. */
  const copy = (way: Way) =>
    mint.mutate(
      { id: connection.id, purpose },
      {
        onSuccess: (token) => {
          navigator.clipboard?.writeText(textOf(way, token)).then(
            () => setCopied(way),
            () => setCopied(null),
          );
        },
      },
    );
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
            <div className={classes.actions}>
              {WAYS.map((way) => (
                <Button
                  key={way}
                  variant={way === 'command' ? 'filled' : 'default'}
                  leftSection={<IconCopy size={16} aria-hidden />}
                  disabled={mint.isPending}
                  onClick={() => copy(way)}
                >
                  {t.copyWay[way]}
                </Button>
              ))}
              <Button
                variant="subtle"
                leftSection={<IconCheck size={16} aria-hidden />}
                loading={mint.isPending}
                onClick={() => mint.mutate({ id: connection.id, purpose })}
              >
                {t.mint}
              </Button>
            </div>
          </>
        ) : (
          <Minted token={mint.data} copied={copied} />
        )}
      </div>
    </Modal>
  );
}
