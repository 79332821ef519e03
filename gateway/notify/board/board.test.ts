import { describe, expect, it } from 'vitest';
import { testTime } from '../../approvals/test-operation.ts';
import type { Approval } from '../../contract/decision.ts';
import { CountersignError } from '../../contract/errors.ts';
import { TestDaemon, testAlert, testApproval } from '../test-notifications.ts';
import { Board, MAX_SHOWN, SETTLE_MS } from './board.ts';

function setup(daemon = new TestDaemon()) {
  const time = testTime();
  const decided: string[] = [];
  const problems: string[] = [];
  let opened = 0;
  let refusal: Error | null = null;
  const board = new Board({
    now: time.clock.now,
    schedule: time.schedule,
    decide: (approval, decision) => {
      if (refusal) throw refusal;
      decided.push(`${decision} ${approval.id}`);
      board.approvalChanged({ ...approval, state: decision === 'approve' ? 'approved' : 'denied' });
    },
    open: () => {
      opened++;
    },
    consoleUrl: () => 'http://127.0.0.1:7716',
    onProblem: (sentence) => problems.push(sentence),
  });
  board.daemonArrived(daemon);
  return {
    time,
    board,
    daemon,
    decided,
    problems,
    opened: () => opened,
    refuse: (error: Error) => {
      refusal = error;
    },
    /** What is under way arrives, and stands still long enough to be clicked. */
    async settled() {
      for (let i = 0; i < 10; i++) await Promise.resolve();
      time.pass(SETTLE_MS);
    },
    hold(id: string, changes: Parameters<typeof testApproval>[0] = {}): Approval {
      const approval = testApproval({ id, operation: { database: id }, ...changes });
      board.approvalChanged(approval);
      return approval;
    },
  };
}

describe('clicks', () => {
  it.each(['approve', 'deny'] as const)('%s decides what is shown, once', async (action) => {
    const { board, daemon, decided, hold, settled } = setup();
    hold('one');
    await settled();
    const id = daemon.find('demo/one');
    board.invoked(id, action);
    board.closed(id);
    board.invoked(id, action);
    expect(decided).toEqual([`${action} one`]);
    expect(daemon.shown.size).toBe(0);
  });

  it('approve nothing that takes more than a click, whatever the service says', async () => {
    const { board, daemon, decided, hold, settled } = setup();
    hold('one', { verdict: { level: 'pin' } });
    await settled();
    board.invoked(1, 'approve');
    expect(decided).toEqual([]);
    expect(daemon.shown.size).toBe(1);
    board.invoked(1, 'deny');
    expect(decided).toEqual(['deny one']);
  });

  it('approve nothing that appeared or moved under the pointer just now', async () => {
    const { board, daemon, decided, hold, settled, time } = setup();
    hold('one');
    hold('two');
    await settled();
    board.invoked(daemon.find('demo/one'), 'approve');
    time.pass(SETTLE_MS - 1);
    const second = daemon.find('demo/two');
    board.invoked(second, 'approve');
    expect(decided).toEqual(['approve one']);
    // The service takes it away after the click, so that it is shown anew.
    board.closed(second);
    await settled();
    board.invoked(daemon.find('demo/two'), 'approve');
    expect(decided).toEqual(['approve one', 'approve two']);
  });

  it('of others, or on what is gone, do nothing', async () => {
    const { board, decided, hold, settled, opened } = setup();
    hold('one');
    await settled();
    for (const id of [0, 2, 99]) for (const action of ['approve', 'deny', 'default']) board.invoked(id, action);
    board.invoked(1, 'snooze');
    expect([decided, opened()]).toEqual([[], 0]);
  });

  it('open the console, and the request waits on', async () => {
    const { board, daemon, decided, hold, settled, opened } = setup();
    hold('one');
    await settled();
    board.invoked(1, 'default');
    board.closed(1);
    await settled();
    expect([decided, opened(), daemon.calls]).toEqual([[], 1, 1]);
  });

  it('that are refused are told', async () => {
    const { board, daemon, hold, settled, problems, refuse } = setup();
    hold('one');
    await settled();
    refuse(new CountersignError('PRESENCE_TOO_LOW', 'This needs the PIN.'));
    board.invoked(1, 'approve');
    expect(problems).toEqual(['a click on a notification decided nothing: This needs the PIN.']);
    expect(daemon.shown.size).toBe(1);
  });
});

describe('what is shown', () => {
  it('goes when it is decided elsewhere, expires or is withdrawn', async () => {
    const { board, daemon, hold, settled } = setup();
    for (const state of ['approved', 'denied', 'expired', 'withdrawn'] as const) {
      const approval = hold('one');
      await settled();
      expect(daemon.shown.size).toBe(1);
      board.approvalChanged({ ...approval, state });
      expect(daemon.shown.size).toBe(0);
    }
  });

  it('goes also when it is decided while it is being shown', async () => {
    const { board, daemon, hold, settled } = setup();
    board.approvalChanged({ ...hold('one'), state: 'denied' });
    await settled();
    expect([daemon.calls, daemon.shown.size]).toEqual([1, 0]);
  });

  it('is replaced when it changes', async () => {
    const { board, daemon, hold, settled } = setup();
    board.approvalChanged({ ...hold('one'), estimatedRows: 12 });
    await settled();
    expect([daemon.shown.size, daemon.shown.get(1)?.body]).toEqual([1, expect.stringContaining('About 12 rows')]);
  });

  it('and was closed by the person waits on, and is not shown again', async () => {
    const { board, daemon, decided, hold, settled } = setup();
    const approval = hold('one');
    await settled();
    daemon.shown.clear();
    board.closed(1);
    board.approvalChanged({ ...approval, estimatedRows: 3 });
    await settled();
    expect([decided, daemon.shown.size]).toEqual([[], 0]);
  });

  it('is bounded: the rest is counted, and moves up', async () => {
    const { board, daemon, hold, settled, opened } = setup();
    const all = Array.from({ length: MAX_SHOWN + 3 }, (_, i) => hold(`r${i}`));
    await settled();
    expect(daemon.shown.size).toBe(MAX_SHOWN + 1);
    board.invoked(daemon.find('3 more requests wait'), 'open');
    expect(opened()).toBe(1);
    board.approvalChanged({ ...(all[0] as Approval), state: 'denied' });
    await settled();
    expect(daemon.summaries).toContainEqual(expect.stringContaining('demo/r5'));
    expect(daemon.find('2 more requests wait')).toBeGreaterThan(0);
    for (const approval of all) board.approvalChanged({ ...approval, state: 'denied' });
    await settled();
    expect(daemon.shown.size).toBe(0);
  });

  it('counts again only after the count was closed and nothing is left over', async () => {
    const { board, daemon, hold, settled } = setup();
    const all = Array.from({ length: MAX_SHOWN + 1 }, (_, i) => hold(`r${i}`));
    await settled();
    const count = daemon.find('1 more request waits');
    daemon.shown.delete(count);
    board.closed(count);
    hold('r9');
    await settled();
    expect(daemon.shown.size).toBe(MAX_SHOWN);
    for (const approval of all.slice(0, 2)) board.approvalChanged({ ...approval, state: 'denied' });
    for (const id of ['s1', 's2']) hold(id);
    await settled();
    expect(daemon.find('2 more requests wait')).toBeGreaterThan(0);
  });

  it('is shown again by the next service, but for what was closed', async () => {
    const { board, hold, settled, decided } = setup();
    hold('one');
    hold('two');
    await settled();
    board.closed(1);
    board.daemonGone();
    board.invoked(2, 'approve');
    expect(decided).toEqual([]);
    const next = new TestDaemon();
    board.daemonArrived(next);
    await settled();
    expect(next.summaries).toEqual([expect.stringContaining('demo/two')]);
  });

  it('is tried again, after a while, when the service takes nothing', async () => {
    const { daemon, hold, settled, problems, time } = setup();
    daemon.fails = true;
    hold('one');
    await settled();
    for (let i = 0; i < 20; i++) hold(`more${i}`);
    await settled();
    expect(daemon.calls).toBe(1);
    expect(problems).toEqual(['a notification was not shown: it does not answer']);
    daemon.fails = false;
    time.pass(10_000);
    await settled();
    expect(daemon.shown.size).toBe(MAX_SHOWN + 1);
  });

  it('is one notification for all alerts, of those that notify', async () => {
    const { board, daemon, settled, opened } = setup();
    for (let i = 0; i < 50; i++) board.alertRaised(testAlert());
    board.alertRaised(testAlert({ actions: ['siem'] }));
    await settled();
    expect(daemon.summaries).toEqual(['50 alerts, the last: Many denials']);
    board.invoked(1, 'open');
    board.closed(1);
    board.alertRaised(testAlert());
    await settled();
    expect([opened(), daemon.summaries]).toEqual([1, expect.arrayContaining(['Alert: Many denials'])]);
  });

  it('is taken away at the end', async () => {
    const { board, daemon, hold, settled } = setup();
    for (let i = 0; i < MAX_SHOWN + 2; i++) hold(`r${i}`);
    board.alertRaised(testAlert());
    await settled();
    board.closeAll();
    expect(daemon.shown.size).toBe(0);
  });
});
