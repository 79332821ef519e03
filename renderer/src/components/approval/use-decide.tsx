import { notifications } from '@mantine/notifications';
import { IconCheck, IconX } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { Approval, GrantScope } from '../../../../gateway/contract/decision.ts';
import { callApi } from '../../api/client.ts';
import { applyEvent } from '../../api/events.ts';
import { signWithPasskey } from '../../api/passkeys.ts';
import { strings } from '../../strings.ts';

const t = strings.approvals;

interface Answer {
  decision: 'approve' | 'deny';
  scope: GrantScope;
  /** Empty: none. */
  pin: string;
  message: string;
  /** The browser asks for it. */
  byPasskey: boolean;
}

/**
 * Sends a decision on exactly what was shown. Not through mutate's callbacks: the event of the decision
 * may come before the answer and take the card away, and they would be dropped.
 */
export function useDecide({ id, operation }: Approval, onDecided: (id: string) => void, onRefused: () => void) {
  const client = useQueryClient();
  const { digest } = operation;
  const decide = useMutation({
    mutationFn: async ({ decision, scope, pin, message, byPasskey }: Answer) => {
      const approves = decision === 'approve';
      const signs = approves && byPasskey;
      return await callApi('decide', {
        id,
        digest,
        decision,
        scope: approves ? scope : { kind: 'once' },
        ...(approves && pin !== '' ? { pin } : {}),
        ...(signs ? { passkey: await signWithPasskey(await callApi('passkeyRequest', { id, digest })) } : {}),
        ...(!approves && message !== '' ? { message } : {}),
      });
    },
    onSuccess: () => void client.invalidateQueries({ queryKey: ['grants'] }),
  });
  const send = async (answer: Answer) => {
    const { scope } = answer;
    try {
      const decided = await decide.mutateAsync(answer);
      applyEvent(client, { type: 'approval', approval: decided });
      // Where more people have to approve, it waits on.
      const counted = decided.state === 'waiting';
      const approved = counted || decided.state === 'approved';
      notifications.show({
        message: counted
          ? t.countedToast
          : approved
            ? scope.kind === 'once'
              ? t.approvedToast
              : t.grantedToast
            : t.deniedToast,
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
