import type { Decision, Verdict } from '../contract/decision.ts';
import type { EmergencyMark } from '../contract/emergency.ts';
import type { DecideResult, PendingDecision, Pipeline } from '../pipeline/pipeline.ts';
import type { Emergency } from './emergency.ts';

export interface EmergencyPipeline extends Pipeline {
  /** What waits by it is withdrawn: nobody approves alone what a group is asked for again. */
  over(): void;
}

/**
 * While there is emergency access, what policy asks a group for is let through by the person's own PIN; what it
 * forbids stays forbidden. Each decision of the time carries the mark, also those that are the same without it.
 */
export function emergencyPipeline(pipeline: Pipeline, emergency: Pick<Emergency, 'active'>): EmergencyPipeline {
  const waiting = new Set<PendingDecision>();
  /** The hot path allocates nothing but once for each verdict, as the pipeline itself. */
  let marked = new WeakMap<DecideResult, DecideResult>();
  let mark: EmergencyMark | null = null;

  function markOf({ id, reason }: EmergencyMark): EmergencyMark {
    if (mark?.id !== id) {
      mark = Object.freeze({ id, reason });
      marked = new WeakMap();
    }
    return mark!;
  }

  function decided(result: Extract<DecideResult, { kind: 'decided' }>, by: EmergencyMark): DecideResult {
    const known = marked.get(result);
    if (known !== undefined) return known;
    const made: DecideResult = { kind: 'decided', decision: Object.freeze({ ...result.decision, emergency: by }) };
    marked.set(result, made);
    return made;
  }

  function held({ pending }: Extract<DecideResult, { kind: 'held' }>, by: EmergencyMark): DecideResult {
    waiting.add(pending);
    const decision = pending.decision.then((one): Decision => {
      waiting.delete(pending);
      return { ...one, emergency: by };
    });
    return { kind: 'held', pending: { ...pending, decision } };
  }

  return {
    ...pipeline,
    get policyHash() {
      return pipeline.policyHash;
    },
    decide(verdict, connection, operation, longestMs) {
      const now = emergency.active;
      if (now === null) return pipeline.decide(verdict, connection, operation, longestMs);
      const by = markOf(now);
      const result = pipeline.decide(alone(verdict), connection, operation, longestMs);
      return result.kind === 'decided' ? decided(result, by) : held(result, by);
    },
    over() {
      for (const pending of [...waiting])
        pending.withdraw('the emergency access ended while this waited; run it again');
      waiting.clear();
    },
  };
}

/** The same, for the person at the machine: their PIN at least, for this one operation. */
function alone(verdict: Verdict): Verdict {
  if (verdict.effect !== 'ask' || verdict.approvers === undefined) return verdict;
  const { approvers: _, ...rest } = verdict;
  const level = verdict.level === 'passkey' ? 'passkey' : 'pin';
  return { ...rest, level, grantable: false, reason: `${verdict.reason} Emergency access: your own word is enough.` };
}
