import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { type Case, check } from './check.ts';
import { removeTemplate, setStage } from './stage.ts';

/** Commands, with what a person is shown before and what can be undone; each is run for real and held against it. */
const cases = JSON.parse(readFileSync(new URL('./cases.json', import.meta.url), 'utf8')) as Case[];

afterAll(removeTemplate);

describe('what a command would touch', () => {
  it('is known for at least 150 commands', () => {
    expect(new Set(cases.map(({ run }) => run)).size).toBeGreaterThanOrEqual(150);
  });

  it.concurrent.each(cases)('$run', async ({ run, shows, undo }) => {
    const stage = setStage();
    try {
      expect(await check(stage, run)).toEqual({ shows, undo, wrong: [] });
    } finally {
      stage.stop();
    }
  });
});
