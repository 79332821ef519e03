import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createApprovals } from '../approvals/approvals.ts';
import { testOperation, testTime, testVerdict } from '../approvals/test-operation.ts';
import { createPipeline } from '../pipeline/pipeline.ts';
import type { Recorder, RecorderSessionInfo } from '../pipeline/ports.ts';
import { denyWaiting } from './deny-waiting.ts';
import { haltApprovals, haltPipeline, haltRecorder } from './enforce.ts';
import { createHalt } from './halt.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function setup(file?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'cs-halt-'));
  folders.push(folder);
  const time = testTime();
  let next = 0;
  const approvals = createApprovals({ clock: time.clock, newId: () => `id-${next++}`, schedule: time.schedule });
  const cut: string[] = [];
  const changes: [string | null, string | null][] = [];
  const problems: string[] = [];
  const path = file ?? join(folder, 'halt.json');
  const make = () =>
    createHalt({
      file: path,
      clock: time.clock,
      schedule: time.schedule,
      denyWaiting: (by, message) => denyWaiting(approvals, by, message),
      cut: (reason) => cut.push(reason),
      onChange: (view, by) => changes.push([view?.kind ?? null, by]),
      onProblem: (sentence) => problems.push(sentence),
    });
  const halt = make();
  const policy = {
    hash: 'a'.repeat(64),
    decide: () => testVerdict(),
    decideAction: () => testVerdict(),
  };
  const pipeline = haltPipeline(createPipeline({ policy, approvals: haltApprovals(approvals, halt) }), halt);
  const ask = (mode: 'enforce' | 'observe' = 'enforce', effect: 'ask' | 'allow' = 'ask') =>
    pipeline.decide(testVerdict({ effect }), { mode }, () => testOperation());
  const recorder = haltRecorder({ open: () => 'opened', failure: null } as unknown as Recorder, halt);
  return { time, approvals, halt, make, cut, changes, problems, path, ask, recorder };
}

const MINUTE = 60_000;

describe('a pause', () => {
  it('denies what waits now, and what needs a person from then on, in words that name who and until when', async () => {
    const { halt, ask, approvals, changes } = setup();
    const held = ask();
    if (held.kind !== 'held') throw new Error('nobody was asked');
    const { sentence } = halt.pause(15, 'Ada');
    expect(sentence).toBe('Ada paused the gateway: what needs a person is denied until 2026-01-05 10:15 UTC');
    expect(await held.pending.decision).toMatchObject({ effect: 'deny', decidedBy: 'Ada', message: sentence });
    expect(ask()).toMatchObject({ kind: 'decided', decision: { effect: 'deny', message: sentence } });
    expect([approvals.waiting, changes]).toEqual([0, [['pause', 'Ada']]]);
  });

  it('lets through what policy allows, and no grant', () => {
    const { halt, ask, approvals } = setup();
    const held = ask();
    if (held.kind !== 'held') throw new Error('nobody was asked');
    approvals.decide({
      approvalId: held.pending.approvalId,
      digest: testOperation().digest,
      decision: 'approve',
      scope: { kind: 'minutes', minutes: 60, reach: 'shape' },
      message: null,
      channel: 'console',
      level: 'click',
      decidedBy: 'Ada',
    });
    expect(ask()).toMatchObject({ decision: { effect: 'allow', channel: 'grant' } });
    halt.pause(1, 'Ada');
    expect(ask()).toMatchObject({ decision: { effect: 'deny' } });
    expect(ask('enforce', 'allow')).toMatchObject({ decision: { effect: 'allow' } });
    halt.resume('Ada');
    expect(ask()).toMatchObject({ decision: { effect: 'allow', channel: 'grant' } });
  });

  it('ends by itself, by the clock even where the timer is late', () => {
    const { halt, ask, time, changes } = setup();
    halt.pause(15, 'Ada');
    time.sleep(15 * MINUTE);
    expect(halt.view).toBeNull();
    expect(ask().kind).toBe('held');
    time.pass(1);
    expect(changes).toEqual([
      ['pause', 'Ada'],
      [null, null],
    ]);
  });

  it('is never made shorter by another, and never ends a panic', () => {
    const { halt } = setup();
    halt.pause(60, 'Ada');
    expect(halt.pause(1, 'Bob').until).toBe('2026-01-05T11:00:00.000Z');
    halt.panic(5, 'Ada');
    expect(halt.pause(480, 'agent')).toMatchObject({ kind: 'panic', until: '2026-01-05T10:05:00.000Z' });
  });
});

describe('a panic', () => {
  it('cuts every session and lets none begin', () => {
    const { halt, cut, recorder } = setup();
    expect(recorder.open({} as RecorderSessionInfo)).toBe('opened');
    const { sentence } = halt.panic(60, 'Ada');
    expect(cut).toEqual([sentence]);
    expect(sentence).toContain('Ada cut every connection: nothing is let in until 2026-01-05 11:00 UTC');
    expect(() => recorder.open({} as RecorderSessionInfo)).toThrow(sentence);
    halt.resume('Ada');
    expect(recorder.open({} as RecorderSessionInfo)).toBe('opened');
  });

  it('denies what policy allows, and what is only observed', () => {
    const { halt, ask } = setup();
    halt.panic(60, 'Ada');
    expect(ask('enforce', 'allow')).toMatchObject({ decision: { effect: 'deny', channel: 'gateway' } });
    expect(ask('observe')).toMatchObject({ decision: { effect: 'deny' } });
  });

  it('is still there after a restart, and ends there when its time is over', () => {
    const { halt, make, time } = setup();
    halt.panic(60, 'Ada');
    halt.close();
    const again = make();
    expect(again.view).toMatchObject({ kind: 'panic', by: 'Ada' });
    time.pass(60 * MINUTE);
    expect([again.view, make().view]).toEqual([null, null]);
  });

  it('is what a file that nobody can read means, until a person resumes', () => {
    const { path, make, problems, time } = setup();
    for (const text of ['', '{', '{"kind":"pause"}', '[]']) {
      writeFileSync(path, text);
      const again = make();
      time.pass(100 * 24 * 60 * MINUTE);
      expect(again.view).toMatchObject({ kind: 'panic', until: null });
      expect(problems.at(-1)).toContain('cannot be read');
      again.resume('Ada');
      expect([again.view, readFileSync(path, 'utf8')]).toEqual([null, 'null\n']);
    }
  });
});

it('has nothing to resume where nothing is halted', () => {
  expect(() => setup().halt.resume('Ada')).toThrow('Nothing is paused or cut.');
});
