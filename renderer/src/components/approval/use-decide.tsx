import { notifications } from '@mantine/notifications';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import type { Approval, GrantScope } from '../../../../gateway/contract/decision.ts';
import { applyEvent } from '../../api/events.ts';
import { useApiMutation } from '../../api/queries.ts';
import { strings } from '../../strings.ts';

const t = strings.approvals;

interface Answer {
  decision: 'approve' | 'deny';
  scope: GrantScope;
  /** Empty: none. */
  pin: string;
  message: string;
}

/**
 * Sends a decision on exactly what was shown. Not through mutate's callbacks: the event of the decision
 * may come before the answer and take the card away, and they would be dropped.
 */
export function useDecide({ id, operation }: Approval, onDecided: (id: string) => void, onRefused: () => void) {
  const client = useQueryClient();
  const decide = useApiMutation('decide', ['grants']);
  const send = async ({ decision, scope, pin, message }: Answer) => {
    const approves = decision === 'approve';
    try {
      const decided = await decide.mutateAsync({
        id,
        digest: operation.digest,
        decision,
        scope: approves ? scope : { kind: 'once' },
        ...(approves && pin !== '' ? { pin } : {}),
        ...(!approves && message !== '' ? { message } : {}),
      });
      applyEvent(client, { type: 'approval', approval: decided });
      const approved = decided.state === 'approved';
      notifications.show({
        message: approved ? (scope.kind === 'once' ? t.approvedToast : t.grantedToast) : t.deniedToast,
        icon: approved ? <IconCheck size={16} /> : <IconX size={16} />,
        color: approved ? 'green' : 'red',
        closeButtonProps: { 'aria-label': strings.close },
      });
      onDecided(id);
    } catch {
      // What went wrong is in `error`, above the buttons.
      onRefused();
    }
  };
  return { send, error: decide.error, pending: decide.isPending };
}
