import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { CursorPlayer } from '../../support/cursor-player.ts';
import { runCountersign } from '../../support/gateway.ts';

/** Installing and taking out, without any gateway: then everything that asks is denied, and nothing else is held up. */
let root: string;
let home: string;
let project: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'cs-install-'));
  home = join(root, 'dev');
  project = join(root, 'my project');
  for (const folder of [home, project]) mkdirSync(folder);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const countersign = (...args: string[]) =>
  runCountersign(join(root, 'gate way'), args, '', { ...process.env, HOME: home });
const cursor = () => new CursorPlayer({ home, project, conversationId: 'c' });
const file = () => join(home, '.cursor', 'hooks.json');

it('without a gateway what asks is denied with a sentence, and what tells is not held up', async () => {
  expect((await countersign('cursor', 'install')).code).toBe(0);
  const refused = await cursor().shell('ls');
  expect(refused).toMatchObject({ ran: false, message: expect.stringContaining('countersign start') });
  for (const mode of ['editor', 'cli'] as const) {
    const player = new CursorPlayer({ home, project, conversationId: 'c', mode });
    for (const event of [
      'preToolUse',
      'beforeShellExecution',
      'beforeMCPExecution',
      'beforeReadFile',
      'beforeSubmitPrompt',
    ])
      expect(await player.fire(event, {})).toMatchObject({ allowed: false });
  }
  const { printed } = await cursor().fire('stop', { status: 'completed' });
  expect(printed).toEqual(['{}\n']);
}, 60_000);

it('other tools’ hooks stay, are run, and their no is a no; uninstall leaves what was there', async () => {
  mkdirSync(join(home, '.cursor'));
  const before = {
    version: 1,
    hooks: { preToolUse: [{ command: 'echo \'{"permission":"deny","user_message":"lint"}\'' }] },
  };
  writeFileSync(file(), JSON.stringify(before, null, '\t'));
  chmodSync(file(), 0o640);
  expect((await countersign('cursor', 'install')).err).toContain('before-countersign');
  const installed = JSON.parse(readFileSync(file(), 'utf8'));
  expect(installed.hooks.preToolUse[0]).toEqual(before.hooks.preToolUse[0]);
  expect(installed.hooks.preToolUse).toHaveLength(2);
  expect(readFileSync(file(), 'utf8')).toContain('\n\t"version"');
  expect(statSync(file()).mode & 0o777).toBe(0o640);
  expect((await countersign('cursor', 'install')).out).toContain('Nothing to change');
  expect(
    (await cursor().fire('preToolUse', { tool_name: 'Shell', tool_input: { command: 'ls' } })).printed,
  ).toHaveLength(2);
  expect((await countersign('cursor', 'uninstall')).code).toBe(0);
  expect(JSON.parse(readFileSync(file(), 'utf8'))).toEqual(before);
  expect(existsSync(`${file()}.before-countersign`)).toBe(false);
}, 60_000);

it('a broken file is refused with a sentence and left as it is; a link stays one', async () => {
  mkdirSync(join(project, '.cursor'));
  const own = join(project, '.cursor', 'hooks.json');
  writeFileSync(own, '{"version": 1,');
  const refused = await countersign('cursor', 'install', '--project', project);
  expect([refused.code, refused.err]).toEqual([1, expect.stringMatching(/hooks\.json is not valid JSON; repair it/)]);
  expect(readFileSync(own, 'utf8')).toBe('{"version": 1,');
  const dotfiles = join(root, 'dotfiles.json');
  writeFileSync(dotfiles, '{}');
  mkdirSync(join(home, '.cursor'), { recursive: true });
  symlinkSync(dotfiles, file());
  await countersign('cursor', 'install');
  expect(JSON.parse(readFileSync(dotfiles, 'utf8')).hooks.stop).toHaveLength(1);
  expect((await countersign('cursor', 'install', '--user', '--project')).code).toBe(2);
}, 60_000);
