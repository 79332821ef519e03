import type { Decision } from '../contract/decision.ts';
import type { Statement } from '../contract/session.ts';

/** How it went, in one word, as the index and the replay have it. */
export function verdictOf(decision: Decision | undefined): Statement['verdict'] {
  if (!decision) return 'allowed';
  if (decision.observed !== null && decision.observed !== 'allow') return 'observed';
  const asked = decision.verdict.effect === 'ask';
  if (decision.effect === 'allow') return asked ? 'asked-approved' : 'allowed';
  if (!asked || decision.approvalId === null) return 'denied';
  return decision.channel === 'timeout' ? 'asked-expired' : 'asked-denied';
}
