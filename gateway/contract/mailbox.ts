import { z } from 'zod';
import { RequestOrigin } from './approvers.ts';

/** What approvers are told of another machine, such as an emergency access there; nothing to decide. */
export const MailNotice = z.object({
  id: z.string(),
  from: RequestOrigin,
  title: z.string().max(200),
  sentence: z.string().max(2000),
  at: z.string(),
});
export type MailNotice = z.infer<typeof MailNotice>;

/** The key with which somebody decides, for the root's keeper: countersign trust approver add. */
export const ApproverCard = z.object({ name: z.string(), vkey: z.string(), recipient: z.string() });
export type ApproverCard = z.infer<typeof ApproverCard>;

export const MailboxView = z.object({
  /** Kind, host, folder or bucket; null: none is set up. */
  target: z.string().nullable(),
  state: z.enum(['off', 'working', 'failing']),
  lastError: z.object({ at: z.string(), sentence: z.string() }).nullable(),
  /** The approver at this machine; `groups` are those that the trust note gives the key, none: it does not count. */
  approver: ApproverCard.extend({ person: z.string().nullable(), groups: z.array(z.string()) }).nullable(),
  /** Requests of this machine that wait for somebody elsewhere, and of others that wait for somebody here. */
  outgoing: z.number().int(),
  incoming: z.number().int(),
  notices: z.array(MailNotice),
});
export type MailboxView = z.infer<typeof MailboxView>;

export const MailboxSetup = z.object({
  /** null: none any more. As sync's; the gateway checks it by a schema of its own. */
  target: z.record(z.string(), z.unknown()).nullable(),
  /** By ids that begin with `store/mailbox-` and that `target` names. */
  secrets: z.record(z.string().max(100), z.string().max(65_536)).default({}),
});
export type MailboxSetup = z.input<typeof MailboxSetup>;
