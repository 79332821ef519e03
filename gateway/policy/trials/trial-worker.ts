import { parentPort } from 'node:worker_threads';
import { CountersignError } from '../../contract/errors.ts';
import type { TrialReply, TrialRequest } from './protocol.ts';
import { tryCommand } from './try-command.ts';
import { TrialBench } from './try-statement.ts';

if (!parentPort) throw new Error('this file runs as a worker of trials.ts');
const port = parentPort;
const bench = new TrialBench();

async function answer(request: TrialRequest): Promise<unknown> {
  if (request.kind === 'check') return bench.check(request.text);
  if (request.kind === 'suggest') return bench.suggest(request.policy, request.past, request.now);
  const { policy, what, identity, connection } = request;
  if (what.kind === 'statement') return bench.statement(policy, what.text, identity, connection);
  return tryCommand(bench.usable(policy), what.text, what.cwd, identity);
}

port.on('message', (request: TrialRequest) => {
  answer(request).then(
    (value) => port.postMessage({ id: request.id, value } satisfies TrialReply),
    (error: unknown) => {
      const code = error instanceof CountersignError ? error.code : 'POLICY_TRIAL_FAILED';
      const message = error instanceof Error ? error.message : String(error);
      port.postMessage({ id: request.id, error: { code, message } } satisfies TrialReply);
    },
  );
});
