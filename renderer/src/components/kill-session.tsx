import { Button, type ButtonProps, Modal, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useApiMutation } from '../api/queries.ts';
import { strings } from '../strings.ts';
import classes from './kill-session.module.css';
import { Failure } from './page.tsx';

const t = strings.session;

interface Props extends ButtonProps {
  id: string;
  /** Of which session, for who does not see where the button stands. */
  label?: string;
}

/** Ends an open session, after a question. */
export function KillSession({ id, label = t.kill, ...button }: Props) {
  const [opened, dialog] = useDisclosure(false);
  const kill = useApiMutation('killSession', ['sessions', 'session', 'connections']);
  return (
    <>
      <Button
        variant="default"
        leftSection={<IconPlugConnectedX size={17} aria-hidden />}
        {...button}
        aria-label={label}
        onClick={dialog.open}
      >
        {t.kill}
      </Button>
      <Modal
        opened={opened}
        onClose={dialog.close}
        title={t.killConfirmTitle}
        closeButtonProps={{ 'aria-label': strings.close }}
      >
        <Text>{t.killConfirm}</Text>
        {kill.error !== null && <Failure error={kill.error} />}
        <div className={classes.confirm}>
          <Button variant="default" onClick={dialog.close} data-autofocus>
            {strings.cancel}
          </Button>
          <Button color="red" loading={kill.isPending} onClick={() => kill.mutate({ id }, { onSuccess: dialog.close })}>
            {t.kill}
          </Button>
        </div>
      </Modal>
    </>
  );
}
