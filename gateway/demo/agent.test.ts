import { describe, expect, it } from 'vitest';
import { waitingApproval } from '../cli/test-cli.ts';
import type { RouteName } from '../contract/api.ts';
import type { Approval } from '../contract/decision.ts';
import { CountersignError } from '../contract/errors.ts';
import type { ControlClient } from '../control/client.ts';
import { type AgentAnswer, type AgentSurroundings, playAgent } from './agent.ts';
import { AGENT_STEPS } from './agent-steps.ts';

const DENIAL: AgentAnswer = { ok: false, sqlstate: '42501', message: 'denied by policy', hint: 'ask somebody' };
const done = (tag: string): AgentAnswer => ({ ok: true, columns: [], rows: [], tag });
const masked: AgentAnswer = { ok: true, columns: ['ssn'], rows: [['***'], [null]], tag: 'SELECT 2' };
const update = AGENT_STEPS.find((step) => step.sql.startsWith('UPDATE'))?.sql as string;

/** A gateway of which the test decides what it holds and how it answers. */
function play(given: {
  answers?: Record<string, AgentAnswer>;
  held?: readonly string[];
  /** How a held request ends when nobody decides in the demo. */
  outcome?: AgentAnswer;
  interactive?: boolean;
  typed?: string[];
}) {
  const said: string[] = [];
  const calls: Array<{ name: RouteName; input: unknown }> = [];
  const held = new Map<string, { approval: Approval; settle: (answer: AgentAnswer) => void }>();
  const typed = [...(given.typed ?? [])];
  const control = {
    async call(name: RouteName, input: { id?: string; decision?: string; pin?: string }) {
      calls.push({ name, input });
      if (name === 'mintToken') return { host: 'h', port: 1, env: {}, agentSessionId: 'AS' };
      if (name === 'sessions') return { items: [{ id: 'S9', state: 'closed', agent: { pid: 99 } }] };
      if (name === 'approvals') return { items: [...held.values()].map((one) => one.approval) };
      if (name === 'decide') {
        if (input.decision === 'approve' && input.pin !== '246810')
          throw new CountersignError('PIN_WRONG', 'wrong PIN');
        for (const [sql, one] of held) {
          if (one.approval.id !== input.id) continue;
          held.delete(sql);
          one.settle(input.decision === 'approve' ? done('UPDATE 1') : DENIAL);
        }
      }
      return {};
    },
  } as unknown as ControlClient;
  const around: AgentSurroundings = {
    control,
    consoleUrl: 'http://localhost:1/',
    interactive: given.interactive ?? false,
    pid: 99,
    connect: async () => ({
      run: (sql) => {
        if (!given.held?.includes(sql)) {
          const answer = given.answers?.[sql] ?? (sql.startsWith('SELECT') ? masked : done('OK'));
          return Promise.resolve(sql.startsWith('DROP') && !given.answers?.[sql] ? DENIAL : answer);
        }
        return new Promise((settle) => {
          const approval = waitingApproval({ id: `A${held.size + 1}` });
          approval.operation.text = sql;
          held.set(sql, { approval, settle });
          if (given.interactive) return;
          setTimeout(() => {
            held.delete(sql);
            settle(given.outcome ?? DENIAL);
          }, 400);
        });
      },
      close: async () => {},
    }),
    cli: {
      out: (line) => said.push(line),
      note: (line) => said.push(line),
      env: {},
      home: () => '/',
      control: () => control,
      signal: new AbortController().signal,
      exitWith: () => {},
      prompt: {
        line: async () => typed.shift() ?? 'd',
        secret: async () => typed.shift() ?? 'nothing',
      },
    },
  };
  return playAgent(around).then((outcome) => ({ ...outcome, said: said.join('\n'), calls }));
}
const asked = AGENT_STEPS.filter((step) => step.expect === 'asked').map((step) => step.sql);

describe('the demo', () => {
  it('lets requests expire where nobody sits, and is content with it', async () => {
    const { surprises, sessionId, said, calls } = await play({ held: asked });
    expect(surprises).toEqual([]);
    expect(sessionId).toBe('S9');
    expect(said).toContain('npm run countersign -- --home / approvals approve A1');
    expect(said).toContain('Nobody is at this terminal');
    expect(calls.filter((call) => call.name === 'decide')).toEqual([]);
    expect(calls.some((call) => call.name === 'revokeToken')).toBe(true);
  });

  it('decides only what the person types, with their PIN', async () => {
    const { surprises, said, calls } = await play({
      held: asked,
      interactive: true,
      typed: ['?', 'a', '000000', 'a', '246810', 'd'],
    });
    expect(surprises).toEqual([]);
    expect(said).toContain('wrong PIN');
    expect(said).toContain('A person approved it');
    expect(said).not.toContain('246810');
    const decisions = calls.filter((call) => call.name === 'decide').map((call) => call.input);
    expect(decisions).toMatchObject([{ decision: 'approve' }, { decision: 'approve' }, { decision: 'deny' }]);
  });

  it.each([
    [
      'a value in the clear',
      { [AGENT_STEPS[0]?.sql as string]: { ...masked, rows: [['912-03-4567']] } },
      /in the clear/,
    ],
    ['a change that nobody was asked about', { [update]: done('UPDATE 1') }, /without being asked/],
    ['a DROP DATABASE that passes', { 'DROP DATABASE shop': done('DROP DATABASE') }, /should have been denied/],
  ])('notices %s', async (_, answers, surprise) => {
    const { surprises } = await play({ held: asked.filter((sql) => !(sql in answers)), answers });
    expect(surprises.join('\n')).toMatch(surprise);
  });
});
