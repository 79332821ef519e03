import type { ApprovalsAdmin } from '../approvals/admin.ts';
import type { Approval } from '../contract/decision.ts';
import type { DecisionInput } from '../pipeline/ports.ts';
import type { Mailbox } from './mailbox.ts';

/** What waits for the person at this machine: of this machine, and of others. */
export type SharedQueue = Pick<
  ApprovalsAdmin,
  'list' | 'get' | 'extend' | 'similar' | 'grants' | 'revokeGrant' | 'resume'
> & {
  /** Of another machine: resolves once the decision is in the store, and rejects where it cannot be brought there. */
  decide(input: DecisionInput): Approval | Promise<Approval>;
};

const NEVER_SEEN = { counts: { approved: 0, denied: 0, expired: 0, withdrawn: 0 }, items: [] };

export function sharedQueue(approvals: ApprovalsAdmin, mailbox: Mailbox): SharedQueue {
  const { inbox } = mailbox;
  return {
    list({ state, offset, limit }) {
      const own = approvals.list({ state, offset: 0, limit: Number.MAX_SAFE_INTEGER }).items;
      const waiting = [...own.filter((one) => one.state === 'waiting'), ...inbox.waiting()];
      const all = waiting.toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
      if (state === 'all') all.push(...own.filter((one) => one.state !== 'waiting'), ...inbox.decided());
      return { items: all.slice(offset, offset + limit), total: all.length };
    },
    get: (id) => inbox.get(id) ?? approvals.get(id),
    decide: (input) => (mailbox.has(input.approvalId) ? mailbox.decide(input) : approvals.decide(input)),
    extend: (id) => inbox.get(id) ?? approvals.extend(id),
    similar: (id) => (mailbox.has(id) ? NEVER_SEEN : approvals.similar(id)),
    grants: () => approvals.grants(),
    revokeGrant: (id) => approvals.revokeGrant(id),
    resume: (sessionId) => approvals.resume(sessionId),
  };
}
