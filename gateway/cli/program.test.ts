import { describe, expect, it } from 'vitest';
import { runCommand } from './test-cli.ts';

describe('options of the program itself', () => {
  it.each([[['--debug', 'grants', 'list']], [['grants', 'list', '--debug']], [['grants', '--debug', 'list']]])(
    'may stand anywhere: %j',
    async (args) => {
      const { code, calls } = await runCommand(args, { answers: { grants: () => ({ items: [] }) } });
      expect(code).toBe(0);
      expect(calls).toHaveLength(1);
    },
  );
});
