import { afterEach, expect, test } from 'vitest';
import { KeepingRules } from '../../contract/sync.ts';
import type { AgentAction, AgentEvent } from './events.ts';
import type { Withheld } from './keeping.ts';
import { startTestEngine } from './test-engine.ts';

let h: Awaited<ReturnType<typeof startTestEngine>>;
let withheld: (Withheld & { sid: string })[];
async function start(rules: Partial<KeepingRules>): Promise<void> {
  withheld = [];
  h = await startTestEngine({
    deps: { keeping: () => KeepingRules.parse(rules), withheld: (entry) => void withheld.push(entry) },
  });
}
afterEach(() => h.stop());

const PROMPT: AgentEvent = {
  type: 'prompt',
  text: 'Find out why the invoice of Ms. Larsson is wrong',
  attachments: [],
};
const THOUGHT: AgentEvent = { type: 'thought', text: 'The rate in rates.csv looks old' };
const WRITE: AgentAction = {
  kind: 'write',
  tool: 'Write',
  path: '/shop/rates.csv',
  change: { kind: 'content', text: 'SE;25\n' },
};
const ask = (action: AgentAction): AgentEvent => ({ type: 'ask', phase: 'first', id: 'a', action });

test('without rules all of it is recorded, in one session', async () => {
  await start({});
  await h.send(PROMPT);
  await h.send(THOUGHT);
  await h.stop();
  expect(h.sessions.map(({ info }) => info.connection.sync)).toEqual([undefined]);
  expect(JSON.stringify(h.sessions)).toContain('Larsson');
  expect(withheld).toEqual([]);
});

test('what is kept local is in a recording that never leaves, tied to the one that does', async () => {
  await start({ prompts: 'local' });
  expect((await h.send(PROMPT)).permission).toBe('allow');
  await h.send(THOUGHT);
  await h.stop();
  const [main, local] = h.sessions;
  expect(local!.info).toMatchObject({ connection: { sync: 'local' }, conversationId: main!.info.conversationId });
  expect(JSON.stringify(main)).not.toContain('Larsson');
  expect(JSON.parse(main!.up[0]!)).toMatchObject({
    event: 'sendPrompt',
    withheld: { fields: ['text'], bytes: 48, rule: 'kept on the device' },
  });
  expect(main!.statements[0]!.text).toBe('(48 characters, kept on this device)');
  expect(JSON.parse(local!.up[0]!)).toMatchObject({ of: { session: main!.info.id, exchange: 0 }, text: PROMPT.text });
  expect([main!.closed, local!.closed]).toEqual(['the test is over', 'the test is over']);
  expect(withheld).toEqual([{ sid: main!.info.id, what: 'prompts', count: 1, bytes: 48, rule: 'kept on the device' }]);
});

test('what is omitted is nowhere, and that it was is told', async () => {
  await start({ thoughts: 'omit', files: 'omit' });
  await h.send(THOUGHT);
  h.files.set('/shop/rates.csv', 'SE;24\n');
  await h.send(ask(WRITE));
  const read: AgentAction = { kind: 'read', tool: 'Read', path: '/shop/rates.csv', content: 'SE;24\n' };
  await h.send({ ...ask(read), id: 'b' } as AgentEvent);
  await h.send({
    type: 'done',
    id: 'b',
    action: read,
    outcome: { ok: true, output: 'SE;24\n', error: null, durationMs: 1 },
    final: true,
  });
  await h.stop();
  expect(h.sessions).toHaveLength(1);
  expect(JSON.stringify(h.sessions)).not.toMatch(/SE;2|looks old/);
  expect(h.sessions[0]!.statements.map(({ text }) => text)).toEqual([
    '(31 characters, not recorded)',
    '/shop/rates.csv',
    '/shop/rates.csv',
  ]);
  expect(withheld.map(({ what, count, rule }) => [what, count, rule])).toEqual([
    ['thoughts', 1, 'left out'],
    ['files', 3, 'left out'],
  ]);
});

test('a change that a person approved is not told by what the approval was for', async () => {
  await start({ files: 'omit' });
  void h.send(ask({ ...WRITE, path: '/etc/rates.csv' }));
  const [approval] = await h.waiting(1);
  expect(approval!.operation.text).toContain('SE;25');
  h.decide(approval!.id, 'approve');
  await h.waiting(0);
  await h.stop();
  expect(JSON.stringify(h.sessions)).not.toContain('SE;25');
  expect(h.sessions[0]!.events.map(({ type }) => type)).toEqual(['asked', 'decided']);
});
