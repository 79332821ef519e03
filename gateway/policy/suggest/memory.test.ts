import { expect, it } from 'vitest';
import { createApprovals } from '../../approvals/approvals.ts';
import { testOperation, testTime, testVerdict } from '../../approvals/test-operation.ts';
import { Connection } from '../../contract/connection.ts';
import { createPipeline } from '../../pipeline/pipeline.ts';
import { rememberPrompts } from './memory.ts';

const operation = testOperation();
const connection = Connection.parse({ id: 'demo', kind: 'postgres', host: 'h', user: 'app', database: 'shop' });

function setup() {
  const time = testTime();
  let ids = 0;
  const approvals = createApprovals({ clock: time.clock, schedule: time.schedule, newId: () => `id-${++ids}` });
  const verdict = () => testVerdict();
  const policy = { hash: testVerdict().policyHash, decide: verdict, decideAction: verdict };
  const memory = rememberPrompts(createPipeline({ policy, approvals }), time.clock);
  const { identity, agent, database, role, effects } = operation;
  const ask = async (decision: 'approve' | 'deny' | 'wait', mode: 'enforce' | 'observe' = 'enforce') => {
    const found = memory.pipeline.verdict({ identity, agent, connection, database, role, effects });
    const result = memory.pipeline.decide(found, { mode }, () => operation);
    if (result.kind === 'decided') return;
    const { approvalId } = result.pending;
    const by = { approvalId, digest: operation.digest, message: null, channel: 'console', decidedBy: 'dev' } as const;
    if (decision === 'wait') time.pass(601_000);
    else approvals.decide({ ...by, decision, scope: { kind: 'once' }, level: 'click' });
    await result.pending.decision;
  };
  return { memory, ask };
}

it('remembers questions with their answers, and not those that nobody answered or that were not asked', async () => {
  const { memory, ask } = setup();
  for (const decision of ['approve', 'deny', 'wait'] as const) await ask(decision);
  await ask('approve', 'observe');
  expect(memory.past()).toMatchObject([
    { outcome: 'approved', text: operation.text, request: { action: { id: 'run' }, resource: { id: 'demo' } } },
    { outcome: 'refused' },
  ]);
});

it('keeps the latest two thousand', async () => {
  const { memory, ask } = setup();
  for (let i = 0; i < 2001; i += 1) await ask(i === 0 ? 'deny' : 'approve');
  expect(memory.past()).toHaveLength(2000);
  expect(memory.past().every(({ outcome }) => outcome === 'approved')).toBe(true);
});
