import type { ControlHandlers } from '../control/handlers.ts';
import type { Mailbox } from './mailbox.ts';

/** The control API's routes on the mailbox. Presence was established by the server. */
export function createMailboxHandlers(
  mailbox: Mailbox,
): Pick<ControlHandlers, 'mailbox' | 'setUpMailbox' | 'makeApproverKey'> {
  return {
    mailbox: () => mailbox.view(),
    async setUpMailbox({ setup }) {
      await mailbox.setUp(setup);
      return mailbox.view();
    },
    makeApproverKey: ({ name }) => mailbox.makeKey(name),
  };
}
