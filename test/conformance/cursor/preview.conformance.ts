import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Approval } from '../../../gateway/contract/decision.ts';
import type { CommandPreview } from '../../../gateway/contract/preview.ts';
import { eventually } from '../../support/side-by-side.ts';
import { type Stage, startStage } from './stage.ts';

/** What a person is shown of a command, by the installed hook of Cursor and by `countersign exec`. */
let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
  await stage.countersign('cursor', 'install');
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', stage.project, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args]);
  execFileSync('git', ['init', '-q', stage.project]);
  mkdirSync(join(stage.project, 'src'));
  writeFileSync(join(stage.project, 'src/a.ts'), 'a\n');
  git('add', 'src');
  git('commit', '-qm', 'first');
  writeFileSync(join(stage.project, 'src/new.ts'), 'new\n');
});
afterAll(() => stage?.stop());

const waiting = async (): Promise<Approval | null> => {
  const { items } = await stage.gateway.control.call('approvals', { state: 'waiting', limit: 10 });
  return items[0] ?? null;
};
const shown = (): Promise<CommandPreview> =>
  eventually('the preview', async () => {
    const preview = (await waiting())?.preview;
    return preview?.kind === 'command' && preview.state === 'done' ? preview : null;
  });

describe('a command that waits for a person', () => {
  it('of an agent shows what it would remove, and the terminal shows it too', async () => {
    const cursor = stage.play('preview-1');
    const held = cursor.shell('rm -r src');
    const { parts, undo } = await shown();
    expect(parts).toMatchObject([
      {
        tone: 'loss',
        sentence: 'Removes 2 files in 1 folder, 6 bytes: 1 as committed in Git, 1 that Git does not have',
        lines: ['src/a.ts (2 bytes)', 'src/new.ts (4 bytes)'],
      },
    ]);
    expect(undo).toMatchObject({ can: 'all' });
    const told = await stage.countersign('approvals', 'show', (await waiting())?.id ?? '');
    expect(told.out).toContain('! Removes 2 files in 1 folder');
    await stage.decide('deny');
    expect(await held).toMatchObject({ ran: false });
    expect(existsSync(join(stage.project, 'src/a.ts'))).toBe(true);
  });

  it('is decided on without waiting for what is still looked at', async () => {
    // Git that never ends, as the only one there is to look with.
    const cursor = stage.play('preview-2');
    const held = cursor.shell('rm -r src/new.ts');
    await stage.decide('approve');
    expect(await held).toMatchObject({ ran: true });
    expect(existsSync(join(stage.project, 'src/new.ts'))).toBe(false);
  });
});
