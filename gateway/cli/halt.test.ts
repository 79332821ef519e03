import { describe, expect, it } from 'vitest';
import type { HaltView } from '../contract/halt.ts';
import type { GatewayStatus } from '../contract/status.ts';
import { runCommand } from './test-cli.ts';

const view = (kind: HaltView['kind']): HaltView => ({
  kind,
  since: '2026-01-05T10:00:00.000Z',
  until: '2026-01-05T10:15:00.000Z',
  by: 'Ada',
  sentence: `Ada did \u202e a ${kind} until 10:15`,
});
const status = (halt: HaltView | null) => () => ({ halt }) as GatewayStatus;

describe('stopping everything', () => {
  it.each([
    [['pause'], 'pauseAll', {}],
    [['pause', '--minutes', '30'], 'pauseAll', { minutes: 30 }],
    [['panic'], 'panic', {}],
    [['panic', '--minutes', '1440'], 'panic', { minutes: 1440 }],
  ] as const)('%j takes nothing', async (args, name, input) => {
    const answers = { pauseAll: () => view('pause'), panic: () => view('panic') };
    const run = await runCommand(args, { answers });
    expect(run.calls).toEqual([{ name, input }]);
    expect([run.code, run.asked]).toEqual([0, []]);
    expect(run.out).toContain('Ada did <202E> a pa');
    expect(run.notes).toContain('resume');
  });

  it.each(['0', '1441', 'x', '1.5'])('for %s minutes is refused', async (minutes) => {
    const run = await runCommand(['panic', '--minutes', minutes]);
    expect([run.code, run.calls]).toEqual([2, []]);
  });
});

describe('resume', () => {
  it('takes the PIN, unseen', async () => {
    const run = await runCommand(['resume'], {
      answers: { status: status(view('panic')), resumeAll: () => ({}) },
      typed: ['246810'],
    });
    expect(run).toMatchObject({ code: 0, out: 'It goes on.' });
    expect(run.asked).toEqual([{ question: 'Your PIN, to let it go on: ', shown: false }]);
    expect(run.calls.at(-1)).toEqual({ name: 'resumeAll', input: { pin: '246810' } });
  });

  it('asks for nothing where nothing is halted', async () => {
    const run = await runCommand(['resume'], { answers: { status: status(null) } });
    expect(run).toMatchObject({ code: 0, asked: [], notes: 'Nothing is paused or cut.' });
  });
});
