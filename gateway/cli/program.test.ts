import { describe, expect, it } from 'vitest';
import { createProgram } from './program.ts';
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

describe('each command', () => {
  const cli = {} as Parameters<typeof createProgram>[0];
  const namesOf = async (args: string[]) => (await createProgram(cli, args)).commands.map((command) => command.name());

  it('is loaded by itself: its file registers what the table says', async () => {
    const all = await namesOf(['--help']);
    expect(all.length).toBeGreaterThan(30);
    for (const name of all)
      expect({ name, alone: (await namesOf([name])).includes(name) }).toEqual({ name, alone: true });
    for (const name of all.filter((one) => one !== 'version')) expect((await namesOf([name])).length).toBeLessThan(8);
  });

  it('is found behind options of the program', async () => {
    expect(await namesOf(['--debug', '--home', 'status', 'grants'])).toEqual(['grants', 'version']);
    expect(await namesOf(['--home=status', 'grants'])).toEqual(['grants', 'version']);
  });
});
