import { beforeEach, expect, it } from 'vitest';
import type { Decision, Verdict } from '../contract/decision.ts';
import type { EmergencyView } from '../contract/emergency.ts';
import { createPipeline } from '../pipeline/pipeline.ts';
import type { HoldOutcome } from '../pipeline/ports.ts';
import { emergencyPipeline } from './emergency-pipeline.ts';
import { testOperation, testVerdict } from './test-operation.ts';

const VIEW: EmergencyView = { id: 'E1', reason: 'the shop is down', by: 'Ada', since: '', until: '' };
const MARK = { id: 'E1', reason: VIEW.reason };
const GROUP = testVerdict({ approvers: { needs: [{ group: 'dba', count: 2 }], notRequester: true }, grantable: false });
let active: EmergencyView | null;
let held: { verdict: Verdict; settle(outcome: HoldOutcome): void; withdrawn: string | null }[];

const make = () =>
  emergencyPipeline(
    createPipeline({
      policy: { hash: '', decide: () => GROUP, decideAction: () => GROUP },
      approvals: {
        coveredBy: () => null,
        hold(_, verdict) {
          const { promise, resolve } = Promise.withResolvers<HoldOutcome>();
          const one = { verdict, settle: resolve, withdrawn: null as string | null };
          held.push(one);
          return {
            approvalId: 'A1',
            outcome: promise,
            withdraw: (reason: string) => {
              one.withdrawn = reason;
            },
            setEstimate: () => {},
            setPreview: () => {},
          };
        },
        sessionClosed: () => {},
      },
    }),
    {
      get active() {
        return active;
      },
    },
  );
let pipeline: ReturnType<typeof make>;
beforeEach(() => {
  [active, held] = [null, []];
  pipeline = make();
});
const decide = (verdict: Verdict) => pipeline.decide(verdict, { mode: 'enforce' }, () => testOperation());
const decided = (verdict: Verdict): Decision => {
  const result = decide(verdict);
  return result.kind === 'decided' ? result.decision : expect.unreachable();
};

it('changes nothing while there is none', () => {
  decide(GROUP);
  expect(held[0]!.verdict).toBe(GROUP);
  expect(decided(testVerdict({ effect: 'allow' }))).not.toHaveProperty('emergency');
});

it('asks the person alone for the PIN where policy asks a group, for one operation', async () => {
  active = VIEW;
  const result = decide(GROUP);
  expect(held[0]!.verdict).toMatchObject({ effect: 'ask', level: 'pin', grantable: false });
  expect(held[0]!.verdict.approvers).toBeUndefined();
  expect(held[0]!.verdict.reason).toContain('Emergency access');
  const approval = { id: 'A1', grantId: null, decidedBy: 'Ada', channel: 'console', message: null };
  held[0]!.settle({ state: 'approved', approval } as HoldOutcome);
  expect(result.kind === 'held' && (await result.pending.decision)).toMatchObject({ effect: 'allow', emergency: MARK });
  decide({ ...GROUP, level: 'passkey' });
  expect(held[1]!.verdict.level).toBe('passkey');
});

it('leaves denied what policy denies, and asked what it asks the person', () => {
  active = VIEW;
  expect(decided(testVerdict({ effect: 'deny', reason: 'never' }))).toMatchObject({
    effect: 'deny',
    message: 'never',
    emergency: MARK,
  });
  const own = testVerdict({ level: 'click' });
  decide(own);
  expect(held[0]!.verdict).toBe(own);
});

it('marks what is allowed too, once for each verdict', () => {
  active = VIEW;
  const verdict = testVerdict({ effect: 'allow' });
  expect(decided(verdict)).toMatchObject({ effect: 'allow', emergency: MARK });
  expect(decided(verdict)).toBe(decided(verdict));
  active = { ...VIEW, id: 'E2' };
  expect(decided(verdict)).toMatchObject({ emergency: { id: 'E2' } });
});

it('withdraws what waits by it when it is over', () => {
  active = VIEW;
  decide(GROUP);
  active = null;
  pipeline.over();
  expect(held[0]!.withdrawn).toContain('the emergency access ended');
});
