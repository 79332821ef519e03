import { Button, Modal } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useApi } from '../../api/queries.ts';
import { Failure } from '../../components/page.tsx';
import { PIN_MIN, PinField } from '../../components/pin-field.tsx';
import { strings } from '../../strings.ts';
import classes from './mcp-screen.module.css';

interface Props {
  title: string;
  children: ReactNode;
  action: string;
  danger?: boolean;
  error: Error | null;
  pending: boolean;
  close(): void;
  confirm(pin: string): void;
}

/** A change that takes the PIN, with what it means. */
export function PinDialog({ title, children, action, danger = false, error, pending, close, confirm }: Props) {
  const [pin, setPin] = useState('');
  const canBe = useApi('status', {}).data?.pinSet !== false;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (pin.length < PIN_MIN || pending) return;
    confirm(pin);
    setPin('');
  };
  return (
    <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': strings.close }}>
      <form onSubmit={submit} className={classes.dialog}>
        {children}
        <PinField value={pin} onChange={setPin} data-autofocus />
        {error !== null && <Failure error={error} />}
        <div className={classes.dialogActions}>
          <Button variant="default" onClick={close}>
            {strings.cancel}
          </Button>
          {canBe && (
            <Button
              type="submit"
              loading={pending}
              disabled={pin.length < PIN_MIN}
              {...(danger ? { color: 'red' } : {})}
            >
              {action}
            </Button>
          )}
        </div>
      </form>
    </Modal>
  );
}
