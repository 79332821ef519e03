import { z } from 'zod';
import { ApproverCard, MailboxSetup, MailboxView } from '../mailbox.ts';
import { Nothing, Pin, route } from './route.ts';

export const mailboxRoutes = {
  mailbox: route('GET', '/api/mailbox', 'session', Nothing, MailboxView),
  /** Who may be asked is decided by where requests go, so it takes the PIN. */
  setUpMailbox: route('PUT', '/api/mailbox', 'session', z.object({ setup: MailboxSetup, pin: Pin }), MailboxView),
  /** Whoever has it approves in somebody's name, so it takes the PIN. */
  makeApproverKey: route(
    'POST',
    '/api/mailbox/key',
    'session',
    z.object({ name: z.string().min(1).max(64), pin: Pin }),
    ApproverCard,
  ),
} as const;
