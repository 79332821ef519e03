import { describe, expect, it } from 'vitest';
import { CountersignError } from '../contract/errors.ts';
import { DIGEST, runCommand, waitingApproval } from './test-cli.ts';

const decided = (state: 'approved' | 'denied') => () => waitingApproval({ state });

describe('approvals', () => {
  it('says what to expect when nothing waits', async () => {
    const run = await runCommand(['approvals', 'list'], { answers: { approvals: () => ({ items: [], total: 0 }) } });
    expect(run).toMatchObject({ code: 0, out: '', notes: 'Nothing waits for a person.' });
  });

  it('lists who, what and where', async () => {
    const run = await runCommand(['approvals', 'list'], {
      answers: { approvals: () => ({ items: [waitingApproval()], total: 1 }) },
    });
    expect(run.out).toMatch(/^A1 +\d+ minutes left +cursor for Ada +demo\/shop +DELETE FROM orders$/);
  });

  it('shows everything the person decides on', async () => {
    const run = await runCommand(['approvals', 'show', 'A1'], { answers: { approval: () => waitingApproval() } });
    for (const part of [
      'cursor wants to DELETE on demo, for Ada',
      'DELETE FROM orders',
      'Deletes every row of orders (no WHERE)',
      'Statements that destroy need a person. (destructive-asks)',
      'Database shop as role shop_app',
      'Process 42 < bash (7)',
      'about 3000 rows',
      DIGEST,
    ]) {
      expect(run.out).toContain(part);
    }
  });

  it('shows no raw escape of the statement', async () => {
    const approval = waitingApproval();
    approval.operation.text = 'SELECT 1 \u001b[2J\u202e-- \u009b31m';
    const run = await runCommand(['approvals', 'show', 'A1'], { answers: { approval: () => approval } });
    expect(run.out).toContain('SELECT 1 <001B>[2J<202E>-- <009B>31m');
  });

  it('approves exactly what was shown, with the PIN that was typed unseen', async () => {
    const run = await runCommand(['approvals', 'approve', 'A1'], {
      answers: { approval: () => waitingApproval(), decide: decided('approved') },
      typed: ['246810'],
    });
    expect(run).toMatchObject({ code: 0, out: 'approved: A1' });
    expect(run.asked).toEqual([{ question: 'Approve with your PIN: ', shown: false }]);
    expect(run.calls.at(-1)).toEqual({
      name: 'decide',
      input: { id: 'A1', digest: DIGEST, decision: 'approve', pin: '246810', scope: { kind: 'once' } },
    });
    expect(run.out + run.notes).not.toContain('246810');
  });

  it('gives leave within limits, which it says before', async () => {
    const approval = waitingApproval();
    approval.operation.text = "UPDATE orders SET status = 'paid' WHERE id = 7";
    const answers = { approval: () => approval, decide: decided('approved') };
    const shown = await runCommand(['approvals', 'show', 'A1'], { answers });
    expect(shown.out).toContain('Value 2: id 7');
    const options = ['--conversation', '--minutes', '30', '--vary', '2=any', '--rows-each', '20', '--rows', '200'];
    const run = await runCommand(['approvals', 'approve', 'A1', ...options], { answers, typed: ['246810'] });
    expect(run.notes).toContain("like “UPDATE orders SET status = 'paid' WHERE id = ‹any number›”");
    expect(run.notes).toContain('at most 20 rows each, 200 rows in all, in this conversation');
    expect(run.calls.at(-1)?.input).toMatchObject({
      scope: {
        kind: 'conversation',
        minutes: 30,
        reach: 'pattern',
        values: [{ kind: 'same' }, { kind: 'any' }],
        budget: { rowsEach: 20, rows: 200 },
      },
    });
    const wrong = await runCommand(['approvals', 'approve', 'A1', '--vary', '9=any'], { answers });
    expect(wrong).toMatchObject({ code: 2, notes: expect.stringContaining('names no value') });
  });

  it('asks for the PIN even where a click would do in the console', async () => {
    const approval = waitingApproval();
    approval.verdict.level = 'click';
    const run = await runCommand(['approvals', 'approve', 'A1'], {
      answers: { approval: () => approval, decide: decided('approved') },
      typed: ['246810'],
    });
    expect(run.asked).toHaveLength(1);
  });

  it('decides nothing on what is settled already', async () => {
    const run = await runCommand(['approvals', 'approve', 'A1'], {
      answers: { approval: () => waitingApproval({ state: 'expired' }) },
      typed: ['246810'],
    });
    expect(run.code).toBe(1);
    expect(run.calls.map((call) => call.name)).toEqual(['approval']);
    expect(run.asked).toEqual([]);
  });

  it.each([
    [['--session'], { kind: 'session', reach: 'shape' }],
    [['--minutes', '15'], { kind: 'minutes', minutes: 15, reach: 'shape' }],
    [['--exact', '--session'], { kind: 'session', reach: 'exact' }],
    [['--exact', '--days', '30'], { kind: 'minutes', minutes: 43_200, reach: 'exact' }],
  ])('gives a wider grant only when told: %j', async (options, scope) => {
    const run = await runCommand(['approvals', 'approve', 'A1', ...options], {
      answers: { approval: () => waitingApproval(), decide: decided('approved') },
      typed: ['246810'],
    });
    expect(run.calls.at(-1)?.input).toMatchObject({ scope });
  });

  it.each([
    [['--minutes', '0']],
    [['--minutes', 'x']],
    [['--minutes', '9000']],
    [['--days', '31']],
    [['--session', '--minutes', '5']],
    [['--minutes', '5', '--days', '1']],
    [['--exact']],
  ])('refuses %j before it asks anything', async (options) => {
    const run = await runCommand(['approvals', 'approve', 'A1', ...options], { typed: ['246810'] });
    expect(run).toMatchObject({ code: 2, calls: [], asked: [] });
  });

  it('takes a PIN neither as an argument nor short', async () => {
    const argument = await runCommand(['approvals', 'approve', 'A1', '--pin', '246810']);
    expect(argument).toMatchObject({ calls: [] });
    expect(argument.code).not.toBe(0);
    const short = await runCommand(['approvals', 'approve', 'A1'], {
      answers: { approval: () => waitingApproval() },
      typed: ['1234'],
    });
    expect(short.code).toBe(1);
    expect(short.calls.map((call) => call.name)).toEqual(['approval']);
  });

  it('denies without a PIN and passes the sentence on', async () => {
    const run = await runCommand(['approvals', 'deny', 'A1', '--message', 'use the archive'], {
      answers: { approval: () => waitingApproval(), decide: decided('denied') },
    });
    expect(run.out).toBe('denied: A1');
    expect(run.calls.at(-1)?.input).toEqual({ id: 'A1', digest: DIGEST, decision: 'deny', message: 'use the archive' });
  });

  it('watches what waits and what comes', async () => {
    const run = await runCommand(['approvals', 'watch'], {
      answers: { approvals: () => ({ items: [waitingApproval()], total: 1 }) },
      events: [{ type: 'approval', approval: waitingApproval({ id: 'A2', state: 'approved' }) }],
    });
    expect(run.out).toMatch(/^A1 .*\nA2 {2}approved /);
  });
});

describe('a command that fails', () => {
  it('is one sentence', async () => {
    const run = await runCommand(['approvals', 'list'], {
      answers: {
        approvals: () => {
          throw new CountersignError('NO_GATEWAY', 'no gateway runs; start it with: npm start');
        },
      },
    });
    expect(run).toMatchObject({ code: 1, out: '', notes: 'countersign: no gateway runs; start it with: npm start' });
  });

  it('shows where only with --debug', async () => {
    const plain = await runCommand(['approvals', 'list']);
    expect(plain.notes).not.toMatch(/\n +at /);
    const debug = await runCommand(['--debug', 'approvals', 'list']);
    expect(debug.notes).toMatch(/\n +at /);
  });

  it('names an unknown command', async () => {
    const run = await runCommand(['aprovals']);
    expect(run.code).not.toBe(0);
    expect(run.notes).toContain("unknown command 'aprovals'");
  });
});
