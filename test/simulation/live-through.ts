import { createApprovals } from '../../gateway/approvals/approvals.ts';
import { localTime, testTime } from '../../gateway/approvals/test-operation.ts';
import type { Approval, GrantScope } from '../../gateway/contract/decision.ts';
import { isCountersignError } from '../../gateway/contract/errors.ts';
import { liftedValues } from '../../gateway/contract/grant-values.ts';
import type { Operation } from '../../gateway/contract/operation.ts';
import type { ValueRule } from '../../gateway/contract/value-rule.ts';
import { createPipeline } from '../../gateway/pipeline/pipeline.ts';
import type { PolicyEngine } from '../../gateway/pipeline/ports.ts';
import type { CedarRequest } from '../../gateway/policy/decisions/request.ts';
import { type Answer, Approver } from './approver.ts';
import type { Item, Vary } from './briefs.ts';
import type { WeekOperation } from './operation.ts';
import type { Read } from './operations.ts';

/** An operation that somebody was asked about, or that went through unasked, with what became of it. */
export interface Lived {
  n: number;
  /** A grant let it through. */
  granted: boolean;
  asked: boolean;
  passed: boolean;
  at: string;
  operation: Operation;
  request: CedarRequest;
  answer: Answer;
}

export interface Habits {
  /** Gives leave for more at the second request of an item. */
  grants: boolean;
  /** At the end of a day, with all that happened so far: may change what the policy is. */
  evening?(day: string, lived: readonly Lived[]): Promise<void>;
}

/** Lets the week happen before the gateway's own policy, approvals and grants. */
export async function liveThrough(
  week: readonly WeekOperation[],
  read: (asked: WeekOperation) => Read,
  policy: PolicyEngine,
  habits: Habits,
): Promise<Lived[]> {
  const time = testTime(Date.parse(week[0]!.at));
  let ids = 0;
  const approvals = createApprovals({
    clock: time.clock,
    schedule: time.schedule,
    newId: () => `id-${++ids}`,
    conversationOf: (sessionId) => sessionId.slice(0, sessionId.indexOf('/')),
    localTime,
  });
  const pipeline = createPipeline({ policy, approvals });
  const person = new Approver();
  const seen = new Map<string, number>();
  const lived: Lived[] = [];
  let day = week[0]!.at.slice(0, 10);
  for (const asked of week) {
    const today = asked.at.slice(0, 10);
    if (today !== day) {
      await habits.evening?.(day, lived);
      approvals.policyChanged(policy.hash);
      day = today;
    }
    time.pass(Date.parse(asked.at) - time.clock.now());
    const rows = asked.by === 'sql' ? asked.rows : 0;
    const found = read(asked);
    const answer = person.answer(asked);
    const { operation, request } = found;
    const one = { n: asked.n, at: asked.at, granted: false, asked: false, operation, request, answer };
    const result = pipeline.decide(found.verdict(pipeline), { mode: 'enforce' }, () => found.operation);
    if (result.kind === 'decided') {
      const { effect, grantId } = result.decision;
      if (grantId !== null) approvals.grantSpent(grantId, rows);
      lived.push({ ...one, granted: grantId !== null, passed: effect === 'allow' });
      continue;
    }
    if (asked.by === 'sql') result.pending.setEstimate(rows);
    const waiting = approvals.get(result.pending.approvalId);
    if (waiting?.state === 'waiting') decide(asked, waiting, answer);
    const { effect, grantId, channel } = await result.pending.decision;
    if (grantId !== null) approvals.grantSpent(grantId, rows);
    const granted = channel === 'grant';
    lived.push({ ...one, granted, asked: !granted, passed: effect === 'allow' });
  }
  await habits.evening?.(day, lived);
  approvals.close();
  return lived;

  function decide(asked: WeekOperation, approval: Approval, { decision, item }: Answer): void {
    const key = `${asked.conversation} ${item?.name}`;
    const times = (seen.get(key) ?? 0) + 1;
    if (item !== null) seen.set(key, times);
    const wider =
      habits.grants && item?.vary !== undefined && times >= 2 ? scopesOf(asked, approval.operation, item) : [];
    for (const scope of [...wider, { kind: 'once' } as const]) {
      try {
        approvals.decide({
          approvalId: approval.id,
          digest: approval.operation.digest,
          decision,
          scope,
          message: null,
          channel: 'console',
          level: 'pin',
          decidedBy: 'dev',
        });
        return;
      } catch (error) {
        if (!isCountersignError(error) || error.code !== 'GRANT_REFUSED') throw error;
      }
    }
  }
}

/** As widely as the person says; where that cannot be had, exactly this again. */
function scopesOf(asked: WeekOperation, operation: Operation, item: Item): GrantScope[] {
  const { rowsEach, rows } = item;
  const limits = asked.by === 'sql' ? { budget: { ...(rowsEach && { rowsEach }), ...(rows && { rows }) } } : {};
  const time = { kind: 'conversation' as const, minutes: item.minutes ?? 60, ...limits };
  const names = item.matches(asked) ?? {};
  const lifted = liftedValues(operation);
  const left = new Map(Object.entries(names));
  const values = lifted?.values.map(({ name, value }): ValueRule => {
    // By the argument's name, else by what it is, each of the person's values once and in their order.
    const key = asked.by === 'mcp' ? name : [...left].find(([, found]) => value !== null && found.includes(value))?.[0];
    const vary = key === undefined ? undefined : item.vary?.[key];
    if (key !== undefined) left.delete(key);
    return vary === undefined ? { kind: 'same' } : ruleOf(vary, names[key!]!, value!);
  });
  return [
    ...(values === undefined ? [] : [{ ...time, reach: 'pattern' as const, values }]),
    { ...time, reach: 'exact' as const },
  ];
}

function ruleOf(vary: Vary, whole: string, value: string): ValueRule {
  if (vary === 'any') return { kind: 'any' };
  if ('most' in vary) return { kind: 'most', most: vary.most };
  const starts = whole === value ? vary.starts : vary.starts.slice(whole.length - value.length);
  return starts === '' ? { kind: 'any' } : { kind: 'starts', starts };
}
