import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changedSince, restoreFile, restoreRef } from '../../../gateway/cli/undo/restore.ts';
import type { Approval } from '../../../gateway/contract/decision.ts';
import type { Statement } from '../../../gateway/contract/session.ts';
import { eventually, TEST_PIN } from '../../support/side-by-side.ts';
import { type Stage, startStage } from './stage.ts';

/** Actions of Cursor's agent, and a person who puts back what they did. */
let stage: Stage;
const path = (name: string) => join(stage.project, name);
const git = (...args: string[]) =>
  execFileSync('git', ['-C', stage.project, '-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
    encoding: 'utf8',
  });
beforeAll(async () => {
  stage = await startStage();
  await stage.countersign('cursor', 'install');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', join(stage.home, 'server.git')]);
  execFileSync('git', ['init', '-q', '-b', 'main', stage.project]);
  mkdirSync(path('src'));
  writeFileSync(path('src/a.ts'), 'a\n');
  git('add', 'src');
  git('commit', '-qm', 'first');
  git('remote', 'add', 'origin', join(stage.home, 'server.git'));
  git('push', '-q', 'origin', 'main');
  writeFileSync(path('src/b.bin'), Buffer.from([0, 1, 2, 255]), { mode: 0o755 });
  symlinkSync('a.ts', path('src/link'));
});
afterAll(() => stage?.stop());

/** Lets it happen, once the person was told what of it can be undone. */
async function approve(): Promise<string> {
  const said = await eventually('the preview', async () => {
    const { items } = await stage.gateway.control.call('approvals', { state: 'waiting', limit: 10 });
    const [one] = items as Approval[];
    return one?.preview?.kind === 'command' && one.preview.state === 'done' ? (one.preview.undo?.sentence ?? '') : null;
  });
  await stage.decide('approve');
  return said;
}

async function recorded(conversationId: string): Promise<{ id: string; statements: Statement[] }> {
  return eventually('the recording', async () => {
    const { items } = await stage.gateway.control.call('sessions', { limit: 500 });
    const one = items.find((session) => session.conversationId === conversationId && session.protocol === 'agent');
    if (one?.state !== 'closed') return null;
    const found = await stage.gateway.control.call('statements', { id: one.id, limit: 500 });
    return found.items.length >= one.statements ? { id: one.id, statements: found.items } : null;
  });
}

describe('what the agent did is undone', () => {
  it('removed, replaced and pushed, each as it was before; what came later is shown first', async () => {
    const cursor = stage.play('undo-1');
    const removing = cursor.shell('rm -r src');
    expect(await approve()).toBe('Can be undone: a copy of 3 files (6 bytes) is kept');
    expect(await removing).toMatchObject({ ran: true });
    expect(existsSync(path('src'))).toBe(false);
    expect(await cursor.write('notes.txt', 'agent\n')).toMatchObject({ ran: true });
    writeFileSync(path('other.txt'), 'more\n');
    git('add', 'other.txt');
    git('commit', '-qm', 'second');
    const [before, after] = [git('rev-parse', 'HEAD~1').trim(), git('rev-parse', 'HEAD').trim()];
    const pushing = cursor.shell('git push origin main');
    expect(await approve()).toContain(`main goes back to ${before.slice(0, 8)}`);
    expect(await pushing).toMatchObject({ ran: true });
    await cursor.fire('sessionEnd', { reason: 'completed', duration_ms: 10, final_status: 'completed' });

    const { id, statements } = await recorded('undo-1');
    const of = (text: string) => statements.find((one) => one.text.includes(text))!;
    const { control } = stage.gateway;
    const planOf = (text: string) => control.call('undoPlan', { id, exchange: of(text).exchange });
    const contentsOf = async (text: string) =>
      (await control.call('undoContents', { id, exchange: of(text).exchange, pin: TEST_PIN })).files;

    const shown = await stage.countersign('sessions', 'undo', '--dry-run', id, String(of('rm -r src').index));
    expect([shown.code, shown.out]).toEqual([0, expect.stringContaining('Nothing has changed since.')]);
    await expect(
      control.call('undoContents', { id, exchange: of('rm -r src').exchange, pin: '999999' }),
    ).rejects.toMatchObject({ code: 'PIN_WRONG' });
    for (const file of await contentsOf('rm -r src')) restoreFile(file);
    expect(readFileSync(path('src/a.ts'), 'utf8')).toBe('a\n');
    expect([...readFileSync(path('src/b.bin'))]).toEqual([0, 1, 2, 255]);
    expect(execFileSync('ls', ['-l', path('src')], { encoding: 'utf8' })).toMatch(
      /-rwxr-xr-x.*b\.bin[\s\S]*link -> a\.ts/,
    );

    const edited = await planOf('notes.txt');
    expect(edited.files).toMatchObject([{ path: path('notes.txt'), kind: 'missing', left: { state: 'file' } }]);
    expect(changedSince(path('notes.txt'), edited.files[0]!.left)).toBeNull();
    writeFileSync(path('notes.txt'), 'mine by now\n');
    expect(changedSince(path('notes.txt'), edited.files[0]!.left)).toContain('has changed since');

    const { pushes } = await planOf('git push');
    expect(pushes).toMatchObject([{ ref: 'refs/heads/main', before, after }]);
    restoreRef(pushes[0]!);
    const server = () =>
      execFileSync('git', ['-C', join(stage.home, 'server.git'), 'rev-parse', 'main'], { encoding: 'utf8' }).trim();
    expect(server()).toBe(before);
    // Somebody pushed since, so it is left alone.
    git('commit', '-q', '--allow-empty', '-m', 'third');
    git('push', '-q', 'origin', 'main');
    expect(() => restoreRef(pushes[0]!)).toThrow('was not put back');
    expect(server()).toBe(git('rev-parse', 'HEAD').trim());
  });
});
