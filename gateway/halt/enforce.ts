import { CountersignError } from '../contract/errors.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Approvals, Recorder } from '../pipeline/ports.ts';
import type { Halt } from './halt.ts';

type State = Pick<Halt, 'view'>;

/** While anything is halted nobody is asked and no grant counts. */
export function haltApprovals(approvals: Approvals, halt: State): Approvals {
  return {
    coveredBy: (operation, verdict) => (halt.view === null ? approvals.coveredBy(operation, verdict) : null),
    hold(operation, verdict, longestMs) {
      const { view } = halt;
      if (view !== null) throw new CountersignError('HALTED', view.sentence);
      return approvals.hold(operation, verdict, longestMs);
    },
    sessionClosed: (sessionId) => approvals.sessionClosed(sessionId),
  };
}

/** After a panic nothing is let through, in observe mode neither, whatever the policy says. */
export function haltPipeline(pipeline: Pipeline, halt: State): Pipeline {
  return {
    ...pipeline,
    get policyHash() {
      return pipeline.policyHash;
    },
    decide(verdict, connection, operation, longestMs) {
      const { view } = halt;
      if (view?.kind !== 'panic') return pipeline.decide(verdict, connection, operation, longestMs);
      return {
        kind: 'decided',
        decision: {
          effect: 'deny',
          verdict,
          approvalId: null,
          grantId: null,
          observed: null,
          decidedBy: view.by,
          channel: 'gateway',
          message: view.sentence,
        },
      };
    },
  };
}

/** After a panic no session begins, whatever its protocol: each of them opens a recording first. */
export function haltRecorder(recorder: Recorder, halt: State): Recorder {
  return {
    open(info) {
      const { view } = halt;
      if (view?.kind === 'panic') throw new CountersignError('HALTED', view.sentence);
      return recorder.open(info);
    },
    get failure() {
      return recorder.failure;
    },
    onSealed: (listener) => recorder.onSealed(listener),
    close: () => recorder.close(),
  };
}
