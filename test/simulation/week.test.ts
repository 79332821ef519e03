import { describe, expect, it } from 'vitest';
import { Approver } from './approver.ts';
import { generateWeek } from './generate.ts';
import { mustNotPass, readWeek } from './oracle.ts';

const week = readWeek();

describe('the week', () => {
  it('is what the generator writes', () => {
    expect(week).toEqual(generateWeek().week);
  });

  it('has five days, several conversations a day, and 1,500 operations or more', () => {
    expect(week.length).toBeGreaterThanOrEqual(1500);
    expect(new Set(week.map(({ at }) => at.slice(0, 10))).size).toBe(5);
    expect(new Set(week.map(({ conversation }) => conversation)).size).toBe(15);
    expect(new Set(week.flatMap((one) => (one.by === 'sql' ? [one.connection] : []))).size).toBeGreaterThanOrEqual(3);
    expect(new Set(week.map(({ by }) => by))).toEqual(new Set(['sql', 'shell', 'mcp', 'file']));
  });

  it('has a person who refuses what was planted, and nothing else', () => {
    const person = new Approver();
    const { planted } = generateWeek();
    const refused = week.filter((one) => person.answer(one).decision === 'deny').map(({ n }) => n);
    expect(refused).toEqual(Object.keys(planted).map(Number));
    expect([...mustNotPass(week).keys()].sort((a, b) => a - b)).toEqual(refused);
  });
});
