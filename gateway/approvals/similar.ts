import type { Approval, SimilarApprovals } from '../contract/decision.ts';
import type { Operation } from '../contract/operation.ts';

const SHOWN = 5;

/** Of decided requests, oldest first: those of the same shape, by the same person's agents on the same connection. */
export function similarTo({ id, operation }: Approval, history: readonly Approval[]): SimilarApprovals {
  const past = history.filter((approval) => approval.id !== id && isLike(approval.operation, operation));
  const counts = { approved: 0, denied: 0, expired: 0, withdrawn: 0 };
  for (const { state } of past) if (state !== 'waiting') counts[state] += 1;
  return { counts, items: past.slice(-SHOWN).reverse() };
}

function isLike(a: Operation, b: Operation): boolean {
  return (
    a.protocol === b.protocol &&
    a.connectionId === b.connectionId &&
    a.identity.subject === b.identity.subject &&
    a.effects.fingerprint === b.effects.fingerprint
  );
}
