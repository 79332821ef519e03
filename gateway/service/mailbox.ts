import { join } from 'node:path';
import type { ApprovalsAdmin } from '../approvals/admin.ts';
import type { ApproverDeps } from '../approvals/votes.ts';
import type { Approval } from '../contract/decision.ts';
import type { MailNotice } from '../contract/mailbox.ts';
import type { Device } from '../evidence/device/device.ts';
import type { People } from '../identity/people.ts';
import { createMailboxHandlers } from '../mailbox/handlers.ts';
import { Mailbox } from '../mailbox/mailbox.ts';
import { type SharedQueue, sharedQueue } from '../mailbox/queue.ts';
import type { Clock, Vault } from '../pipeline/ports.ts';
import { openTarget } from '../sync/targets/open-target.ts';
import type { Timers } from './timers.ts';

export interface ServiceMailbox {
  mailbox: Mailbox;
  approvers: ApproverDeps;
  queue: SharedQueue;
  /** For what does not wait for an answer: a click on a notification, or in the panel. */
  desk: Pick<ApprovalsAdmin, 'list' | 'get' | 'decide'>;
  handlers: ReturnType<typeof createMailboxHandlers>;
}

/** The mailbox as the gateway runs it. Throws CONFIG_BROKEN. */
export function serviceMailbox(
  given: Timers & {
    home: string;
    device: Device;
    clock: Clock;
    vault: Vault;
    people: People;
    /** They are made later. */
    approvals: () => ApprovalsAdmin;
    /** A request of another machine came, or ended. */
    changed(approval: Approval): void;
    onNotice(notice: MailNotice): void;
    onProblem(sentence: string): void;
  },
): ServiceMailbox {
  const { home, device, vault, people, approvals, onProblem, ...rest } = given;
  const lazily: ApprovalsAdmin = new Proxy({} as ApprovalsAdmin, { get: (_, name) => Reflect.get(approvals(), name) });
  const person = () => people.current();
  const mailbox = new Mailbox({
    ...rest,
    file: join(home, 'mailbox.json'),
    vault,
    person,
    approvals: lazily,
    onProblem,
    open: (config) => openTarget(config, vault),
    device: {
      id: device.id,
      get org() {
        return device.file.org;
      },
      get name() {
        return device.file.name;
      },
      get account() {
        return device.file.account;
      },
      get signer() {
        return device.signer;
      },
      get trust() {
        return device.trust;
      },
      identityObjects: () => device.identityObjects(),
    },
  });
  const queue = sharedQueue(lazily, mailbox);
  return {
    mailbox,
    approvers: { person, missing: (operation, demand) => mailbox.missing(operation, demand) },
    queue,
    desk: {
      list: queue.list,
      get: queue.get,
      decide(input) {
        if (!mailbox.has(input.approvalId)) return approvals().decide(input);
        void mailbox.decide(input).catch((error: Error) => onProblem(error.message));
        return mailbox.inbox.get(input.approvalId)!;
      },
    },
    handlers: createMailboxHandlers(mailbox),
  };
}
