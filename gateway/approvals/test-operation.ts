import type { Verdict } from '../contract/decision.ts';
import type { StatementOperation } from '../contract/operation.ts';
import { statementDigest } from './digest.ts';

export type OperationChanges = Omit<Partial<StatementOperation>, 'effects'> & {
  effects?: Partial<StatementOperation['effects']>;
};

/** An operation with a true digest, for tests. */
export function testOperation(changes: OperationChanges = {}): StatementOperation {
  const { effects, ...rest } = changes;
  const operation: StatementOperation = {
    sessionId: 'session-1',
    identity: { subject: 'local:dev', display: 'dev', kind: 'local', verified: false, groups: [] },
    agent: { pid: 42, name: 'psql', parents: [] },
    connectionId: 'demo',
    protocol: 'postgres',
    database: 'shop',
    role: 'app',
    searchPath: '"$user", public',
    text: 'UPDATE orders SET status = $1 WHERE id = $2',
    parameters: [
      { type: 25, format: 'text', value: 'cGFpZA==' },
      { type: 23, format: 'text', value: 'Nw==' },
    ],
    transaction: 'idle',
    digest: '',
    ...rest,
    effects: {
      class: 'write',
      ops: ['UPDATE'],
      flags: [],
      reads: [],
      writes: [],
      filtersOn: [],
      functions: [],
      words: ['Changes orders'],
      fingerprint: '00112233aabbccdd',
      shape: 'UPDATE orders SET status = $1 WHERE id = $2',
      ...effects,
    },
  };
  return { ...operation, digest: statementDigest({ ...operation, subject: operation.identity.subject }) };
}

export function testVerdict(changes: Partial<Verdict> = {}): Verdict {
  return {
    effect: 'ask',
    policyIds: ['ask-writes'],
    policyHash: 'a'.repeat(64),
    reason: 'changes to data ask',
    level: 'click',
    expiresSeconds: 600,
    grantable: true,
    ...changes,
  };
}

/** A clock whose timers run when it is moved. */
export function testTime(start = Date.UTC(2026, 0, 5, 10, 0, 0)) {
  let now = start;
  let timers: Array<{ at: number; run: () => void }> = [];
  return {
    clock: { now: () => now },
    schedule(milliseconds: number, run: () => void) {
      const timer = { at: now + milliseconds, run };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    /** Time passes without timers, as on a laptop that sleeps. */
    sleep(milliseconds: number) {
      now += milliseconds;
    },
    pass(milliseconds: number) {
      const end = now + milliseconds;
      for (;;) {
        const [next] = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at);
        if (!next) break;
        timers = timers.filter((timer) => timer !== next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = Math.max(now, end);
    },
    get timers() {
      return timers.length;
    },
  };
}

/** Local time of a machine that runs by UTC. */
export const localTime = (at: number): string => new Date(at).toISOString().slice(0, 16).replace('T', ' ');
