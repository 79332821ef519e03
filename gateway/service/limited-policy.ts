import type { Verdict } from '../contract/decision.ts';
import type { PolicyEngine } from '../pipeline/ports.ts';

/** Caps how long anything waits for a person. */
export function limited(policy: PolicyEngine, seconds: number | undefined): PolicyEngine {
  if (seconds === undefined) return policy;
  const capped = new WeakMap<Verdict, Verdict>();
  const limit = (verdict: Verdict): Verdict => {
    if (verdict.expiresSeconds <= seconds) return verdict;
    let short = capped.get(verdict);
    if (!short) {
      short = { ...verdict, expiresSeconds: seconds };
      capped.set(verdict, short);
    }
    return short;
  };
  return {
    get hash() {
      return policy.hash;
    },
    decide: (input) => limit(policy.decide(input)),
    decideAction: (input) => limit(policy.decideAction(input)),
  };
}
