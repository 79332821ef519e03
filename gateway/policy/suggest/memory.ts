import type { Decision, Verdict } from '../../contract/decision.ts';
import type { Pipeline } from '../../pipeline/pipeline.ts';
import type { Clock } from '../../pipeline/ports.ts';
import { actionRequest, type CedarRequest, runRequest } from '../decisions/request.ts';
import type { PastOperation } from './past.ts';

/** What was asked since the gateway started, as policies saw it: what suggestions are made from. */
export interface PromptMemory {
  pipeline: Pipeline;
  /** Oldest first. */
  past(): readonly PastOperation[];
}

const MAX_PAST = 2000;
const MAX_TEXT = 2000;

/** The same pipeline, whose questions are remembered with their answers. Keeps texts in memory alone. */
export function rememberPrompts(pipeline: Pipeline, clock: Clock): PromptMemory {
  const requests = new WeakMap<Verdict, () => CedarRequest>();
  const past: PastOperation[] = [];

  function asked(verdict: Verdict, request: () => CedarRequest): Verdict {
    if (verdict.effect === 'ask') requests.set(verdict, request);
    return verdict;
  }

  function remember(at: number, text: string, request: CedarRequest, decision: Decision): void {
    // What nobody answered says nothing about what a person wants.
    if (decision.channel === 'timeout' || decision.channel === 'gateway') return;
    const outcome = decision.effect === 'allow' ? 'approved' : 'refused';
    past.push({ at: new Date(at).toISOString(), text: text.slice(0, MAX_TEXT), request, outcome });
    if (past.length > MAX_PAST) past.shift();
  }

  return {
    past: () => past,
    pipeline: {
      ...pipeline,
      get policyHash() {
        return pipeline.policyHash;
      },
      verdict: (input) => asked(pipeline.verdict(input), () => runRequest(input)),
      actionVerdict: (input) => asked(pipeline.actionVerdict(input), () => actionRequest(input)),
      decide(verdict, connection, operation, longestMs) {
        const request = requests.get(verdict);
        if (request === undefined || connection.mode !== 'enforce')
          return pipeline.decide(verdict, connection, operation, longestMs);
        const at = clock.now();
        let text = '';
        const result = pipeline.decide(
          verdict,
          connection,
          () => {
            const wanted = operation();
            ({ text } = wanted);
            return wanted;
          },
          longestMs,
        );
        if (result.kind === 'decided') remember(at, text, request(), result.decision);
        else void result.pending.decision.then((decision) => remember(at, text, request(), decision));
        return result;
      },
    },
  };
}
